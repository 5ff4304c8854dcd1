"""Brain volume and apparent age beside the stage: heads, loss and answers that teacher and student share.

A measuring model gives three outputs: `logits` (N, 4), `brain_volume` (N, 1) as nWBV, `age` (N, 1) in years.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from alzedge.runs.truths import Scale, Scales
from alzedge.stages import STAGES

MEASURES = ("brain_volume", "age")
_BLOCK = 256
_LEAST = 1e-6  # probability; its logarithm is finite


def measure_heads(hidden: keras.KerasTensor, scales: Scales) -> list[keras.KerasTensor]:
    """Build one linear head each for brain volume and age, in their units.

    Args:
        hidden: (N, width).
        scales: the heads begin near the mean, and learn in units of the standard deviation.

    Returns:
        `brain_volume` (N, 1) and `age` (N, 1).
    """
    return [_head(hidden, name, scale) for name, scale in zip(MEASURES, (scales.brain_volume, scales.age), strict=True)]


def _head(hidden: keras.KerasTensor, name: str, scale: Scale) -> keras.KerasTensor:
    small = keras.initializers.RandomNormal(stddev=0.05)
    standardized = layers.Dense(1, kernel_initializer=small, name=f"{name}_standardized")(hidden)
    return layers.Rescaling(scale.deviation, scale.mean, name=name)(standardized)


def measures(model: keras.Model) -> bool:
    """Tell a model that gives brain volume and age from one that gives the stage alone."""
    return len(model.outputs) == 1 + len(MEASURES)


def joined(model: keras.Model) -> keras.Model:
    """The same layers with one output (N, 6), for training: logits, brain volume and age side by side."""
    return keras.Model(model.input, layers.Concatenate(name="joined")(model.outputs), name=model.name)


def answers(model: keras.Model, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Predict with a measuring model, 256 slices at once.

    Args:
        model: images to `[logits, brain_volume, age]`.
        images: float32 (N, rows, columns, 1), preprocessed.

    Returns:
        float32 (N, 6): probabilities of the stages, nWBV, age in years.
    """
    starts = range(0, len(images), _BLOCK)
    blocks = [model.predict_on_batch(images[start : start + _BLOCK]) for start in starts]
    logits, volume, age = (np.concatenate([np.asarray(block[i]) for block in blocks]) for i in range(3))
    return np.concatenate([np.asarray(ops.softmax(logits)), volume, age], axis=1)


def measures_loss(
    targets: keras.KerasTensor, outputs: keras.KerasTensor, deviations: Sequence[float], stage: float
) -> keras.KerasTensor:
    """Compute the loss of a measuring model; what a target leaves open has no part in it.

    The stages are ordered, so each step from one stage to the next is a question of its own, "this far or
    further?", with a binary cross-entropy (Frank and Hall 2001, doi 10.1007/3-540-44795-4_13; cumulative as in
    Niu et al. 2016, doi 10.1109/CVPR.2016.532), weighed by `stage`. Brain volume and age have the squared error in
    units of their standard deviation.

    Args:
        targets: (N, 6), shares of the stages (zeros: unknown), brain volume and age (NaN: unknown).
        outputs: (N, 6), logits, brain volume and age.
        deviations: of brain volume and age.
        stage: weight of each of the three steps.

    Returns:
        Scalar: the sum of the five means, each over the slices whose target is known.
    """
    count = len(STAGES)
    loss: Any = stages_loss(targets[:, :count], ops.softmax(outputs[:, :count]), stage)
    for i, deviation in enumerate(deviations, start=count):
        finite = ops.logical_not(ops.isnan(targets[:, i]))
        error = (ops.where(finite, targets[:, i], outputs[:, i]) - outputs[:, i]) / deviation
        loss = loss + _mean(ops.square(error), ops.cast(finite, "float32"))
    return loss


def stages_loss(shares: keras.KerasTensor, probabilities: keras.KerasTensor, weight: float) -> keras.KerasTensor:
    """Compute the part of `measures_loss` that is about the stages.

    Args:
        shares: (N, 4), of the stages; zeros where unknown.
        probabilities: (N, 4).
        weight: of each of the three steps.

    Returns:
        Scalar: the sum of three means, each over the slices whose stage is known.
    """
    known = ops.cast(ops.sum(shares, axis=1) > 0.5, "float32")
    loss: Any = 0.0
    for step in range(1, len(STAGES)):
        wanted = ops.sum(shares[:, step:], axis=1)
        further = ops.clip(ops.sum(probabilities[:, step:], axis=1), _LEAST, 1 - _LEAST)
        entropy = -(wanted * ops.log(further) + (1 - wanted) * ops.log(1 - further))
        loss = loss + weight * _mean(entropy, known)
    return loss


def _mean(values: keras.KerasTensor, known: keras.KerasTensor) -> keras.KerasTensor:
    return ops.sum(values * known) / ops.maximum(ops.sum(known), 1.0)


@keras.saving.register_keras_serializable(package="alzedge")
class MeasuresLoss(keras.losses.Loss):
    """`measures_loss` for `Model.compile`, on the outputs of `joined`."""

    def __init__(self, deviations: Sequence[float], stage: float, name: str = "measures") -> None:
        super().__init__(name=name, reduction=None)
        self.deviations, self.stage = tuple(deviations), stage

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        return measures_loss(y_true, y_pred, self.deviations, self.stage)
