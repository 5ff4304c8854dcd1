"""The page's HTML, without a browser: hostile records and names, the operating point, tables, the heat map."""

import base64
import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

from alzedge.demo.answering.example import load_example
from alzedge.demo.answering.reply import Reply, ask
from alzedge.demo.answering.uploads import Unread
from alzedge.demo.html.answer import answer_html, empty_html, refusal_html
from alzedge.demo.html.comparison import comparison_html, load_teacher
from alzedge.demo.html.model_card import card_html
from alzedge.demo.html.rendering import render
from alzedge.demo.html.table import result_rows, results_csv, results_json
from alzedge.demo.html.viewer import brain_mask, heat_layer, viewer_html
from alzedge.demo.page.labelling import (
    ACCEPT,
    UNUSABLE,
    LabelFolder,
    Reading,
    checked_rows,
    labels_html,
    make_label,
    resumed,
)
from alzedge.errors import UserError
from alzedge.imaging.overlay import AGAINST, FOR
from alzedge.inference.answer import Answer
from alzedge.inference.classifier import Classifier
from alzedge.inference.measures.operating_point import OperatingPoint
from alzedge.metrics.caveats import cannot_sentence
from alzedge.metrics.record_facts import any_dementia, largest_unseen, read_measurements
from alzedge.model_file.bundled import bundled_model
from alzedge.reporting.labels import COLUMNS, labels_csv
from alzedge.stages import STAGES, TITLES
from alzedge.utils.spreadsheets import csv_rows, csv_text

SCRIPT = "<script>document.title='owned'</script>"
BREAKOUT = '"><img src=x onerror=alert(1)>'


class Tags(HTMLParser):
    """Names of all elements, and all attributes' names."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def assert_harmless(html: str) -> None:
    """No element or attribute that a text could have smuggled in."""
    found = Tags(html)
    assert "script" not in found.names and not any(name.startswith("on") for name in found.attributes), html
    assert "<img src=x" not in html


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


def answer(none: float) -> Answer:
    """An answer with that probability of no dementia."""
    rest = (1 - none) / 3
    return Answer(dict(zip(STAGES, (none, rest, rest, rest), strict=True)), None, 0.5)


def reply(*answers: Answer, **changes: Any) -> Reply:
    names = tuple(f"{number}.png" for number in range(len(answers)))
    plain = Reply(names, tuple(f"{number:064x}" for number in range(len(answers))), False, answers, None, 0.01)
    return replace(plain, **changes)


def hostile(value: Any, text: str) -> Any:
    """A record's entry with every text and number in it replaced."""
    if isinstance(value, dict):
        return {key: hostile(entry, text) for key, entry in value.items()}
    return [hostile(entry, text) for entry in value] if isinstance(value, list) else text


@pytest.mark.parametrize("text", [SCRIPT, BREAKOUT, "{{ 1111 * 3 }}${1111 * 3}"])
def test_no_text_of_a_record_becomes_an_element(classifier: Classifier, text: str) -> None:
    """Whoever makes a model file writes its record."""
    kept = {name: classifier.record[name] for name in ("preprocessing", "labels")}
    record = hostile(classifier.record, text) | kept
    one = reply(answer(0.2), answer(0.9), one_person=True)
    pages = [
        card_html(record),
        card_html(
            {
                **classifier.record,
                "dataset": hostile(classifier.record["dataset"], text),
                "split": {"description": text},
            }
        ),
        empty_html(record),
        answer_html(record, one),
        answer_html(record, replace(one, one_person=None)),
        comparison_html(record, record, (one, one)),
    ]
    for page in pages:
        assert_harmless(page)
        assert "3333" not in page


@pytest.mark.parametrize(
    "entry", ["metrics", "guard", "dataset", "split", "operating_threshold", "verdict", "soft_targets"]
)
@pytest.mark.parametrize("value", [None, 3, "text", [], {}, {"slice": 1, "value": float("nan"), "measured": []}])
def test_a_record_without_its_entries_still_has_a_page(classifier: Classifier, entry: str, value: Any) -> None:
    record = {**classifier.record, entry: value}
    for page in (card_html(record), empty_html(record), answer_html(record, reply(answer(0.5)))):
        assert page
    missing = {name: kept for name, kept in classifier.record.items() if name != entry}
    assert card_html(missing) and answer_html(missing, reply(answer(0.5)))


@pytest.mark.parametrize("text", [SCRIPT, BREAKOUT])
def test_no_name_of_a_file_becomes_an_element(classifier: Classifier, text: str) -> None:
    slices = np.zeros((2, 208, 176), np.uint8)
    unread = (Unread(text, f"{text}: broken."),)
    told = reply(answer(0.2), Answer(None, "no slice", 2.0), names=(text, text), unread=unread)
    label = make_label(told, Reading(1, 0, text, text, True), text)
    for page in (
        answer_html(classifier.record, told),
        answer_html(classifier.record, replace(told, one_person=True)),
        refusal_html(text, unread),
        viewer_html(slices, told, None, 0.3),
        labels_html([label]),
    ):
        assert_harmless(page)
        assert "&lt;" in page


def test_templates_escape_and_know_their_names() -> None:
    assert render("note", sentence="<b>") == '<p class="of">&lt;b&gt;</p>'
    with pytest.raises(Exception, match="undefined"):
        render("note")


def test_the_operating_point_comes_first_and_is_the_files_own(classifier: Classifier) -> None:
    point = OperatingPoint.read(classifier.record)
    assert point is not None and point.sensitivity is not None and point.specificity is not None
    entry = classifier.record["operating_threshold"]
    assert (point.threshold, point.level, point.people) == (entry["value"], "person", entry["people"])
    edge = 1 - point.threshold
    for none, side in ((edge - 1e-4, "above"), (edge + 1e-4, "below"), (0.0, "above"), (1.0, "below")):
        page = answer_html(classifier.record, reply(answer(none)))
        heading = re.search(r"<h2[^>]*>([^<]*)</h2>", page)
        assert heading is not None and heading[1] == f"Any dementia: {side} the threshold", none
        assert page.index(heading[1]) < page.index("How far to trust it") < page.index(TITLES[1])
        for one in (point.sensitivity, point.specificity):
            assert f"{one.value:.0%}" in page and f"{one.low:.0%} to {one.high:.0%}" in page
        missed, flagged = (round(100 - 100 * one.value) for one in (point.sensitivity, point.specificity))
        assert f"of 100 with dementia it misses {missed}, of 100 without it flags {flagged} wrongly" in page
        assert f"{point.people} people never seen in training" in page and "one slice alone says less" in page
        assert "tell the stages apart" in page and cannot_sentence(classifier.record) in page


def test_a_person_is_the_mean_and_its_slices_have_a_curve(classifier: Classifier) -> None:
    told = reply(answer(0.9), Answer(None, "no slice", 2.0), answer(0.3), one_person=True)
    page = answer_html(classifier.record, told)
    threshold = classifier.threshold
    assert threshold is not None
    assert f"score 0.40, threshold {threshold:.2f}" in page and "The mean over 2 slices; 1 that the model" in page
    assert page.count('class="line"') == 1 and "M833.3 60.0h0" in page
    assert f'class="threshold" d="M0 {200 * (1 - threshold):.1f}' in page
    assert 'id="results"' not in page
    assert page.count("95% interval") == 3  # once beside sensitivity, specificity and the stages


def test_without_a_threshold_the_score_stands_alone(classifier: Classifier) -> None:
    record = {**classifier.record, "operating_threshold": None}
    page = answer_html(record, reply(answer(0.4)))
    assert "no threshold known" in page and "score 0.60" in page.replace('<span data-show="score">', "").replace(
        "</span>", ""
    )
    synthetic = {**classifier.record, "dataset": {**classifier.record["dataset"], "synthetic": True}}
    assert "say nothing about real slices" in answer_html(synthetic, reply(answer(0.4)))


def test_what_it_cannot_do_is_read_from_the_largest_test(classifier: Classifier) -> None:
    test = largest_unseen(classifier.record)
    assert test is not None and not test.itself
    tests = read_measurements(classifier.record)
    assert test.levels[0].n == max(one.levels[0].n for one in tests if one.unseen_people)
    unseen = [one.unseen_people for one in tests]
    assert unseen == sorted(unseen, reverse=True) and True in unseen
    only = {**classifier.record, "metrics": {"subject": classifier.record["metrics"]["subject"]}}
    person = only["metrics"]["subject"]["person"]
    right = f"{person['stages4']['accuracy']['value']:.0%}"
    assert f"asked about {person['n']} people it had never seen, it was right for {right}" in cannot_sentence(only)
    assert "was not measured" in cannot_sentence({**classifier.record, "metrics": {}})


def test_several_images_are_a_table_with_csv_and_json(classifier: Classifier) -> None:
    told = reply(answer(0.2), answer(0.9), Answer(None, "not a slice", 1.7), names=("=cmd()", "b.png", "c.png"))
    told = replace(told, unread=(Unread("-d.jpg", "-d.jpg: broken."),))
    page = answer_html(classifier.record, told)
    assert page.count("<tr") == 5 and "above threshold" in page and "below threshold" in page
    assert (
        '<td colspan="3" class="problem">broken.</td>' in page
        and "4 images, each by itself; 2 without an answer<" in page
    )
    many = reply(*(answer(0.2) for _ in range(13)), names=tuple(f"{n}.png" for n in range(13)))
    assert "scroll for all" in answer_html(classifier.record, many) and "scroll for all" not in page
    links = dict(re.findall(r'download="([^"]+)" href="data:[^,]*;base64,([^"]+)"', page))
    text = base64.b64decode(links["alzedge-results.csv"]).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["image"] for row in rows] == ["'=cmd()", "b.png", "c.png", "'-d.jpg"]
    assert rows[0]["any_dementia"] == "0.8" and rows[0]["above"] == "True" and rows[2]["unlikeness"] == "1.7"
    assert rows[0]["model_sha256"] == classifier.record["sha256"] and rows[1]["image_sha256"] == f"{1:064x}"
    assert rows[2]["problem"] == "not a slice" and rows[3]["problem"] == "'-d.jpg: broken."
    document = json.loads(base64.b64decode(links["alzedge-results.json"]))
    assert document["model"]["sha256"] == classifier.record["sha256"]
    assert document["images"][0]["probabilities"]["NonDemented"] == 0.2 and document["images"][3]["stage"] is None
    assert results_json(classifier.record, result_rows(classifier.record, told)) == json.dumps(document, indent=1)
    assert results_csv(classifier.record, result_rows(classifier.record, told)) == text


def test_the_example_gets_a_sensible_answer(classifier: Classifier) -> None:
    """An average of healthy young adults lies below the threshold, and the guard knows every slice."""
    upload = load_example()
    told = ask(classifier, upload)
    point = OperatingPoint.read(classifier.record)
    assert point is not None and len(told.given) == len(upload.slices) == 7
    assert any_dementia(told.person) < point.threshold and told.person.stage == STAGES[0]
    assert all(any_dementia(one) < point.threshold for one in told.answers)


def test_a_heat_map_is_orange_for_and_blue_against() -> None:
    evidence = np.zeros((13, 11), np.float32)
    evidence[3, 3], evidence[9, 8] = 2.0, -1.0
    layer = heat_layer(evidence, 2.0)
    assert layer.shape == (39, 33, 4)
    assert tuple(layer[10, 10, :3]) == FOR and layer[10, 10, 3] > 200
    assert tuple(layer[28, 25, :3]) == AGAINST and 100 < layer[28, 25, 3] < 140
    assert layer[38, 0, 3] == 0


def test_the_heat_map_is_kept_inside_the_brain() -> None:
    slices = load_example().slices[3:4]
    mask = brain_mask(slices[0])
    outside = slices[0] == 0
    assert not mask[0].any() and not mask[:, 0].any() and mask[104, 88]
    assert mask[slices[0] > 8].all() and mask.mean() < 0.55 and (mask & outside).mean() < 0.01
    told = reply(answer(0.5))
    page = viewer_html(slices, told, np.ones((1, 13, 11, 4), np.float32), 0.3)
    masked = re.search(r'data-mask="([^"]+)"', page)
    maps = re.search(r'data-heat="([^"]+)"', page)
    assert masked is not None and maps is not None and len(maps[1].split()) == 5
    with Image.open(io.BytesIO(base64.b64decode(masked[1]))) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA"))[..., 3] == 255, mask)
    first, second = (np.asarray(Image.open(io.BytesIO(base64.b64decode(one)))) for one in maps[1].split()[:2])
    # Evidence for no dementia speaks against any.
    assert tuple(second[20, 16, :3]) == FOR and tuple(first[20, 16, :3]) == AGAINST


def test_no_cell_of_a_csv_is_a_formula() -> None:
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "fine", "a\n=b", '"=1']
    found = [row[0] for row in csv.reader(io.StringIO(csv_text([[cell] for cell in cells]), newline=""))]
    assert found == [f"'{cell}" for cell in cells[:8]] + cells[8:]
    assert [row[0] for row in csv_rows(csv_text([[cell] for cell in cells]))] == cells


def test_a_label_has_its_reviewer_and_hashes_in_place_of_names() -> None:
    told = reply(answer(0.2), answer(0.9), Answer(None, "not a slice", 2.0), one_person=True)
    row = make_label(told, Reading(2, 3, " AB ", "=x", True), "f" * 64)
    assert tuple(row) == COLUMNS
    assert (row["reviewer"], row["image_sha256"], row["blind"]) == ("AB", f"{1:064x}", "yes")
    assert (row["reviewer_stage"], row["model_stage"], row["agrees"]) == (STAGES[3], STAGES[0], "no")
    assert row["model_any_dementia"] == "0.1000" and row["model_sha256"] == "f" * 64 and row["utc"].endswith("+00:00")
    assert "'=x" in labels_csv([row]) and not any(name in labels_csv([row]) for name in told.names)
    person = make_label(told, Reading(None, 0, "AB", "", True), "f" * 64)
    assert person["slice"] == f"{row['person']}, all slices" and len(person["image_sha256"]) == 64
    assert person["person"] == row["person"] == row["slice"]
    strangers = make_label(replace(told, one_person=None), Reading(2, 3, "AB", "", True), "")
    assert strangers["person"] == strangers["image_sha256"][:12] != row["person"]
    assert make_label(told, Reading(3, UNUSABLE, "AB", "", True), "")["reviewer_stage"] == ""
    for reading, words in (
        (Reading(1, None, "AB", "", True), "No reading"),
        (Reading(1, 0, " ", "", True), "reviewer is missing"),
        (Reading(4, 0, "AB", "", True), "no slice 4"),
        (Reading(3, ACCEPT, "AB", "", False), "none to accept"),
        (Reading(1, 0, "AB", "x" * 501, True), "501 characters"),
    ):
        with pytest.raises(UserError, match=words):
            make_label(told, reading, "")


def test_the_first_reading_is_ones_own_and_blind_the_second_is_not() -> None:
    told = reply(answer(0.2), answer(0.9))
    with pytest.raises(UserError, match="by yourself first"):
        make_label(told, Reading(1, ACCEPT, "AB", "", True), "")
    first = make_label(told, Reading(1, 0, "AB", "", True), "")
    second = make_label(told, Reading(1, ACCEPT, "AB", "", True), "", [first])
    assert (first["blind"], second["blind"], second["agrees"]) == ("yes", "no", "yes")
    assert make_label(told, Reading(2, 0, "AB", "", True), "", [first])["blind"] == "yes"
    assert make_label(told, Reading(1, 0, "CD", "", True), "", [first])["blind"] == "yes"
    assert make_label(told, Reading(1, 0, "AB", "", False), "")["blind"] == "no"


def test_only_labels_are_taken_back_from_a_browser_or_a_file(tmp_path: Any) -> None:
    good = dict.fromkeys(COLUMNS, "x") | {"reviewer_stage": STAGES[0], "blind": "yes", "comment": "=1"}
    bad: list[Any] = [None, 3, {}, good | {"more": "x"}, good | {"utc": 3}, good | {"comment": "x" * 10_000}]
    assert checked_rows([*bad, good | {"blind": "x"}, good]) == [good]
    assert checked_rows({"a": 1}) == checked_rows(None) == []
    folder = LabelFolder(tmp_path)
    folder.keep(good)
    LabelFolder(tmp_path).keep(good | {"utc": "y"})
    assert (tmp_path / "labels.csv").read_bytes().decode() == labels_csv([good, good | {"utc": "y"}])
    folder.drop(good)
    folder.drop(good | {"utc": "z"})
    assert (tmp_path / "labels.csv").read_bytes().decode() == labels_csv([good | {"utc": "y"}])
    kept = [good | {"utc": "a"}]
    data = labels_csv([good, good | {"utc": "y"}]).encode("utf-8-sig")
    assert resumed(resumed(kept, data, "a.csv"), data, "a.csv") == [*kept, good, good | {"utc": "y"}]
    for wrong in (b"", b"\xff\xfe", b"utc,slice\r\n", data[:-30], labels_csv([good | {"blind": "?"}]).encode()):
        with pytest.raises(UserError, match=r"^a\.csv: "):
            resumed(kept, wrong, "a.csv")
    (tmp_path / "labels.csv").write_text("utc,slice\r\n")
    with pytest.raises(UserError, match="other columns"):
        LabelFolder(tmp_path)


def test_what_is_not_a_teacher_is_one_sentence(tmp_path: Any) -> None:
    with pytest.raises(UserError, match="not a teacher"):
        load_teacher(bundled_model())
    with pytest.raises(UserError, match="needs TensorFlow"):
        load_teacher(tmp_path / "teacher.keras")
