"""Statistics, schema, validation and drift as their users meet them, on phantoms."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli, once
from PIL import Image, ImageFilter

from alzedge.data.dataset import DataSet
from alzedge.data.phantom_set import make_phantoms
from alzedge.data.subjects_csv import SUBJECTS_FILE, subjects_csv
from alzedge.monitoring.duplicates import find_duplicates
from alzedge.monitoring.measure import measure
from alzedge.monitoring.schema import Schema
from alzedge.monitoring.statistics import PEOPLE, SLICES, read_statistics, summarise
from alzedge.monitoring.validate import validate
from alzedge.preparation import frame
from alzedge.stages import DISCLAIMER, STAGES

Change = Callable[[np.ndarray], np.ndarray]


def blurred(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2)))


def write(folder: Path, dataset: DataSet, change: Change = lambda image: image) -> Path:
    """A data set as a folder of class folders."""
    for path, image in zip(dataset.paths, dataset.images, strict=True):
        (folder / str(path)).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(change(image)).save(folder / str(path))
    (folder / SUBJECTS_FILE).write_text(subjects_csv(dataset))
    return folder


def log_of(folder: Path, dataset: DataSet, change: Change = lambda image: image) -> Path:
    """A log of people whose slices lie in a folder each."""
    for subject, number, image in zip(dataset.subject, dataset.slice, dataset.images, strict=True):
        (folder / str(subject)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(change(image)).save(folder / str(subject) / f"{number}.png")
    log = folder / "answers.jsonl"
    result = call_cli("predict", "--person", "--no-guard", *sorted(folder.glob("phantom-*")), "--log", log)
    assert result.returncode == 0, result.stderr
    return log


@pytest.fixture(scope="module")
def made(people: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The statistics and the schema of 40 phantoms, and logs of 24 others, as they are and blurred."""

    def make(folder: Path) -> None:
        write(folder / "data", people)
        made = call_cli("stats", folder / "data", "--no-guard", "--out", folder / "stats")
        assert made.returncode == 0 and "240 slices, 40 people" in made.stdout, made.stderr
        made = call_cli("schema", folder / "stats/stats.pb", "--out", folder / "schema.pbtxt")
        assert made.returncode == 0, made.stderr
        others = make_phantoms(24, 6, seed=7)
        log_of(folder / "plain", others)
        log_of(folder / "blurred", others, blurred)

    return once(tmp_path_factory, "monitored", make)


def test_statistics_are_tfx_s_and_come_back_as_they_were(made: Path, people: DataSet) -> None:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    document = statistics_pb2.DatasetFeatureStatisticsList.FromString((made / "stats/stats.pb").read_bytes())
    assert [(one.name, one.num_examples) for one in document.datasets] == [(SLICES, 240), (PEOPLE, 40)]
    (stage,) = (one for one in document.datasets[0].features if one.path.step == ["stage"])
    assert {one.value: one.frequency for one in stage.string_stats.top_values} == dict.fromkeys(STAGES, 60)
    for dataset in document.datasets:
        for feature in dataset.features:
            for histogram in feature.num_stats.histograms:
                known = feature.num_stats.common_stats.num_non_missing
                assert sum(bucket.sample_count for bucket in histogram.buckets) == pytest.approx(known)
    found, expected = read_statistics(made / "stats/stats.pb").people, summarise(measure(people)).people
    assert found is not None and expected is not None
    for name in ("brightness", "age", "height"):
        np.testing.assert_array_equal(found.numbers[name].quantiles, expected.numbers[name].quantiles)
    assert found.numbers["any_dementia"].known == 40


def test_the_page_of_statistics_names_nobody_and_asks_no_host(made: Path) -> None:
    page = (made / "stats/stats.html").read_text()
    assert DISCLAIMER in page and "share of CSF" in page and page.count("<svg") > 40
    assert not re.search(r"(src|href)=|url\(|phantom-0", page)


def test_a_data_set_is_as_its_own_schema_says(made: Path) -> None:
    result = call_cli("validate", made / "data", "--schema", made / "schema.pbtxt")
    assert result.returncode == 0, result.stdout
    assert "240 slices as schema.pbtxt says" in result.stdout


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (blurred, "blurred"),
        (lambda image: np.clip(image * 1.6 + 20 * (image > 0), 0, 255).astype(np.uint8), "bright"),
        (lambda image: np.where(image > 0, 100 + image // 8, 0).astype(np.uint8), "wrong contrast"),
        (lambda image: np.where(np.arange(208)[:, np.newaxis] < 70, 0, image).astype(np.uint8), "cropped"),
    ],
    ids=["blurred", "bright", "contrast", "cropped"],
)
def test_one_changed_person_is_an_anomaly_with_a_name(
    made: Path, people: DataSet, tmp_path: Path, change: Change, name: str
) -> None:
    few = people.take(np.flatnonzero(np.isin(people.subject, np.unique(people.subject)[:12])))
    changed = few.subject == few.subject[0]
    images = np.stack([change(image) if one else image for image, one in zip(few.images, changed, strict=True)])
    data = write(tmp_path / "data", replace(few, images=images))
    result = call_cli("validate", data, "--schema", made / "schema.pbtxt")
    assert result.returncode == 2
    lines = [line for line in result.stdout.splitlines() if line.startswith(f"{name}: ")]
    assert len(lines) == 1 and lines[0].endswith(f"most slices of {few.subject[0]}"), result.stdout


def test_a_missing_class_and_a_new_one_are_named(made: Path, people: DataSet, tmp_path: Path) -> None:
    data = write(tmp_path / "data", people.take(np.flatnonzero(people.labels < 3)))
    result = call_cli("validate", data, "--schema", made / "schema.pbtxt")
    assert result.returncode == 2 and "missing class: no slice of ModerateDemented" in result.stdout
    without = (made / "schema.pbtxt").read_text().replace('    value: "VeryMildDemented"\n', "")
    (tmp_path / "schema.pbtxt").write_text(without)
    result = call_cli("validate", made / "data", "--schema", tmp_path / "schema.pbtxt")
    assert result.returncode == 2 and "new class: 60 slices of VeryMildDemented" in result.stdout


def test_slices_that_are_upside_down_are_found() -> None:
    brain = frame.load_template().brain
    planes = [brain[:, :, frame.slice_at(height) // 2].T.repeat(2, 0).repeat(2, 1) for height in (0, 8, 16, 24)]
    images = np.rint(np.stack(planes) * (255 / brain.max())).astype(np.uint8)
    names = np.repeat(["up", "down"], 4)
    both = np.concatenate([images, images[:, ::-1]])
    dataset = DataSet("heads", both, np.zeros(8, np.int64), names, np.zeros(8, np.int64), np.full(8, ""), names)
    found = validate(dataset, measure(dataset), Schema("empty", {}, {}))
    assert [(one.name, one.people) for one in found if one.name != "duplicated person"] == [("upside-down", ("down",))]


def test_one_person_under_two_names_is_found_though_brighter_and_shifted(people: DataSet) -> None:
    assert find_duplicates(people) == ()
    own = np.flatnonzero(people.subject == people.subject[0])
    doubled = people.take([*range(len(people)), *own])
    images, names = doubled.images.copy(), doubled.subject.copy().astype("<U20")
    images[-len(own) :] = np.roll(np.clip(images[-len(own) :] * 1.2, 0, 255).astype(np.uint8), 1, axis=2)
    names[-len(own) :] = "somebody"
    (found,) = find_duplicates(replace(doubled, images=images, subject=names))
    assert {found.first, found.second} == {str(people.subject[0]), "somebody"}


def test_people_who_do_not_differ_are_no_drift_and_blurred_ones_are(made: Path, tmp_path: Path) -> None:
    plain = call_cli("drift", "--reference", made / "stats/stats.pb", made / "plain/answers.jsonl")
    assert plain.returncode == 0 and "No drift found" in plain.stdout, plain.stdout + plain.stderr
    page, numbers = tmp_path / "drift.html", tmp_path / "drift.json"
    options = ("--html", page, "--json", numbers)
    result = call_cli("drift", "--reference", made / "stats/stats.pb", made / "blurred/answers.jsonl", *options)
    assert result.returncode == 1 and "sharpness" in result.stdout.splitlines()[-1], result.stdout
    found = json.loads(numbers.read_text())
    assert found["new_people"] == 24 and "sharpness" in found["drifted"]
    assert found["features"]["sharpness"]["effect"]["shift"] < -2
    assert found["features"]["sharpness"]["effect"]["size"] == "large"
    assert "Drift in" in page.read_text() and DISCLAIMER in page.read_text()


def test_a_log_can_be_the_reference(made: Path, tmp_path: Path) -> None:
    result = call_cli("stats", made / "plain/answers.jsonl", "--out", tmp_path / "stats")
    assert result.returncode == 0 and "24 people" in result.stdout, result.stderr
    assert call_cli("drift", "--reference", tmp_path / "stats/stats.pb", made / "plain/answers.jsonl").returncode == 0
    blurred_too = call_cli("drift", "--reference", tmp_path / "stats/stats.pb", made / "blurred/answers.jsonl")
    assert blurred_too.returncode == 1
    drifted = blurred_too.stdout.splitlines()[-1]
    assert "sharpness" in drifted and "score for any dementia" in drifted  # pictures, and answers
    assert_refused(call_cli("schema", tmp_path / "stats/stats.pb", "--out", tmp_path / "s.pbtxt"), "without slices")


def test_what_cannot_be_compared_is_refused_with_one_sentence(made: Path, tmp_path: Path) -> None:
    stats, log = made / "stats/stats.pb", made / "plain/answers.jsonl"
    other = tmp_path / "other.jsonl"
    other.write_text(re.sub(r'"model": "\w+"', '"model": "' + "b" * 64 + '"', log.read_text()))
    assert_refused(call_cli("drift", "--reference", stats, other), "log of another model")
    (tmp_path / "empty.jsonl").touch()
    assert_refused(call_cli("drift", "--reference", stats, tmp_path / "empty.jsonl"), "empty log")
    assert_refused(call_cli("stats", tmp_path / "empty.jsonl", "--out", tmp_path / "none"), "empty log")
    assert not (tmp_path / "none").exists()
    (tmp_path / "stats.pb").write_bytes(stats.read_bytes()[:-300])
    assert_refused(call_cli("drift", "--reference", tmp_path / "stats.pb", log), "damaged", "make it again")
    assert_refused(call_cli("drift", "--reference", log, log), "stats")
    few = tmp_path / "few.jsonl"
    few.write_text("".join(log.read_text().splitlines(keepends=True)[:6]))
    assert_refused(call_cli("drift", "--reference", stats, few), "5 people are too few")


def test_a_schema_of_another_data_set_and_a_broken_one_are_refused(made: Path, tmp_path: Path) -> None:
    schema = tmp_path / "schema.pbtxt"
    schema.write_text('feature {\n  name: "trip_miles"\n  type: FLOAT\n}\n')
    assert_refused(call_cli("validate", made / "data", "--schema", schema), "another data set", "trip_miles")
    schema.write_text("feature { name: ")
    assert_refused(call_cli("validate", made / "data", "--schema", schema), "not a schema")
    schema.write_text((made / "schema.pbtxt").read_text().replace("min: ", "min: 1000", 1))
    assert_refused(call_cli("validate", made / "data", "--schema", schema), "min above its max")


def test_predict_logs_people_and_says_of_loose_slices_that_nobody_is_known(made: Path, tmp_path: Path) -> None:
    slices = sorted((made / "plain").glob("phantom-001/*.png"))
    log, table = tmp_path / "answers.jsonl", tmp_path / "answers.csv"
    result = call_cli("predict", "--no-guard", *slices, "--jobs", "2", "--log", log, "--csv", table)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in log.read_text().splitlines()][1:]
    assert [line["person"] for line in lines] == [False] * 6
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [line["any_dementia"] for line in lines] == pytest.approx([float(r["any_dementia"]) for r in rows], rel=1e-3)
    assert call_cli("predict", "--no-guard", slices[0], "--log", log).returncode == 0
    last = json.loads(log.read_text().splitlines()[-1])
    assert last["person"] is True and last["brightness"] == lines[0]["brightness"]
    assert "phantom" not in log.read_text() and ".png" not in log.read_text()
    assert_refused(call_cli("predict", slices[0], "--log", table), "not a log")
