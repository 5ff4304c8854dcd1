"""Brain volume and apparent age beside the stage: the loss against NumPy, what is unknown, and the heads' units."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.runs.recipe import MeasuresRecipe
from alzedge.runs.truths import Scale, Scales, truths_of
from alzedge.teacher.measures import MeasuresLoss, answers, joined, measure_heads, measures_loss

SCALES = Scales(Scale(0.78, 0.06), Scale(60.0, 20.0))


def numpy_loss(targets: np.ndarray, outputs: np.ndarray, stage: float) -> float:
    """The loss in the words of its docstring, slice by slice."""
    shares = np.exp(outputs[:, :4]) / np.exp(outputs[:, :4]).sum(axis=1, keepdims=True)
    total = 0.0
    for step in (1, 2, 3):
        rows = [i for i in range(len(targets)) if targets[i, :4].any()]
        wanted, further = targets[rows, step:4].sum(axis=1), shares[rows, step:].sum(axis=1)
        total += stage * np.mean(-wanted * np.log(further) - (1 - wanted) * np.log(1 - further))
    for column, deviation in ((4, 0.06), (5, 20.0)):
        known = np.isfinite(targets[:, column])
        total += np.mean(((targets - outputs)[known, column] / deviation) ** 2)
    return float(total)


def test_the_loss_is_that_of_its_words_and_unknown_targets_have_no_part() -> None:
    random = np.random.default_rng(0)
    outputs = random.normal(size=(12, 6)).astype(np.float32) + np.array([0, 0, 0, 0, 0.8, 60], np.float32)
    targets = np.zeros((12, 6), np.float32)
    targets[np.arange(12), random.integers(0, 4, 12)] = 1
    targets[:, 4:] = random.normal(size=(12, 2)) * (0.06, 20) + (0.78, 60)
    targets[3, :4], targets[5, 4], targets[:4, 5] = 0, np.nan, np.nan
    assert float(measures_loss(targets, outputs, SCALES.deviations, 0.5)) == pytest.approx(
        numpy_loss(targets, outputs, 0.5), rel=1e-5
    )
    nothing = np.zeros((12, 6), np.float32)
    nothing[:, 4:] = np.nan
    assert float(measures_loss(nothing, outputs, SCALES.deviations, 0.5)) == 0


def test_unknown_targets_leave_the_weights_finite() -> None:
    features = keras.Input((8,))
    model = keras.Model(features, [keras.layers.Dense(4)(features), *measure_heads(features, SCALES)])
    trained = joined(model)
    trained.compile(keras.optimizers.SGD(0.01), MeasuresLoss(SCALES.deviations, 0.5))
    targets = np.full((16, 6), np.nan, np.float32)
    targets[:, :4] = 0
    targets[:8, 4] = 0.7
    images = np.random.default_rng(0).random((16, 8), np.float32)
    before = answers(model, images)
    for _ in range(20):
        trained.train_on_batch(images, targets)
    after = answers(model, images)
    assert np.isfinite(after).all() and np.abs(after[:8, 4] - 0.7).mean() < np.abs(before[:8, 4] - 0.7).mean()
    np.testing.assert_allclose(after[:, 5], before[:, 5], atol=1e-3)


def test_the_heads_begin_near_the_mean_in_their_units() -> None:
    features = keras.Input((8,))
    model = keras.Model(features, [keras.layers.Dense(4)(features), *measure_heads(features, SCALES)])
    told = answers(model, np.random.default_rng(0).random((64, 8), np.float32))
    assert np.abs(told[:, 4] - 0.78).max() < 0.06 and np.abs(told[:, 5] - 60).max() < 20
    assert told[:, :4].sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_truths_are_those_of_the_data_set_and_only_the_young_are_healthy_unexamined(phantoms: DataSet) -> None:
    labels, age = phantoms.labels.copy(), np.full(len(phantoms), 70.0)
    labels[:3] = -1
    age[0] = 30
    data = replace(phantoms, labels=labels, age=age, nwbv=np.where(np.arange(len(phantoms)) < 5, np.nan, 0.8))
    truths = truths_of(data, MeasuresRecipe(learn=True))
    assert truths.stages[0].tolist() == [1, 0, 0, 0] and not truths.stages[1:3].any()
    assert (truths.stages[3:].argmax(axis=1) == labels[3:]).all() and np.isnan(truths.measures[:5, 0]).all()
    assert truths.scales().brain_volume.mean == pytest.approx(0.8) and truths.take(np.array([1])).table().shape == (
        1,
        6,
    )
    with pytest.raises(UserError, match=r"nobody's brain volume \(nwbv\) is known.*--people"):
        truths_of(replace(data, nwbv=np.full(len(data), np.nan)), MeasuresRecipe(learn=True))
