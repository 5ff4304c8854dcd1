"""Verdicts: an honest file passes with the right figures, a broken or a pretended one is refused and not written."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.commands import assert_refused, run_cli

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.errors import UserError
from alzedge.export.convert import tflite as convert
from alzedge.export.convert.contents import tflite_contents
from alzedge.export.export_student import held_out
from alzedge.export.verify.limits import Goals, HeldOut
from alzedge.export.verify.verdict import Verdict, judge, verdict_text
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.interpreters import TFLiteNetwork
from alzedge.metrics.classification import evaluate
from alzedge.runs.recipe import Recipe, StudentRecipe
from alzedge.student.model import build_student
from alzedge.teacher.keras_file import load_model, save_model


@pytest.fixture(scope="module")
def model(trained_student: Path) -> keras.Model:
    return convert.with_probabilities(load_model(trained_student)[0])


@pytest.fixture(scope="module")
def held(model: keras.Model, phantoms: DataSet) -> HeldOut:
    return held_out(model, phantoms, split_dataset(phantoms, "subject"), Recipe(preprocessing=Preprocessing(4)))


@pytest.fixture(scope="module")
def calibration(phantoms: DataSet) -> np.ndarray:
    return Preprocessing(4)(phantoms.images[split_dataset(phantoms, "subject").train])


@pytest.fixture(scope="module")
def float32(model: keras.Model) -> bytes:
    return convert.to_float32(model)


@pytest.fixture(scope="module")
def int8(model: keras.Model, calibration: np.ndarray) -> bytes:
    return convert.to_int8(model, calibration)


def verdict_on(fmt: str, flatbuffer: bytes, held: HeldOut, goals: Goals) -> Verdict:
    answers = TFLiteNetwork(flatbuffer)(held.inputs)["probabilities"]
    return judge(fmt, tflite_contents(flatbuffer), answers, held, goals)


def test_figures_are_what_they_are_called(int8: bytes, float32: bytes, held: HeldOut) -> None:
    found = verdict_on("int8", int8, held, Goals(len(float32)))
    answers = TFLiteNetwork(int8)(held.inputs)["probabilities"]
    assert found.max_difference == pytest.approx(np.abs(answers - held.keras).max())
    assert found.mean_difference == pytest.approx(np.abs(answers - held.keras).mean())
    assert found.agreement == np.mean(answers.argmax(1) == held.keras.argmax(1))
    assert (found.slices, found.people, found.auc_level) == (20, 4, "person")
    before, after = (
        evaluate(p, held.labels, held.subject)["slice"]["stages4"]["accuracy"] for p in (held.keras, answers)
    )
    assert (found.accuracy["before"], found.accuracy["after"]) == (before["value"], after["value"])
    assert found.accuracy["loss"]["value"] == pytest.approx(before["value"] - after["value"])
    contents = found.contents
    assert contents.bytes == len(int8) and set(contents.tensors) == {"int8", "int32"} and contents.floats == ()
    assert contents.weights == {"int8": 8 * 9 + 16 * 8 * 9 + 32 * 16 * 9 + 48 * 32 + 4 * 48}
    assert contents.operators["FULLY_CONNECTED"] == 4 and contents.min_runtime == "1.14.0"
    text = verdict_text(found)
    assert "no floating-point one inside" in text and f"at most {found.max_difference:.2g}" in text
    assert "FULLY_CONNECTED 4" in text and "TensorFlow Lite 1.14.0 or newer" in text


def test_dynamic_needs_a_newer_runtime_and_says_so(model: keras.Model) -> None:
    contents = tflite_contents(convert.to_dynamic(model))
    assert contents.operators["FULLY_CONNECTED"] == 12 and contents.min_runtime == "2.17.0"
    assert contents.weights["int8"] > contents.weights["float32"] > 0


@pytest.mark.parametrize(
    ("fmt", "words"),
    [
        ("int8", "are floating-point; export this student as float32"),
        ("int8-float-io", "are floating-point"),
        ("dynamic", "only 0% of its weights are int8"),
        ("float16", "only 0% of its weights are float16"),
    ],
)
def test_float32_under_another_name_is_refused(fmt: str, words: str, float32: bytes, held: HeldOut) -> None:
    with pytest.raises(UserError, match=words):
        verdict_on(fmt, float32, held, Goals(len(float32)))


def test_plain_int8_is_neither_int16_nor_pruned_nor_clustered(int8: bytes, float32: bytes, held: HeldOut) -> None:
    goals = Goals(len(float32), sparsity=0.5, clusters=16)
    for fmt, words in (
        ("int16x8", "no int16 activations"),
        ("pruned", "of its weights are zero, not 50%"),
        ("clustered", "different weights, not 16"),
    ):
        with pytest.raises(UserError, match=words):
            verdict_on(fmt, int8, held, goals)
    with pytest.raises(UserError, match="no less than float32's"):
        verdict_on("int8", int8, held, Goals(len(int8)))


def test_the_converter_route_that_answers_nan_is_refused(model: keras.Model, held: HeldOut) -> None:
    one = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    concrete = tf.function(model).get_concrete_function(one)
    broken = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model).convert()
    with pytest.raises(UserError, match="answers NaN to 20 of 20 held-out slices; train the student again"):
        verdict_on("float32", broken, held, Goals(len(broken)))


def test_calibration_on_black_images_is_refused(
    model: keras.Model, calibration: np.ndarray, float32: bytes, held: HeldOut
) -> None:
    collapsed = convert.to_int8(model, np.zeros_like(calibration))
    with pytest.raises(UserError, match="--calibration"):
        verdict_on("int8", collapsed, held, Goals(len(float32)))


def test_constant_answers_are_refused_only_where_keras_varies(float32: bytes, held: HeldOut) -> None:
    contents, constant = tflite_contents(float32), np.full_like(held.keras, 0.25)
    with pytest.raises(UserError, match="every held-out slice the same answer"):
        judge("float32", contents, constant, held, Goals(len(float32)))
    judge("float32", contents, constant, replace(held, keras=constant), Goals(len(float32)))


def test_another_student_s_file_is_refused(model: keras.Model, held: HeldOut, calibration: np.ndarray) -> None:
    """The same network, but what it says of one stage it says of the next."""
    other = keras.models.clone_model(model)
    other.set_weights([*model.get_weights()[:-2], *(np.roll(w, 1, axis=-1) for w in model.get_weights()[-2:])])
    whole = convert.to_float32(other)
    with pytest.raises(UserError, match="differs from Keras by up to"):
        verdict_on("float32", whole, held, Goals(len(whole)))
    with pytest.raises(UserError, match="on average, over the limit"):
        verdict_on("int8", convert.to_int8(other, calibration), held, Goals(len(whole)))


def test_an_untrained_student_s_int8_file_passes(calibration: np.ndarray, held: HeldOut) -> None:
    """Its answers hardly vary, so the steps of the output are as large as what it has to say."""
    keras.utils.set_random_seed(6)
    fresh = convert.with_probabilities(build_student(StudentRecipe((8, 16, 32), 16), calibration.shape[1:]))
    flatbuffer = convert.to_int8(fresh, calibration)
    own = replace(held, keras=convert.answers(fresh, held.inputs))
    verdict_on("int8", flatbuffer, own, Goals(len(convert.to_float32(fresh))))


def test_a_retrained_file_may_differ_but_not_be_worth_less(int8: bytes, float32: bytes, held: HeldOut) -> None:
    contents, goals = tflite_contents(int8), Goals(len(float32))
    perfect = np.eye(4, dtype=np.float32)[held.labels] * 0.9 + 0.025
    wrong = np.roll(perfect, 1, axis=1)
    judge("qat-int8", contents, perfect, replace(held, keras=wrong), goals)
    with pytest.raises(UserError, match="accuracy on held-out slices is 0.000 instead of 1.000; train longer"):
        judge("qat-int8", contents, wrong, replace(held, keras=perfect), goals)


def test_unknown_people_are_judged_by_slice(int8: bytes, float32: bytes, held: HeldOut) -> None:
    found = verdict_on("int8", int8, replace(held, subject=None), Goals(len(float32)))
    assert found.people is None and found.auc_level == "slice"
    assert "20 held-out slices, against" in verdict_text(found)


def test_the_command_writes_no_file_that_was_refused(trained_student: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    model, record = load_model(trained_student)
    model.layers[-1].bias.assign([np.nan] * 4)
    broken, out = tmp_path / "student.keras", tmp_path / "student.tflite"
    save_model(model, broken, record)
    result = run_cli("export", broken, "--recipe", tiny_recipe, "--format", "float32", "--out", out)
    assert_refused(result, "No float32 model was written", "answers NaN")
    assert [path.name for path in tmp_path.iterdir()] == ["student.keras"]
