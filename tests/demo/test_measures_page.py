"""Measured quantities on the page and for programs, by a made-up student that measures; a file of version 0.1 shows none."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from helpers.measuring import MEASURES, NORM, VOLUME, measuring_classifier
from helpers.version_0_1 import classifier_0_1
from PIL import Image

from alzedge.demo.answering.example import load_example
from alzedge.demo.answering.reply import ask
from alzedge.demo.answering.told import Told, read_told
from alzedge.demo.answering.uploads import Upload
from alzedge.demo.html.answer import answer_html, empty_html
from alzedge.demo.html.measures import measures_html, stage_set_html
from alzedge.demo.html.model_card import card_html
from alzedge.demo.html.table import result_rows, results_csv, results_json
from alzedge.demo.page.api import answer
from alzedge.demo.page.desk import Answered, Desk
from alzedge.demo.serving.questions import checked_question
from alzedge.errors import UserError
from alzedge.inference.answer import Answer
from alzedge.inference.classifier import Classifier
from alzedge.inference.measures.norm_picture import HEIGHT, WIDTH, norm_svg
from alzedge.inference.measures.quantities import ApparentAge
from alzedge.metrics.caveats import cannot_sentence
from alzedge.reporting.compose import Pictures
from alzedge.stages import STAGES

SVG = "{http://www.w3.org/2000/svg}"
SHARES = dict(zip(STAGES, (0.5, 0.3, 0.15, 0.05), strict=True))
ANSWER = Answer(SHARES, None, None, 0.3, VOLUME, ApparentAge(71.4, 62, 80.9), STAGES[:2])


class NoEvidence:
    """No heat map, which would take most of the time here."""

    words = ""

    def __call__(self, images: np.ndarray) -> None:
        return None


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return measuring_classifier()


@pytest.fixture(scope="module")
def desk(classifier: Classifier) -> Desk:
    return Desk(classifier, NoEvidence())


def by_class(svg: str, name: str) -> list[ET.Element]:
    return [one for one in ET.fromstring(svg).iter() if one.get("class") == name]


def test_the_dot_stands_at_its_age_and_volume_and_nothing_leaves_the_picture() -> None:
    svg = norm_svg(NORM, VOLUME, 75.0, "F")
    (person,) = by_class(svg, "person")
    dot = person.find(f"{SVG}circle")
    assert dot is not None and len(by_class(svg, "band")) == 3 and len(by_class(svg, "centile")) == 6
    x, y = float(dot.get("cx", "")), float(dot.get("cy", ""))
    # Between the ends of its own interval, and under the median of its age: as drawn, not as computed.
    numbers = [float(number) for number in re.findall(r"[\d.]+", by_class(svg, "median")[0].get("d", ""))]
    across, down = numbers[::2], numbers[1::2]
    assert y > np.interp(x, across, down) and 0 < x < WIDTH and 0 < y < HEIGHT
    ends = re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)", person[0].get("d", ""))[0]
    assert float(ends[0]) < y < float(ends[1])
    share = (75 - NORM.ages[0]) / (NORM.ages[1] - NORM.ages[0])
    assert x == pytest.approx(across[0] + share * (across[-1] - across[0]), abs=0.1)
    every = [float(n) for one in ET.fromstring(svg).iter() for n in re.findall(r"\d+\.\d", one.get("d", ""))]
    assert max(every) <= WIDTH
    root = ET.fromstring(svg)
    named = {one.get("id") for one in root if one.tag in (f"{SVG}title", f"{SVG}desc")}
    assert set(root.get("aria-labelledby", "").split()) == named and root.get("role") == "img"
    assert "8th percentile for women of 75" in svg and "women" in svg and "240 people" in svg
    labels = [float(one.get("y", "")) for one in root.iter(f"{SVG}text") if float(one.get("x", "")) > WIDTH - 34]
    assert len(labels) == 8 and min(np.diff(sorted(labels))) >= 12  # the percentiles and their heading do not collide


def test_without_an_age_the_volume_is_a_band_over_all_ages() -> None:
    svg = norm_svg(NORM, replace(VOLUME, percentile=None))
    (person,) = by_class(svg, "person")
    band = person.find(f"{SVG}rect")
    assert band is not None and float(band.get("width", "")) > 0.8 * WIDTH and person.find(f"{SVG}circle") is None
    assert "percentile for" not in svg


def test_a_person_beyond_the_curve_is_drawn_without_a_percentile() -> None:
    for age in (99.0, 7.0):
        svg = norm_svg(NORM, replace(VOLUME, percentile=None), age)
        dot = by_class(svg, "person")[0].find(f"{SVG}circle")
        assert dot is not None and 0 < float(dot.get("cx", "")) < WIDTH
        page = measures_html(replace(ANSWER, brain_volume=replace(VOLUME, percentile=None)), MEASURES, Told(age))
        assert "The curve reaches from 18 to 94 years" in page and "data-focus" not in page


def test_the_answer_is_in_order_and_says_what_is_missing(classifier: Classifier, desk: Desk) -> None:
    page = str(desk.example().answer)
    order = [
        "Any dementia:", "How far to trust it", "Brain volume", "Without an age there is no percentile",
        'data-focus="age"', "Looks like a brain of", "<svg", "Stages: not to be relied on", cannot_sentence(classifier.record),
    ]  # fmt: skip
    assert sorted(order, key=page.index) == order
    told = str(desk.example("70", "M").answer)
    assert re.search(r"<b>[^<]* percentile</b> of men without dementia at 70", told) and "data-focus" not in told
    assert "<circle" in told and "<circle" not in page
    person = classifier.predict(load_example().slices).person
    assert person.brain_volume is not None and f"<strong>{person.brain_volume.value:.3f}</strong>" in page
    assert 'data-measured="By this slice alone: brain volume' in str(desk.example().view)


def test_stages_are_told_in_words_and_an_abstention_too() -> None:
    assert "Cannot rule out: no dementia, very mild." in stage_set_html(ANSWER)
    assert "90%" in stage_set_html(ANSWER)
    assert "Rules out every stage but mild dementia." in stage_set_html(replace(ANSWER, stage_set=STAGES[2:3]))
    for stages in (STAGES, ()):
        assert "Abstains" in stage_set_html(replace(ANSWER, stage_set=stages))
    assert stage_set_html(replace(ANSWER, stage_set=None)) == ""


def test_an_age_that_cannot_be_is_said_beside_the_answer_and_not_kept(desk: Desk) -> None:
    wrong = (("0", "age of 0"), ("700", "age of 700"), ("nan", "nan"), ("inf", "inf"), ("old", "not a number"))
    for age, sex, words in (*((age, "", words) for age, words in wrong), ("70", "X", "The sex")):
        shown = desk.example(age, sex)
        assert words in shown.answer and "Any dementia:" in shown.answer and "<circle" not in shown.answer
    with pytest.raises(UserError, match="not a number"):
        read_told("seventy", None)
    kept = desk.example(" 71,25 ", "F").answered
    assert kept is not None and "71.25" not in repr(kept) and kept.student.person.brain_volume.percentile is None
    assert "at 68" in desk.regroup(kept, None, "68").answer


def test_several_images_have_columns_of_their_own_measures(classifier: Classifier, desk: Desk) -> None:
    slices = load_example().slices
    upload = Upload(slices, tuple(f"{number}.png" for number in range(len(slices))), False)
    reply = ask(classifier, upload)
    page = answer_html(classifier.record, reply, Told(70))
    assert "brain volume</th>" in page and "looks like, years</th>" in page
    assert "norm-figure" not in page  # nobody has said that they are one person's
    rows = result_rows(classifier.record, reply)
    one = next(csv.DictReader(io.StringIO(results_csv(classifier.record, rows), newline="")))
    told = classifier.answers(slices)[0]
    assert told.brain_volume is not None and told.apparent_age is not None
    assert float(one["brain_volume"]) == pytest.approx(told.brain_volume.value, abs=1e-4)
    assert float(one["apparent_age_high"]) == pytest.approx(told.apparent_age.high, abs=0.1)
    image = json.loads(results_json(classifier.record, rows))["images"][0]
    assert image["brain_volume"]["low"] == float(one["brain_volume_low"])
    assert "at 70" in desk.regroup(Answered(reply, None, Pictures((), "", "")), True, "70").answer


def test_a_file_of_version_0_1_shows_what_it_showed() -> None:
    old = classifier_0_1()
    desk = Desk(old, NoEvidence())
    page = str(desk.example("70", "F").answer)
    assert "Brain volume" not in page and "norm-figure" not in page and "stage-set" not in page
    assert '<div class="trust">' in page and "data-measured" not in str(desk.example().view)


def test_the_first_screen_and_the_card_say_what_is_measured(classifier: Classifier) -> None:
    assert "the age that the brain looks like" in empty_html(classifier.record)
    card = card_html(classifier.record)
    assert "fitted on 230 people" in card and "240 people without dementia, 18 to 94 years" in card
    old = classifier_0_1().record
    assert "looks like" not in empty_html(old) and "<dt>Measures</dt>" not in card_html(old)
    assert "<dt>Measures</dt>" not in card_html({**old, "measures": {"people": "<b>"}})


def test_programs_are_told_the_measures(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "slice.png"
    Image.fromarray(load_example().slices[3]).save(path)
    told = answer(classifier, [path], told=read_told(70, "F"))
    assert told["brain_volume"]["percentile"] is not None and set(told["stage_set"]) <= set(STAGES)
    assert told["apparent_age"]["low"] < told["apparent_age"]["value"] and told["unlikeness"] < 1
    assert answer(classifier, [path])["brain_volume"]["percentile"] is None
    assert answer(classifier_0_1(), [path])["brain_volume"] is None


@pytest.mark.parametrize(
    "data, words",
    [([[], 0], "age of 0"), ([[], 700, None], "age of 700"), ([[], 70, "X"], "'X'"), ([[], "70"], "not a number"),
     ([[], True], "not a number"), ([[], 70, 3], "not a text"), ([[], None, None], None), ([[]], None), ([[], 70, "F"], None)],
)  # fmt: skip
def test_a_wrong_age_is_refused_before_the_question_waits(data: list[object], words: str | None) -> None:
    named = dict(zip(("files", "age", "sex"), data, strict=False))
    for path, question in (("predict", {"data": data, "more": 1}), ("v2/predict", named)):
        body = json.dumps(question).encode()
        if words is None:
            passed = json.loads(checked_question(f"/gradio_api/call/{path}", body))
            assert passed == (named if path[0] == "v" else {"data": [*data, None, None][:3], "more": 1})
        else:
            with pytest.raises(UserError, match=words):
                checked_question(f"/gradio_api/call/{path}", body)


def test_other_questions_pass_as_they_are() -> None:
    for path, body in (
        ("other", b"{"),
        ("predict", b"[]"),
        ("predict", b'{"data": []}'),
        ("predict_batch", b'{"data": [1]}'),
    ):
        assert checked_question(f"/gradio_api/call/{path}", body) == body
