"""Age and sex for a student that has learned to see: the layers in which they enter learn, all others stay.

The convolutions, brain volume and apparent age are then those of the student of the image alone, to the bit, so that what
age and sex add can be told from what another training would change.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from alzedge.inference.measures.demographics import withheld
from alzedge.runs.recipe import Recipe
from alzedge.runs.truths import Scales
from alzedge.stages import STAGES
from alzedge.student.model import FROM_DEMOGRAPHICS, FROM_IMAGE, HIDDEN, JOINT, LOGITS, build_student
from alzedge.teacher.finetune import copy_weights
from alzedge.teacher.measures import stages_loss
from alzedge.teacher.training.augment import apply_views, draw_views
from alzedge.teacher.training.loop import fit, set_seed
from alzedge.teacher.training.replicas import Batch
from alzedge.teacher.training.sampling import shuffled
from alzedge.utils.progress import OnStep, quiet

_VIEW, _WITHHELD = 33, 32  # names of the random streams
_BLOCK = 256


@keras.saving.register_keras_serializable(package="alzedge")
class StagesLoss(keras.losses.Loss):
    """`stages_loss` for `Model.compile`, on targets (N, 4) or wider and logits (N, 4)."""

    def __init__(self, weight: float, name: str = "stages") -> None:
        super().__init__(name=name, reduction=None)
        self.weight = weight

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        return stages_loss(y_true[:, : len(STAGES)], ops.softmax(y_pred), self.weight)


def told_student(
    student: keras.Model,
    targets: NDArray[np.float32],
    images: NDArray[np.float32],
    demographics: NDArray[np.float32],
    recipe: Recipe,
    loss: keras.losses.Loss,
    checkpoint: Path,
    on_step: OnStep = quiet,
    scales: Scales | None = None,
) -> tuple[keras.Model, list[float]]:
    """Make a student that is told age and sex from a trained one of the image alone.

    Args:
        student: from `build_student` without demographics, trained.
        targets: float32 (views, N, 4 or 6), see `alzedge.student.distill.distill`.
        images: float32 (N, rows, columns, 1), preprocessed training slices.
        demographics: float32 (N, 4), of the person on each.
        recipe: `student`, `demographics`, `distill`, `augment` and `seed` are used.
        loss: of logits (N, 4).
        checkpoint: see `alzedge.teacher.training.loop.fit`.
        on_step: called after every step.
        scales: of brain volume and age, for a measuring student.

    Returns:
        The student of `[images, demographics]` and each epoch's loss.
    """
    set_seed(recipe.seed)
    model = build_student(recipe.student, images.shape[1:], scales, demographics=True)
    copy_weights(student, model)
    seen = _features(student, images, recipe)

    def batch(index: NDArray[np.intp], epoch: int) -> Batch:
        told = withheld(demographics, recipe.demographics.withhold, [recipe.seed, _WITHHELD, epoch])
        return [seen[epoch % len(seen), index], told[index]], targets[epoch % len(targets), index]

    draw = shuffled(np.arange(len(images)), recipe.seed)
    return model, fit(_head(model), loss, recipe.distill, batch, draw, checkpoint, on_step)


def _features(student: keras.Model, images: NDArray[np.float32], recipe: Recipe) -> NDArray[np.float32]:
    """Hidden features of `distill.views` views of each image, float32 (views, N, units)."""
    encoder = keras.Model(student.input, student.get_layer(HIDDEN).output)
    features = np.empty((recipe.distill.views, len(images), encoder.output_shape[-1]), np.float32)
    for view, found in enumerate(features):
        drawn = draw_views(recipe.augment, len(images), [recipe.seed, _VIEW, view])
        for start in range(0, len(images), _BLOCK):
            rows = slice(start, start + _BLOCK)
            found[rows] = encoder.predict_on_batch(apply_views(images[rows], drawn[rows]))
    return features


def _head(model: keras.Model) -> keras.Model:
    """The last layers of `model`, from hidden features and demographics to logits, as a model that shares their weights."""
    hidden = keras.Input((model.get_layer(HIDDEN).units,), name=HIDDEN)
    told = keras.Input(model.input_shape[1][1:], name="told")
    seen, said = model.get_layer(FROM_IMAGE)(hidden), model.get_layer(FROM_DEMOGRAPHICS)(told)
    joint = layers.ReLU()(layers.Add()([seen, said]))
    return keras.Model([hidden, told], model.get_layer(LOGITS)(joint), name=f"{model.name}_{JOINT}")
