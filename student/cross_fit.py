"""Soft targets from teachers that were not trained on the person they predict.

A teacher predicts people it was trained on with a certainty that it does not have about anybody else, and a student
learns that certainty too. Cross-fitting (Chernozhukov et al. 2018, arXiv:1608.00060; for distillation Dao et al. 2021,
arXiv:2104.09732) deals the training people into parts, trains one teacher without each part, and lets it predict that
part only. Its errors there are those it would make on new people, so one temperature, fitted on these predictions,
calibrates them before the student learns them; no person outside the training side takes any part.

With `distill.fluid` half of each target is the CSF regression of `alzedge.student.targets` for the person; a quarter
is the teachers' for the view, and a quarter theirs on average over the person's slices. The whole is calibrated again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.data.folds import deal_folds
from alzedge.errors import UserError
from alzedge.metrics.calibration import fit_temperature
from alzedge.runs.recipe import Recipe
from alzedge.runs.truths import Truths
from alzedge.stages import STAGES
from alzedge.student.distill import soft_targets
from alzedge.student.targets import cross_fitted_regression
from alzedge.teacher.finetune import finetune
from alzedge.utils.progress import OnStep, Step, quiet

_LEAST = 1e-6  # probability; its logarithm is finite


@dataclass(frozen=True, eq=False)
class SoftTargets:
    """Soft targets that a student learns.

    Attributes:
        logits: float32 (views, N, 4), divided by `temperature` already.
        temperature: fitted on the cross-fitted teachers' logits; 1 for the teacher's own.
        parts: number of teachers, each trained without one part of the people; 0 for the teacher's own.
        csf: whether the CSF regression took part.
    """

    logits: NDArray[np.float32]
    temperature: float = 1.0
    parts: int = 0
    csf: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Entry of the student's record, which calls CSF `fluid`."""
        return {"cross_fit": self.parts, "fluid": self.csf, "temperature": self.temperature}


def with_truth(targets: SoftTargets, labels: NDArray[np.int64], share: float) -> SoftTargets:
    """Mix the true stage into soft targets (Hinton et al. 2015, arXiv:1503.02531, section 2).

    Args:
        targets: of N images.
        labels: int64 (N,), -1 where the stage is unknown: such targets stay as they are.
        share: of the truth, 0 to 1; 1 is learning from the labels, without a teacher.
    """
    probabilities = np.exp(targets.logits - targets.logits.max(axis=-1, keepdims=True), dtype=np.float64)
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    truth = np.eye(len(STAGES))[labels]
    blended = np.where((labels >= 0)[:, None], share * truth + (1 - share) * probabilities, probabilities)
    return replace(targets, logits=np.log(np.maximum(blended, _LEAST)).astype(np.float32))


def cross_fitted_targets(
    pretrained: keras.Model,
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    people: NDArray[np.str_],
    recipe: Recipe,
    checkpoint: Path,
    on_step: OnStep = quiet,
    csf: NDArray[np.float32] | None = None,
) -> SoftTargets:
    """Fine-tune one teacher without each part of the people, and let it predict that part.

    Args:
        pretrained: the contrastive model that every teacher begins with; it has seen all training
            images, but no label.
        images: float32 (N, rows, columns, 1), preprocessed training slices.
        labels: int64 (N,).
        people: str (N,), who is on each image.
        recipe: `distill.cross_fit` parts; also `teacher`, `finetune`, `distill.views`, `augment`, `seed`.
        checkpoint: path stem; each teacher has its own file beside it, see `alzedge.teacher.training.loop.fit`.
        on_step: called after every step of every teacher.
        csf: float32 (people, features) from `alzedge.student.targets.csf_by_person`, in the order of the people's
            names, to let the regression take part.

    Raises:
        UserError: fewer people than parts, or see `finetune`.
    """
    parts = recipe.distill.cross_fit
    part_of = deal_people(people, labels, parts)
    logits = np.empty((recipe.distill.views, len(images), len(STAGES)), np.float32)
    for teacher, own in cross_fitted_teachers(pretrained, images, labels, people, part_of, recipe, checkpoint, on_step):
        logits[:, own] = soft_targets(teacher, images, recipe, rows=own)
    temperature = _temperature(logits, labels)
    targets = logits / np.float32(temperature)
    if csf is None:
        return SoftTargets(targets, temperature, parts)
    _, first, person = np.unique(people, return_index=True, return_inverse=True)
    regression = cross_fitted_regression(csf, labels[first], part_of[first])
    joint = np.log(_joined(targets, person, regression)).astype(np.float32)
    temperature = _temperature(joint, labels)
    return SoftTargets(joint / np.float32(temperature), temperature, parts, csf=True)


def cross_fitted_teachers(
    pretrained: keras.Model,
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    people: NDArray[np.str_],
    part_of: NDArray[np.int64],
    recipe: Recipe,
    checkpoint: Path,
    on_step: OnStep = quiet,
    truths: Truths | None = None,
) -> Iterator[tuple[keras.Model, NDArray[np.intp]]]:
    """Fine-tune a teacher without each part of the people; yields it with the part's rows, int64 (n,).

    `part_of` is that of `deal_people`; `truths` are for a teacher that measures; the rest as in `cross_fitted_targets`.

    Raises:
        UserError: see `alzedge.teacher.finetune.finetune`.
    """
    parts = recipe.distill.cross_fit
    for part in range(parts):
        others = np.flatnonzero(part_of != part)
        teacher, _ = finetune(
            pretrained,
            images[others],
            labels[others],
            recipe,
            checkpoint.with_name(f"{checkpoint.name}-part{part}.npz"),
            _of_parts(on_step, part, parts),
            people=people[others],
            truths=None if truths is None else truths.take(others),
        )
        yield teacher, np.flatnonzero(part_of == part)


def _temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return fit_temperature(logits.reshape(-1, logits.shape[-1]), np.tile(labels, len(logits)))


def _joined(
    logits: NDArray[np.float32], person: NDArray[np.intp], regression: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probabilities (views, N, 4): a quarter of each view's, a quarter of its person's mean, half of the regression's."""
    teacher = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype=np.float64)
    teacher /= teacher.sum(axis=-1, keepdims=True)
    by_view = teacher.mean(axis=0)
    sums = np.stack([np.bincount(person, column) for column in by_view.T], axis=1)
    of_person = sums / np.bincount(person)[:, None]
    joint: NDArray[np.float64] = (teacher + of_person[person] + 2 * regression[person]) / 4
    return np.maximum(joint, _LEAST)


def deal_people(people: NDArray[np.str_], labels: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
    """Deal people into parts; returns the part of each image, int64 (N,). See `alzedge.data.folds.deal_folds`.

    Raises:
        UserError: fewer people than parts.
    """
    names, first, inverse = np.unique(people, return_index=True, return_inverse=True)
    if len(names) < parts:
        raise UserError(f"{len(names)} training people are too few for distill.cross_fit {parts}; lower it.")
    return deal_folds(names, labels[first], parts)[inverse]


def _of_parts(on_step: OnStep, part: int, parts: int) -> OnStep:
    """Progress of one of several teachers, whose epochs are counted over all of them."""

    def counted(step: Step) -> None:
        done, steps = part * step.steps + step.step, parts * step.steps
        on_step(Step(part * step.epochs + step.epoch, parts * step.epochs, done, steps, step.loss))

    return counted
