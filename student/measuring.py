"""Soft targets of a measuring student: the teachers' answers, steadied over each scan, and mixed with the truth.

A teacher's answer for one slice is noisy, and all slices of a scan share one truth, so half of each target is the
teacher's mean over the scan. With `distill.cross_fit` each person is answered for by a teacher that was not trained on
them (see `alzedge.student.cross_fit`); a teacher's answers for people it was trained on are little else than the truth.
Mixing with the truth: Hinton et al. 2015, arXiv:1503.02531, section 2.
"""

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.runs.recipe import Recipe
from alzedge.runs.truths import Truths
from alzedge.student.cross_fit import cross_fitted_teachers, deal_people
from alzedge.teacher.measures import answers
from alzedge.utils.progress import OnStep, Step, quiet


def measuring_targets(
    teacher: keras.Model,
    images: NDArray[np.float32],
    truths: Truths,
    scan: NDArray[np.str_],
    truth: float,
    on_step: OnStep = quiet,
) -> NDArray[np.float32]:
    """Compute soft targets from one teacher.

    Args:
        teacher: images to `[logits, brain_volume, age]`.
        images: float32 (N, rows, columns, 1), preprocessed training slices.
        truths: of the images.
        scan: str (N,), the acquisition each image was cut from.
        truth: share of the truth where it is known, 0 to 1; 1: no teacher, and what is unknown is not learned.
        on_step: called at the end.

    Returns:
        float32 (1, N, 6): shares of the stages, nWBV, age in years.
    """
    answered = truths.table() if truth == 1 else answers(teacher, images)
    on_step(Step(1, 1, 1, 1))
    return mixed(answered, truths, scan, truth)


def cross_fitted_measuring_targets(
    pretrained: keras.Model,
    images: NDArray[np.float32],
    truths: Truths,
    labels: NDArray[np.int64],
    people: NDArray[np.str_],
    scan: NDArray[np.str_],
    recipe: Recipe,
    checkpoint: Path,
    on_step: OnStep = quiet,
) -> NDArray[np.float32]:
    """Compute soft targets from as many teachers as `distill.cross_fit` says, each for people it has not seen.

    Args:
        pretrained: the contrastive model that every teacher begins with; it has seen no label.
        images, truths, scan: see `measuring_targets`.
        labels: int64 (N,), by which people are dealt; -1 where the stage is unknown.
        people: str (N,), who is on each image.
        recipe: `distill.cross_fit` parts and `distill.truth`; also `teacher`, `finetune`, `augment`, `seed`.
        checkpoint: path stem; each teacher has its own file beside it.
        on_step: called after every step of every teacher.

    Returns:
        float32 (1, N, 6), see `measuring_targets`.

    Raises:
        UserError: fewer people than parts, or see `alzedge.teacher.finetune.finetune`.
    """
    part_of = deal_people(people, labels, recipe.distill.cross_fit)
    answered = np.empty((len(images), truths.table().shape[1]), np.float32)
    teachers = cross_fitted_teachers(
        pretrained, images, labels, people, part_of, recipe, checkpoint, on_step, truths
    )  # fmt: skip
    for teacher, own in teachers:
        answered[own] = answers(teacher, images[own])
    return mixed(answered, truths, scan, recipe.distill.truth)


def mixed(answered: NDArray[np.float32], truths: Truths, scan: NDArray[np.str_], truth: float) -> NDArray[np.float32]:
    """Average answers with those of their scan, and mix in the truth where it is known.

    Args:
        answered: float32 (N, 6), a teacher's.
        truths, scan, truth: see `measuring_targets`.

    Returns:
        float32 (1, N, 6).
    """
    table = truths.table()
    if truth == 1:
        return table[None]
    number = np.unique(scan, return_inverse=True)[1]
    sums = np.stack([np.bincount(number, column) for column in answered.T.astype(np.float64)], axis=1)
    of_scan = sums / np.bincount(number)[:, None]
    steadied = (answered + of_scan[number]) / 2
    count = truths.stages.shape[1]
    staged = np.repeat((truths.stages > 0).any(axis=1, keepdims=True), count, axis=1)
    known = np.concatenate([staged, np.isfinite(table[:, count:])], axis=1)
    blended = np.where(known, truth * np.where(known, table, 0) + (1 - truth) * steadied, steadied)
    targets: NDArray[np.float32] = blended[None].astype(np.float32)
    return targets
