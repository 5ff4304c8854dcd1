"""Answers of a made-up student with a known law, and an interpreter that reads its outputs off the pixels."""

import numpy as np
from numpy.typing import NDArray

from alzedge.export.calibration.slice_answers import SliceAnswers
from alzedge.inference.measures.readings import Readings

# Offset and gain of the student's brain volume in each of the eight groups of levels, and its errors' covariance.
INTERCEPT = np.linspace(0.10, 0.03, 8)
SLOPE = np.linspace(0.85, 0.98, 8)
ERRORS = 0.015**2 * (0.5 + 0.5 * np.eye(8))
WITHIN = 0.006  # standard deviation of a slice around its group
HEIGHTS = np.arange(-38.0, 55.0, 4.0)


def made_up(people: int, seed: int = 0, heights: NDArray[np.float64] = HEIGHTS, folds: int = 5) -> SliceAnswers:
    """Answers for people from 20 to 90 years whose brains shrink, faster with dementia; a quarter is not examined."""
    random = np.random.default_rng(seed)
    age = random.uniform(20, 90, people)
    ill = (age > 55) & (random.random(people) < 0.5)
    severe = ill & (random.random(people) < 0.3)
    nwbv = 0.86 - 0.0018 * (age - 20) - 0.03 * ill - 0.02 * severe + random.normal(0, 0.02, people)
    stage = np.where(random.random(people) < 0.25, -1, ill.astype(np.int64) + severe)
    group = np.floor((heights + 40) / 12).astype(int)
    error = random.multivariate_normal(np.zeros(8), ERRORS, people)
    volume = (INTERCEPT + SLOPE * nwbv[:, np.newaxis] + error)[:, group] + random.normal(
        0, WITHIN, (people, len(group))
    )
    years = (age + random.normal(0, 8, people))[:, np.newaxis] + random.normal(0, 3, volume.shape)
    odds = (2.5 * ill - 1.5 + random.normal(0, 1.2, people))[:, np.newaxis] + random.normal(0, 0.4, volume.shape)
    any_ = 1 / (1 + np.exp(-odds))
    share = np.where(severe, 0.5, 0.2)[:, np.newaxis, np.newaxis] * [0.0, 1.0, 0.0] + [0.0, 0.0, 0.05]
    share = np.concatenate([1 - share.sum(axis=2, keepdims=True), share[..., 1:]], axis=2)
    probabilities = np.concatenate([1 - any_[..., np.newaxis], any_[..., np.newaxis] * share], axis=2)
    each = np.repeat(np.arange(people), len(heights))
    names = np.array([f"person{i:04d}" for i in range(people)])
    readings = Readings(probabilities.reshape(-1, 4), np.tile(heights, people), volume.ravel(), years.ravel())
    sex = np.where(np.arange(people) % 2, "F", "M")
    return SliceAnswers(readings, names[each], names[each], each % folds, stage[each], nwbv[each], age[each], sex[each])


class PixelReader:
    """An interpreter whose outputs are the first pixels of each slice, as shares of white: four stages, volume, age."""

    def __call__(self, inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """See `alzedge.inference.interpreters.Interpreter`."""
        told = inputs[:, 0, :6, 0].astype(np.float64)
        shares = told[:, :4] / told[:, :4].sum(axis=1, keepdims=True)
        return {
            "probabilities": shares.astype(np.float32),
            "brain_volume": told[:, 4:5].astype(np.float32),
            "age": 100 * told[:, 5:6].astype(np.float32),
        }


def images_of(readings: Readings) -> NDArray[np.uint8]:
    """Slices that `PixelReader` reads these outputs off, to within a 255th."""
    images = np.zeros((len(readings), 208, 176), np.uint8)
    told = np.column_stack([readings.probabilities, readings.brain_volume, readings.age / 100])
    images[:, 0, :6] = np.rint(255 * told.clip(0, 1))
    return images
