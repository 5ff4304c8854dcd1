"""Whatever a classifier is asked about, and the commands that hand out and describe the bundled file."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli, run_code
from PIL import Image

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier
from alzedge.inference.measures.readings import Readings
from alzedge.metrics.caveats import cannot_sentence, operating_sentence
from alzedge.model_file.bundled import bundled_heat_map_model, bundled_model
from alzedge.model_file.read_write import read_record


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(guarded=False)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_paths_folders_pictures_bytes_arrays_and_lists_give_the_same_answers(
    classifier: Classifier, people: DataSet, tmp_path: Path
) -> None:
    first, second = people.images[:2]
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "1.png").write_bytes(png(first))
    (tmp_path / "sub" / "2.png").write_bytes(png(second))
    one, both = classifier.predict(first), classifier.predict(people.images[:2])
    path = tmp_path / "sub" / "1.png"
    for source in (str(path), path, png(first), Image.fromarray(first), [first], [path]):
        assert classifier.predict(source) == one
    for source in (tmp_path / "sub", [path, png(second)], (Image.fromarray(first), second), people.images[:2]):
        assert classifier.predict(source) == both
    person = classifier.measures.person(Readings.join([answer.readings for answer in both.slices]))
    assert both.person.any_dementia.value == pytest.approx(1 - person.probabilities[0])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (3, "A int cannot be asked about"),
        ([], "Nothing was given"),
        (b"no picture", "the picture"),
        (np.zeros((208, 176)), "Expected uint8"),
        (Image.new("F", (176, 208)), "mode F"),
        ("absent.png", "absent.png: no such file"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(classifier: Classifier, source: object, words: str) -> None:
    with pytest.raises(UserError, match=words):
        classifier.predict(source)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age", "words"),
    [
        *((age, "The age is not a number; give years") for age in ("seventy", "74", [74], True)),
        (float("nan"), "An age of nan cannot be"),
        (120.0001, "An age of 120.0001 cannot be"),
        (130.0, "An age of 130 cannot be"),
    ],
)
def test_an_age_that_cannot_be_is_a_sentence(classifier: Classifier, people: DataSet, age: object, words: str) -> None:
    with pytest.raises(UserError, match=words):
        classifier.predict(people.images[:1], age=age)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="The sex is not a text"):
        classifier.predict(people.images[:1], age=np.int64(74), sex=["F"])  # type: ignore[arg-type]


def test_repr_names_kind_hash_threshold_and_guard(classifier: Classifier) -> None:
    digest, threshold = classifier.record["sha256"][:12], classifier.record["operating_threshold"]["value"]
    assert repr(classifier) == f"<Classifier student-int8 {digest}, threshold {threshold:.3f}, no guard>"


def test_predict_person_answers_once_for_each_folder(classifier: Classifier, people: DataSet, tmp_path: Path) -> None:
    for number, pixels in enumerate(people.images[:4]):
        folder = tmp_path / f"sub-{number // 2}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.png").write_bytes(png(pixels))
    words = ("predict", "--person", "--no-guard", tmp_path / "sub-0", tmp_path / "sub-1")
    found = json.loads(call_cli(*words, "--json").stdout)["predictions"]
    for one, pixels in zip(found, (people.images[:2], people.images[2:4]), strict=True):
        expected = classifier.predict(pixels).person
        assert one["any_dementia"]["value"] == pytest.approx(expected.any_dementia.value, abs=1e-6)
        assert len(one["slices"]) == 2 and one["slices"][0]["path"].startswith(one["path"])
    assert call_cli(*words).stdout.count("from 2 slices, 0 refused") == 2
    rows = list(csv.DictReader(call_cli(*words, "--csv", "-").stdout.splitlines()))
    assert [row["slice"] for row in rows] == ["all", "", "", "all", "", ""]


def test_model_writes_the_bundled_files(tmp_path: Path) -> None:
    call_cli("model", "--out", tmp_path / "mine.tflite")
    assert (tmp_path / "mine.tflite").read_bytes() == bundled_model().read_bytes()
    result = call_cli("model", "--out", tmp_path / "both")
    assert result.stdout.count("wrote") == 2 and len(list((tmp_path / "both").iterdir())) == 2
    call_cli("model", "--heat-map", "--out", tmp_path / "map.tflite")
    assert (tmp_path / "map.tflite").read_bytes() == bundled_heat_map_model().read_bytes()
    assert call_cli("model").stdout.strip() == str(bundled_model())
    assert call_cli("model", "--out", tmp_path / "model.onnx").returncode == 2


def test_inspect_shows_the_bundled_file_on_fifteen_lines(tmp_path: Path) -> None:
    lines = call_cli("inspect").stdout.splitlines()
    assert len(lines) <= 15 and max(map(len, lines)) <= 100
    text = re.sub(r"\s+", " ", " ".join(lines))
    record = read_record(bundled_model())
    assert record["sha256"] in text and operating_sentence(record) in text and cannot_sentence(record) in text
    assert json.loads(call_cli("inspect", "--json").stdout)["sha256"] == record["sha256"]


def test_typing_errors_get_a_suggestion_and_h_is_help() -> None:
    wrong = call_cli("inspct")
    assert wrong.returncode == 2 and "did you mean 'inspect'?" in wrong.stderr
    assert "Usage:" in call_cli("predict", "-h").stdout
    assert "did you mean" not in call_cli("qqqq").stderr


def test_the_interpreter_s_chatter_is_kept_from_stderr_and_nothing_else() -> None:
    code = """
import os
from alzedge.utils import chatter
with chatter.without_chatter():
    os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\\n")
    os.write(2, b"WARNING: of use\\n")
os.write(2, b"after\\n")
from alzedge import Classifier
Classifier.load()
"""
    assert run_code(code, ALZEDGE_DEBUG=None).stderr == "WARNING: of use\nafter\n"
    assert "INFO: Created" in run_code(code, ALZEDGE_DEBUG="1").stderr


def test_a_folder_without_slices_is_refused(tmp_path: Path) -> None:
    assert_refused(call_cli("predict", "--person", tmp_path), "no slices or volumes in it")
