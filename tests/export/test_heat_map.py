"""The heat map: exact against the gradient, the same in int8, and no other answer with it than without."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from alzedge.errors import UserError
from alzedge.export.convert.heat_map import with_heat_map
from alzedge.imaging.overlay import heat_overlay
from alzedge.runs.recipe import StudentRecipe
from alzedge.student.model import build_student


@pytest.fixture(scope="module")
def student() -> keras.Model:
    """With weights that let about half of the hidden units be on."""
    keras.utils.set_random_seed(3)
    model = build_student(StudentRecipe(filters=(4, 6, 8), hidden=16), (52, 44, 1))
    model.set_weights(
        [w + np.random.default_rng(0).normal(0, 0.2, w.shape) ** 2 for w in model.get_weights()[:-4]]
        + [np.random.default_rng(1).normal(0, 0.5, w.shape) for w in model.get_weights()[-4:]]
    )
    return model


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(2).random((6, 52, 44, 1)).astype(np.float32)


def test_it_is_the_gradient_times_the_last_map(student: keras.Model, images: np.ndarray) -> None:
    """Grad-CAM's terms before they are summed to one weight a channel, by automatic differentiation."""
    logits, heat = with_heat_map(student)(images)
    average = student.get_layer("average").input
    both = keras.Model(student.input, [average, student.output])
    for stage in range(4):
        with tf.GradientTape() as tape:
            last, answer = both(images)
            wanted = tf.reduce_sum(answer[:, stage])
        gradient = tape.gradient(wanted, last)
        expected = tf.reduce_sum(gradient * last, axis=-1) * (last.shape[1] * last.shape[2])
        np.testing.assert_allclose(
            heat[..., stage], expected, rtol=1e-3, atol=1e-3 * float(tf.reduce_max(tf.abs(heat)))
        )
    np.testing.assert_array_equal(logits, student(images))


def test_its_mean_and_a_constant_are_the_logit(student: keras.Model, images: np.ndarray) -> None:
    logits, heat = map(np.asarray, with_heat_map(student)(images))
    hidden = keras.Model(student.input, student.get_layer("hidden").output)(images)
    (_, b1), (w2, b2) = (student.get_layer(name).get_weights() for name in ("hidden", "logits"))
    constant = (np.asarray(hidden) > 0) * b1 @ w2 + b2
    np.testing.assert_allclose(heat.mean(axis=(1, 2)) + constant, logits, rtol=1e-3, atol=1e-3)


def test_another_network_is_refused() -> None:
    with pytest.raises(UserError, match="average, hidden, logits"):
        with_heat_map(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))


def test_the_overlay_is_orange_for_and_blue_against() -> None:
    heat = np.zeros((13, 11), np.float32)
    heat[3, 3], heat[9, 8] = 2.0, -1.0
    picture = heat_overlay(np.full((208, 176), 100, np.uint8), heat, opacity=0.5)
    red, _, blue = picture[3 * 16 + 8, 3 * 16 + 8].astype(int)
    assert red > 140 and blue < 70
    red, _, blue = picture[9 * 16 + 8, 8 * 16 + 8].astype(int)
    assert red < 90 and blue > 110
    assert (picture[200, 10] == 100).all()
    brain = np.zeros((208, 176), np.uint8)
    brain[40:120, 40:120] = 100  # the first place lies in it, the second does not
    picture = heat_overlay(brain, heat)
    assert picture[56, 56, 0] > picture[56, 56, 2] and not picture[brain == 0].any()
