"""Brain volume, apparent age, any dementia and stage sets in answers: the API, text, JSON, CSV and the command."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli
from helpers.measured import HEIGHTS, PixelReader, images_of, made_up
from helpers.version_0_1 import stages_alone
from helpers.volumes import as_grid, save_nifti

from alzedge.commands.record_text import record_text
from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.export.calibration.fit_measures import Fitted, fit_measures
from alzedge.export.calibration.record_entries import person_entries
from alzedge.export.calibration.slice_answers import SliceAnswers
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.answer import Prediction, together
from alzedge.inference.answering import Result, as_one_person
from alzedge.inference.classifier import Classifier
from alzedge.inference.guard import Guard
from alzedge.inference.measures.rule import Measures
from alzedge.inference.measures.words import percentile_sentence, set_in_words
from alzedge.inference.writers import CSV_COLUMNS, CsvWriter, TextWriter, entries
from alzedge.metrics.caveats import measured_sentences, operating_sentence
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_tflite, write_tflite
from alzedge.stages import STAGES


@pytest.fixture(scope="module")
def answers() -> SliceAnswers:
    return made_up(100)


@pytest.fixture(scope="module")
def record(answers: SliceAnswers) -> dict[str, Any]:
    """Of a file with everything that is measured."""
    known = {"labels": list(STAGES), "preprocessing": Preprocessing(1).to_dict(), "kind": "student", "sha256": "0" * 64}
    return read_tflite(bundled_model())[1] | known | person_entries(answers)


@pytest.fixture(scope="module")
def classifier(record: dict[str, Any]) -> Classifier:
    return Classifier(PixelReader(), record, guarded=False)


@pytest.fixture(scope="module")
def images(answers: SliceAnswers) -> np.ndarray:
    """24 slices of one person from bottom to top."""
    return images_of(answers.readings.take(answers.scans.slices[5]))


def test_a_person_is_measured_by_the_rule_of_the_file(
    classifier: Classifier, images: np.ndarray, answers: SliceAnswers
) -> None:
    slices = classifier.answers(images, HEIGHTS.tolist(), 74, "F")
    person = classifier.person(slices, 74, "F")
    direct = classifier.measures.person(replace(answers.readings.take(answers.scans.slices[5])), 74, "F")
    volume = person.brain_volume
    assert volume.value == pytest.approx(direct.brain_volume.value, abs=0.004)
    assert volume.low < volume.value < volume.high and 0 <= volume.percentile <= 100
    assert abs(volume.value - answers.scans.nwbv[5]) < 0.03
    assert person.apparent_age.low < person.apparent_age.value < person.apparent_age.high
    assert person.any_dementia.value == pytest.approx(1 - person.probabilities[STAGES[0]])
    assert person.threshold == classifier.threshold and set(person.stage_set) <= set(STAGES)
    one = slices[3]
    assert one.stage_set is None and one.brain_volume.high - one.brain_volume.low > volume.high - volume.low
    assert one.readings.brain_volume[0] == pytest.approx(images[3, 0, 4] / 255)
    assert sum(one.probabilities.values()) == pytest.approx(1)
    mean = np.mean([answer.probabilities[STAGES[0]] for answer in slices])
    assert person.probabilities[STAGES[0]] != pytest.approx(mean, abs=1e-4)  # more than an average of slices


def test_age_and_sex_are_for_the_percentile_alone(classifier: Classifier, images: np.ndarray) -> None:
    told, untold = classifier.predict(images, age=74, sex="F").person, classifier.predict(images).person
    assert untold.brain_volume.percentile is None
    assert replace(told, brain_volume=untold.brain_volume) == untold
    assert classifier.predict(images, age=30).person.brain_volume.percentile < told.brain_volume.percentile
    assert classifier.predict(images, age=5).person.brain_volume.percentile is None
    for age, sex in ((0, None), (700, None), (float("nan"), None), (74, "X")):
        with pytest.raises(UserError, match=r"cannot be|unknown here"):
            classifier.predict(images, age=age, sex=sex)


def test_a_wrong_entry_is_one_sentence(record: dict[str, Any]) -> None:
    measures = record["measures"]
    level = measures["by_level"]
    covariance = level["age"] | {"covariance": [-1.0] * 36}
    for wrong in (
        [],
        {},
        measures | {"people": "many"},
        measures | {"stage_shares": [1, 2]},
        measures | {"stage_shares": [1, 0, 0]},
        measures | {"by_level": level | {"groups": [0, 0, 1, 2, 3, 4, 5, 6]}},
        measures | {"by_level": level | {"slices": [0] * 8}},
        measures | {"by_level": level | {"age": covariance}},
        measures | {"by_level": level | {"any_dementia": level["any_dementia"] | {"features": 3}}},
        measures | {"norm": measures["norm"] | {"ages": [90, 20]}},
    ):
        with pytest.raises(UserError, match="The model file's entry `measures` is wrong at .*; export the model again"):
            Classifier(PixelReader(), record | {"measures": wrong})


def written(
    prediction: Prediction, age: float | None = None, sex: str | None = None
) -> tuple[str, dict[str, Any], dict[str, str]]:
    """The person's line, JSON and row."""
    result = Result("head.nii", prediction.slices, prediction.person, tuple(range(len(prediction.slices))))
    text, table = io.StringIO(), io.StringIO()
    TextWriter(text, age, sex).write(result)
    CsvWriter(table).write(result)
    return text.getvalue(), entries(prediction.person), next(csv.DictReader(io.StringIO(table.getvalue())))


def test_text_json_and_csv_say_the_same(classifier: Classifier, images: np.ndarray) -> None:
    person = classifier.predict(images, age=74, sex="F")
    line, document, row = written(person, 74, "F")
    volume, years = document["brain_volume"], document["apparent_age"]
    assert list(volume) == ["value", "low", "high", "percentile"] and list(years) == ["value", "low", "high"]
    assert line.index("any dementia") < line.index("brain volume") < line.index("apparent age") < line.index("Demented")
    measured = person.person.brain_volume
    assert f"brain volume {measured.value:.3f} ({measured.low:.3f} to {measured.high:.3f}), " in line
    assert f"percentile for women of 74; apparent age {person.person.apparent_age.value:.0f} (" in line
    assert set_in_words(tuple(document["stage_set"])) in line and line.endswith("from 24 slices, 0 refused\n")
    assert tuple(row) == CSV_COLUMNS and row["stage_set"].split() == document["stage_set"]
    for name, values in (("brain_volume", volume), ("apparent_age", years)):
        for part, value in values.items():
            assert float(row[name if part == "value" else f"{name}_{part}"]) == value
    abstained = replace(person, person=replace(person.person, stage_set=(), brain_volume=None, apparent_age=None))
    line, document, row = written(abstained)
    assert "no stage fits well enough" in line and document["stage_set"] == [] and row["stage_set"] == "none"
    assert document["brain_volume"] is None and row["brain_volume"] == row["apparent_age_high"] == ""


def test_copies_of_a_slice_are_one_observation(classifier: Classifier, images: np.ndarray) -> None:
    once = classifier.predict(images[:3])
    again = classifier.predict(images[[0, 1, 2, 0, 0]])
    assert replace(again.person, notes=()) == once.person and len(again.slices) == 5
    assert once.person.notes == () and again.person.notes == (
        "2 of 5 answered slices are copies of others and count once",
    )
    results = [Result(str(row), (answer,)) for row, answer in enumerate(again.slices)]
    (person,) = as_one_person("sub", results, classifier.person)
    assert person.notes == again.person.notes and person.person == again.person
    assert "from 3 slices, 0 refused, 2 copies left out" in written(again)[0]
    # Without the rule, likewise.
    assert together(again.slices) == replace(together(once.slices), notes=again.person.notes)
    alone = classifier.predict(images[[0, 0]])
    assert replace(alone.person, notes=()) == classifier.predict(images[0]).person
    assert (
        alone.person.notes[0].startswith("1 of 2 answered slices is a copy") and "from 1 slice, 0" in written(alone)[0]
    )


def test_what_belongs_beside_the_answer(record: dict[str, Any], classifier: Classifier) -> None:
    measures = classifier.measures
    assert "give it" in percentile_sentence(measures.norm, None)
    assert "no percentile at 97" in percentile_sentence(measures.norm, 97)
    assert f"fitted to {measures.norm.people} of them" in percentile_sentence(measures.norm, 74)
    assert set_in_words(STAGES) == "no stage can be ruled out" and "alone" in set_in_words(STAGES[:1])
    held = record["measures"]["unseen"]["stage_set_coverage"]["value"]
    assert f"held it for {held:.0%}" in measured_sentences(record)["coverage"]
    point = record["operating_threshold"]
    sentence = operating_sentence(record)
    assert f"on {point['people']} people" in sentence and f"sensitivity {point['sensitivity']['value']:.0%}" in sentence
    lines = record_text("student.tflite", record).splitlines()
    assert any(line.startswith("measures   brain volume and apparent age") for line in lines)
    assert len(lines) <= 15 and max(map(len, lines)) <= 100
    assert measured_sentences(stages_alone()[1]) == {}


@pytest.fixture(scope="module")
def stages_only(answers: SliceAnswers) -> Fitted:
    """Of a student with one output."""
    return fit_measures(replace(answers, readings=replace(answers.readings, brain_volume=None, age=None)))


def test_the_command(
    stages_only: Fitted, record: dict[str, Any], guard: Guard, people: DataSet, tmp_path: Path
) -> None:
    flatbuffer, bundled = stages_alone()
    assert Measures.read(bundled) is None
    model, wrong = tmp_path / "student.tflite", tmp_path / "wrong.tflite"
    write_tflite(model, flatbuffer, bundled | {"guard": guard.to_dict(), "measures": stages_only.measures.to_dict()})
    write_tflite(wrong, flatbuffer, bundled | {"guard": guard.to_dict(), "measures": record["measures"]})
    volume = save_nifti(tmp_path / "head.nii.gz", as_grid(people.images[6:12]))
    told = call_cli("predict", "--no-prepare", volume, "--model", model, "--json", "--age", 73.125, "--sex", "f")
    document = json.loads(told.stdout)
    assert "73.125" not in told.stdout  # it is not stored
    (person,) = document["predictions"]
    direct = Classifier.load(model).predict(volume, prepare=False).person
    assert person["stage_set"] == list(direct.stage_set) and person["brain_volume"] is None
    assert person["any_dementia"]["value"] == pytest.approx(direct.any_dementia.value, abs=1e-6)
    assert "coverage" in document["model"] and "measures no brain volume" in document["model"]["brain_volume"]
    together = call_cli("predict", "--person", "--no-prepare", volume, "--model", model).stdout
    assert "from 6 slices" in together and set_in_words(direct.stage_set) in together
    assert_refused(call_cli("predict", "--no-prepare", volume, "--model", wrong), "weighs brain volumes")
    assert_refused(call_cli("predict", volume, "--model", model, "--age", 0), "An age of 0 cannot be")
    both = call_cli("predict", "--person", volume, volume, "--age", 74)
    assert both.returncode == 2 and "one PATH" in both.stderr
