"""Targets of a measuring student, and its way into a file of three outputs."""

import keras
import numpy as np
import pytest

from alzedge.export.convert.heat_map import with_heat_map
from alzedge.export.convert.plain import _ranges, equalized, plain
from alzedge.export.convert.probabilities import keras_outputs, output_names, with_probabilities
from alzedge.export.convert.tflite import to_float32, to_int8
from alzedge.inference.interpreters import TFLiteInterpreter
from alzedge.runs.recipe import StudentRecipe
from alzedge.runs.truths import Scale, Scales, Truths
from alzedge.student.measuring import mixed
from alzedge.student.model import build_student
from alzedge.teacher.measures import answers

SCALES = Scales(Scale(0.78, 0.06), Scale(60.0, 20.0))


def test_targets_are_steadied_over_the_scan_and_mixed_with_what_is_true() -> None:
    answered = np.array([[1, 0, 0, 0, 0.7, 70], [0, 1, 0, 0, 0.8, 80], [0, 0, 1, 0, 0.6, 60]], np.float32)
    stages = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], np.float32)
    truths = Truths(stages, np.array([[0.9, 90], [0.9, np.nan], [np.nan, np.nan]], np.float32))
    targets = mixed(answered, truths, np.array(["a", "a", "b"]), 0.5)[0]
    assert targets[0, 4] == pytest.approx((0.9 + (0.7 + 0.75) / 2) / 2)
    assert targets[1, 5] == pytest.approx((80 + 75) / 2)  # nothing true to mix in
    assert targets[1, :4] == pytest.approx([0.5 + 0.125, 0.375, 0, 0])
    assert targets[2] == pytest.approx(answered[2])
    assert mixed(answered, truths, np.array(["a", "a", "b"]), 1.0)[0][0] == pytest.approx([1, 0, 0, 0, 0.9, 90])


@pytest.fixture(scope="module")
def student() -> keras.Model:
    """Untrained, but with batch norms that have seen something."""
    keras.utils.set_random_seed(0)
    recipe = StudentRecipe((8, 16, 24), 16, pools=(4, 2, 1), pooled_norm=True)
    model = build_student(recipe, (52, 44, 1), SCALES)
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, _beta, _mean, variance = layer.get_weights()
            size = len(gamma)
            layer.set_weights([gamma, random.normal(0, 0.3, size), random.normal(0, 0.2, size), variance * 2])
    return model


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(1).random((40, 52, 44, 1), np.float32)


def test_folding_the_last_norm_and_the_units_changes_no_answer(student: keras.Model, images: np.ndarray) -> None:
    folded = plain(student)
    assert [layer.name for layer in folded.layers if isinstance(layer, keras.layers.Dense)] == [
        *("hidden", "logits", "brain_volume", "age")
    ]
    np.testing.assert_allclose(answers(folded, images), answers(student, images), rtol=1e-4, atol=1e-5)
    alone = build_student(StudentRecipe((4, 4, 4), 8), (52, 44, 1))
    assert plain(alone) is alone


def test_channels_come_to_equal_ranges_and_no_answer_changes(student: keras.Model, images: np.ndarray) -> None:
    uneven = keras.models.clone_model(student)
    uneven.set_weights(student.get_weights())
    for name in ("norm1", "norm2", "norm3"):
        gamma, *rest = uneven.get_layer(name).get_weights()
        uneven.get_layer(name).set_weights([gamma * np.geomspace(0.05, 5, len(gamma)), *rest])
    evened = equalized(uneven, images)
    wanted = answers(uneven, images)
    np.testing.assert_allclose(answers(evened, images), wanted, rtol=1e-3, atol=1e-3)
    apart = [max(float(widest.max() / widest.min()) for widest in _ranges(model, images)) for model in (uneven, evened)]
    assert apart[1] < apart[0] / 5
    without = build_student(StudentRecipe((4, 4, 4), 8), (52, 44, 1))
    assert equalized(without, images) is without


def test_a_file_gives_three_outputs_by_name_and_a_heat_map_beside_them(
    student: keras.Model, images: np.ndarray
) -> None:
    folded = plain(student)
    wanted = answers(student, images)
    for fmt, convert in (("float32", to_float32), ("int8", lambda model: to_int8(model, images))):
        got = TFLiteInterpreter(convert(with_probabilities(folded)))(images)
        assert list(got) == ["age", "brain_volume", "probabilities"]
        assert got["brain_volume"].shape == got["age"].shape == (40, 1)
        tolerance = (1e-5, 1e-2) if fmt == "float32" else (5e-3, 1.0)
        assert np.abs(got["brain_volume"][:, 0] - wanted[:, 4]).max() < tolerance[0]
        assert np.abs(got["age"][:, 0] - wanted[:, 5]).max() < tolerance[1]
    mapped = with_heat_map(folded)
    assert output_names(mapped) == ["probabilities", "brain_volume", "age", "heat_map"]
    whole = with_probabilities(mapped)
    got = TFLiteInterpreter(to_float32(whole))(images)
    np.testing.assert_allclose(got["heat_map"], keras_outputs(whole, images)["heat_map"], atol=1e-3)
    np.testing.assert_allclose(got["age"][:, 0], wanted[:, 5], atol=1e-2)
    assert got["heat_map"].shape == (40, 6, 5, 4)
