"""The same figures for every kind of model, on the official split and on unseen people."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split
from alzedge.errors import UserError
from alzedge.export.evaluate.exposure import exposure
from alzedge.export.evaluate.scoring import load_scorer
from alzedge.metrics.classification import describe, differences, make_levels
from alzedge.metrics.nearest_neighbour import floor_accuracies
from alzedge.metrics.scores import Figures, Level, resample
from alzedge.stages import STAGES
from alzedge.utils.progress import OnStep, Step, quiet

Answers = NDArray[np.floating[Any]]
SEED = 0  # the resamples are the same for all models, runs and commands


@dataclass(frozen=True, eq=False)
class Judgement:
    """Models judged on one test set.

    Attributes:
        figures: what `metrics.json` holds of it; see `evaluate_models`.
        answers: by name of the model the probabilities (N, 4).
        labels: int64 (N,).
        subject: str (N,), or None when people are unknown.
    """

    figures: dict[str, Any]
    answers: dict[str, Answers]
    labels: NDArray[np.int64]
    subject: NDArray[np.str_] | None


def evaluate_models(
    models: dict[str, Path], dataset: DataSet, split: Split, on_step: OnStep = quiet, teacher: str | None = None
) -> dict[str, Any]:
    """Figures of models that were made with one split, on its test side.

    Args:
        models: files by name.
        dataset, split: what to test on.
        on_step: told about every model.
        teacher: name of the model that the others are to agree with.

    Returns:
        `labels`, `description`, `slices`, `people` (None when unknown), `unseen_people`, `floors` (see
        `alzedge.metrics.nearest_neighbour.floor_accuracies`), `models`, by name the result of `alzedge.metrics.classification.evaluate`,
        `exposure`, by name what the model has seen of the test set (see `alzedge.export.evaluate.exposure`), and
        `differences`, by name of each model but the first what `alzedge.metrics.classification.differences` finds from the first,
        by level.
    """
    answers = {}
    for done, (name, path) in enumerate(models.items(), start=1):
        answers[name] = load_scorer(path)(dataset.images[split.test])
        on_step(Step(done, len(models), done, len(models)))
    seen = exposure(split, split, dataset).to_dict()
    return judge(
        answers, dict.fromkeys(models, seen), dataset, split, floor_accuracies(dataset, split), teacher
    ).figures


def judge(
    answers: dict[str, Answers],
    seen: dict[str, Any],
    dataset: DataSet,
    split: Split,
    floors: dict[str, float],
    teacher: str | None,
) -> Judgement:
    """Figures from answers; see `evaluate_models`.

    Args:
        answers: by name, (N, 4) for the test side of the split.
        seen: by name what `alzedge.export.evaluate.exposure` found.
        dataset, split, floors, teacher: see `evaluate_models`.

    Raises:
        UserError: see `alzedge.metrics.classification.evaluate`; names the model.
    """
    labels = dataset.labels[split.test]
    subject = dataset.subject[split.test] if dataset.subjects_known else None
    models: dict[str, Any] = {}
    from_first: dict[str, Any] = {}
    first: dict[str, Figures] = {}
    for name, given in answers.items():
        beside = answers.get(teacher) if teacher not in (None, name) else None
        levels = _named_levels(name, given, labels, subject, beside)
        found = {level: resample(rows, SEED) for level, rows in levels.items()}
        models[name] = {level: describe(rows, found[level]) for level, rows in levels.items()}
        if first:
            from_first[name] = {level: differences(first[level], found[level]) for level in found}
        first = first or found
    figures = {
        "labels": list(STAGES),
        "description": split.description,
        "slices": len(labels),
        "people": None if subject is None else len(np.unique(subject)),
        "unseen_people": split.unseen_people,
        "floors": floors,
        "models": models,
        "exposure": seen,
        "differences": from_first,
    }
    return Judgement(figures, answers, labels, subject)


def _named_levels(
    name: str, answers: Answers, labels: NDArray[np.int64], subject: NDArray[np.str_] | None, teacher: Answers | None
) -> dict[str, Level]:
    """`make_levels`, whose complaint names the model."""
    try:
        return make_levels(answers, labels, subject, teacher)
    except UserError as error:
        raise UserError(f"{name}: {error}") from error
