"""Distillation: the student learns the teacher's soft targets, without labels.

Hinton et al. 2015 (arXiv:1503.02531) in the form of SimCLRv2 (arXiv:2006.10029, eq. 2);
teacher and student see the same view, as Beyer et al. 2022 (arXiv:2106.05237) advise.
"""

from pathlib import Path

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from alzedge.runs.recipe import Recipe
from alzedge.runs.truths import Scales
from alzedge.student.model import build_student
from alzedge.student.told import StagesLoss, told_student
from alzedge.teacher.measures import MeasuresLoss, joined
from alzedge.teacher.training.augment import apply_views, draw_views
from alzedge.teacher.training.loop import fit, set_seed
from alzedge.teacher.training.replicas import Batch
from alzedge.teacher.training.sampling import shuffled
from alzedge.utils.progress import OnStep, Step, quiet

_VIEW = 31  # name of the random stream
_BLOCK = 256


def distillation_loss(
    teacher_logits: keras.KerasTensor, student_logits: keras.KerasTensor, temperature: float
) -> keras.KerasTensor:
    """Compute the cross-entropy between softened outputs, times temperature squared.

    The square keeps the gradient's size independent of the temperature. Differs from the
    KL divergence by the teacher's entropy, which has no gradient.

    Args:
        teacher_logits, student_logits: (N, classes).
        temperature: divides both.

    Returns:
        Scalar, mean over N.
    """
    targets = ops.softmax(teacher_logits / temperature)
    return temperature**2 * ops.mean(
        ops.categorical_crossentropy(targets, student_logits / temperature, from_logits=True)
    )


@keras.saving.register_keras_serializable(package="alzedge")
class Distillation(keras.losses.Loss):
    """`distillation_loss` for `Model.compile`; `y_true` holds the teacher's logits."""

    def __init__(self, temperature: float, name: str = "distillation") -> None:
        super().__init__(name=name, reduction=None)
        self.temperature = temperature

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        return distillation_loss(y_true, y_pred, self.temperature)


def soft_targets(
    teacher: keras.Model,
    images: NDArray[np.float32],
    recipe: Recipe,
    on_step: OnStep = quiet,
    *,
    rows: NDArray[np.intp] | None = None,
) -> NDArray[np.float32]:
    """Compute the teacher's logits on `recipe.distill.views` views of each image.

    Args:
        teacher: images to logits.
        images: float32 (N, rows, columns, 1).
        recipe: `distill.views`, `augment` and `seed` are used.
        on_step: called after every view.
        rows: int (M,), images to predict; all where None. An image's views do not depend on the others.

    Returns:
        float32 (views, M, 4).
    """
    chosen = np.arange(len(images)) if rows is None else rows
    logits = np.empty((recipe.distill.views, len(chosen), teacher.output_shape[-1]), np.float32)
    for view in range(recipe.distill.views):
        drawn = _view(recipe, len(images), view)
        for start in range(0, len(chosen), _BLOCK):
            block = chosen[start : start + _BLOCK]
            shown = apply_views(images[block], drawn[block])
            logits[view, start : start + _BLOCK] = teacher.predict_on_batch(shown)
        done = view + 1
        on_step(Step(done, recipe.distill.views, done, recipe.distill.views))
    return logits


def distill(
    targets: NDArray[np.float32],
    images: NDArray[np.float32],
    recipe: Recipe,
    checkpoint: Path,
    on_step: OnStep = quiet,
    scales: Scales | None = None,
    demographics: NDArray[np.float32] | None = None,
) -> tuple[keras.Model, list[float]]:
    """Train a student on soft targets.

    Args:
        targets: float32 (views, N, 4) from `soft_targets` with the same recipe; or, for a measuring student, (1, N, 6)
            from `alzedge.student.measuring`, which do not depend on the view: every epoch then has views of its own.
        images: float32 (N, rows, columns, 1), the same images.
        recipe: `student`, `distill`, `demographics`, `augment` and `seed` are used.
        checkpoint: see `alzedge.teacher.training.loop.fit`.
        on_step: called after every step.
        scales: of brain volume and age, for a measuring student.
        demographics: float32 (N, 4), of the person on each image (see `alzedge.inference.measures.demographics`), for a
            student that is told them: it first learns from the image alone, see `alzedge.student.told`.

    Returns:
        The student (images, or `[images, demographics]`, to logits, or to `[logits, brain_volume, age]`) and each
        epoch's loss.

    Raises:
        UserError: see `alzedge.teacher.training.loop.fit`.
    """
    set_seed(recipe.seed)
    model = build_student(recipe.student, images.shape[1:], scales)

    def batch(index: NDArray[np.intp], epoch: int) -> Batch:
        view = epoch if scales else epoch % len(targets)
        drawn = _view(recipe, len(images), view)[index]
        return apply_views(images[index], drawn), targets[epoch % len(targets), index]

    if scales is None:
        trained, loss = model, Distillation(recipe.distill.temperature)
    else:
        trained, loss = joined(model), MeasuresLoss(scales.deviations, recipe.measures.stage)
    draw = shuffled(np.arange(len(images)), recipe.seed)
    history = fit(trained, loss, recipe.distill, batch, draw, checkpoint, on_step)
    if demographics is None:
        return model, history
    further = checkpoint.with_name(f"{checkpoint.stem}-told{checkpoint.suffix}")
    stages = Distillation(recipe.distill.temperature) if scales is None else StagesLoss(recipe.measures.stage)
    told, joint = told_student(model, targets, images, demographics, recipe, stages, further, on_step, scales)
    return told, history + joint


def _view(recipe: Recipe, count: int, view: int) -> NDArray[np.float32]:
    return draw_views(recipe.augment, count, [recipe.seed, _VIEW, view])
