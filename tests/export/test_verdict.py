"""Verdicts: an honest file passes with the right figures, a broken or a pretended one is refused and not written."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.commands import assert_refused, call_cli

from alzedge.errors import UserError
from alzedge.export.convert import tflite as convert
from alzedge.export.convert.contents import tflite_contents
from alzedge.export.convert.probabilities import keras_probabilities, with_probabilities
from alzedge.export.prepared_student import PreparedStudent
from alzedge.export.verify.limits import Goals, HeldOut, refuse_auc_drop, refuse_loss
from alzedge.export.verify.verdict import Verdict, verdict_text, verify
from alzedge.inference.interpreters import TFLiteInterpreter
from alzedge.metrics.classification import Loss, evaluate
from alzedge.metrics.estimate import Estimate
from alzedge.runs.recipe import StudentRecipe
from alzedge.student.model import build_student
from alzedge.teacher.keras_file import load_model, save_model


@pytest.fixture(scope="module")
def model(prepared_student: PreparedStudent) -> keras.Model:
    return prepared_student.model


@pytest.fixture(scope="module")
def held(prepared_student: PreparedStudent) -> HeldOut:
    return prepared_student.held_out


@pytest.fixture(scope="module")
def calibration(prepared_student: PreparedStudent) -> np.ndarray:
    return prepared_student.inputs(prepared_student.split.train)


@pytest.fixture(scope="module")
def float32(prepared_student: PreparedStudent) -> bytes:
    return prepared_student.float32


@pytest.fixture(scope="module")
def int8(model: keras.Model, calibration: np.ndarray) -> bytes:
    return convert.to_int8(model, calibration)


def verdict_on(fmt: str, flatbuffer: bytes, held: HeldOut, goals: Goals) -> Verdict:
    probabilities = TFLiteInterpreter(flatbuffer)(held.inputs)["probabilities"]
    return verify(fmt, tflite_contents(flatbuffer), probabilities, held, goals)


def test_figures_are_what_they_are_called(int8: bytes, float32: bytes, held: HeldOut) -> None:
    found = verdict_on("int8", int8, held, Goals(len(float32)))
    answers = TFLiteInterpreter(int8)(held.inputs)["probabilities"]
    assert found.max_difference == pytest.approx(np.abs(answers - held.keras).max())
    assert found.mean_difference == pytest.approx(np.abs(answers - held.keras).mean())
    assert found.agreement == np.mean(answers.argmax(1) == held.keras.argmax(1))
    assert (found.slices, found.people, found.auc_level) == (20, 4, "person")
    before, after = (
        evaluate(p, held.labels, held.subject).slice.tasks["stages4"]["accuracy"] for p in (held.keras, answers)
    )
    assert found.accuracy and before and after
    assert (found.accuracy.before, found.accuracy.after) == (before.value, after.value)
    assert found.accuracy.loss.value == pytest.approx(before.value - after.value)
    contents = found.contents
    assert contents.bytes == len(int8) and set(contents.tensors) == {"int8", "int32"} and contents.floats == ()
    assert contents.weights == {"int8": 8 * 9 + 16 * 8 * 9 + 32 * 16 * 9 + 48 * 32 + 4 * 48}
    assert contents.operators["FULLY_CONNECTED"] == 4 and contents.min_runtime == "1.14.0"
    text = verdict_text(found)
    assert "no floating-point one inside" in text and f"at most {found.max_difference:.2g}" in text
    assert contents.operator_counts["CONV_2D"] == 3 and contents.operator_counts["FULLY_CONNECTED"] == 2
    assert "CONV_2D 3" in text and "FULLY_CONNECTED 2" in text and "WARNING" not in text
    assert "operator_counts" not in found.to_dict() and found.to_dict()["operators"]["FULLY_CONNECTED"] == 4
    assert "TensorFlow Lite 1.14.0 or newer" in text


def test_another_stage_for_a_third_of_the_slices_is_a_warning(int8: bytes, float32: bytes, held: HeldOut) -> None:
    found = replace(verdict_on("int8", int8, held, Goals(len(float32))), slices=1280, agreement=0.64)
    assert "WARNING     names another stage than the Keras student for 461 of 1280 slices" in verdict_text(found)
    assert "WARNING" not in verdict_text(replace(found, agreement=0.9))


def test_a_fall_of_the_auc_beyond_the_user_s_limit_is_refused() -> None:
    auc = Loss(0.85, 0.83, Estimate(0.02, -0.01, 0.05))  # not certain, and still too much for this user
    refuse_loss("int8", {"AUC": auc})
    refuse_auc_drop("int8", auc, None)
    refuse_auc_drop("int8", auc, 0.03)
    with pytest.raises(UserError, match=r"its AUC falls from 0.850 to 0.830, by more than 0.01; calibrate"):
        refuse_auc_drop("int8", auc, 0.01)
    with pytest.raises(UserError, match="the test side has one class"):
        refuse_auc_drop("int8", None, 0.01)


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
        verify("float32", contents, constant, held, Goals(len(float32)))
    verify("float32", contents, constant, replace(held, keras=constant), Goals(len(float32)))


def test_another_student_s_file_is_refused(int8: bytes, float32: bytes, held: HeldOut) -> None:
    """Of a student that says of one stage what this file says of the next."""
    other = replace(held, keras=np.roll(held.keras, 1, axis=1))
    with pytest.raises(UserError, match="differs from Keras by up to"):
        verdict_on("float32", float32, other, Goals(len(float32)))
    with pytest.raises(UserError, match="on average, over the limit"):
        verdict_on("int8", int8, other, Goals(len(float32)))


def test_an_untrained_student_s_int8_file_passes(calibration: np.ndarray, float32: bytes, held: HeldOut) -> None:
    """Its answers hardly vary, so the steps of the output are as large as what it has to say."""
    keras.utils.set_random_seed(6)
    fresh = with_probabilities(build_student(StudentRecipe((8, 16, 32), 48), calibration.shape[1:]))
    flatbuffer = convert.to_int8(fresh, calibration)
    own = replace(held, keras=keras_probabilities(fresh, held.inputs))
    verdict_on("int8", flatbuffer, own, Goals(len(float32)))


def test_a_retrained_file_may_differ_but_not_be_worth_less(int8: bytes, float32: bytes, held: HeldOut) -> None:
    contents, goals = tflite_contents(int8), Goals(len(float32))
    perfect = np.eye(4, dtype=np.float32)[held.labels] * 0.9 + 0.025
    wrong = np.roll(perfect, 1, axis=1)
    verify("qat-int8", contents, perfect, replace(held, keras=wrong), goals)
    with pytest.raises(UserError, match="accuracy on held-out slices is 0.000 instead of 1.000; train longer"):
        verify("qat-int8", contents, wrong, replace(held, keras=perfect), goals)


def test_unknown_people_are_compared_by_slice(int8: bytes, float32: bytes, held: HeldOut) -> None:
    found = verdict_on("int8", int8, replace(held, subject=None), Goals(len(float32)))
    assert found.people is None and found.auc_level == "slice"
    assert "20 held-out slices, against" in verdict_text(found)


def test_the_command_writes_no_file_that_was_refused(trained_student: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    model, record = load_model(trained_student)
    model.layers[-1].bias.assign([np.nan] * 4)
    broken, out = tmp_path / "student.keras", tmp_path / "student.tflite"
    save_model(model, broken, record)
    result = call_cli("export", broken, "--recipe", tiny_recipe, "--format", "float32", "--out", out)
    assert_refused(result, "No float32 model was written", "answers NaN")
    assert [path.name for path in tmp_path.iterdir()] == ["student.keras"]
