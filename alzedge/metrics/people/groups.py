"""Ranking and calibration of answers in each group of people, under all resamples at once."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alzedge.metrics.auc import areas
from alzedge.metrics.bootstrap import Floats, ratio, with_interval
from alzedge.metrics.people.age_adjusted import age_adjusted_auc
from alzedge.metrics.people.cohort import Cohort
from alzedge.metrics.people_figures import ABOVE_CSF, ADJUSTED, AUC, GROUP_FIGURES, GroupFigures, Ranked
from alzedge.metrics.scores import MIN_PEOPLE, confidences
from alzedge.metrics.tasks import ANY_DEMENTIA, CDR1, Task, normalised

# The questions that are asked of groups: there are too few people for the stages.
GROUP_TASKS = (ANY_DEMENTIA, CDR1)
# By name of the task the probabilities of the stages, float64 (P, 4).
TaskAnswers = Mapping[str, Floats]
# By name of the task and group the areas under all resamples.
Areas = dict[tuple[str, str], Floats]


def rank_groups(
    answers: TaskAnswers, cohort: Cohort, weights: Floats, threshold: Floats | None, csf: Areas | None = None
) -> tuple[Ranked, Areas]:
    """Compute the figures of `GROUP_FIGURES` for each task and group.

    Args:
        answers: for the people of the cohort.
        cohort: who is asked about; people of unknown stage have no part in it.
        weights: (R, P), see `alzedge.metrics.bootstrap.draw_people`.
        threshold: (P,), on the probability of any dementia, from which on a person counts as told so; None without.
        csf: areas of the baseline to take differences from.

    Returns:
        The figures, and the areas under all resamples.
    """
    ranked: Ranked = {}
    drawn: Areas = {}
    for task in GROUP_TASKS:
        if task.name not in answers:
            continue
        probabilities = answers[task.name]
        told = None if threshold is None else 1 - probabilities[:, 0] >= threshold
        labels = task.labels(cohort.labels)
        ranked[task.name] = {}
        for group, members in cohort.groups().items():
            rows = np.flatnonzero(members & (labels >= 0))
            figures = _figures(task, labels[rows], probabilities[rows], cohort.age[rows], weights[:, rows])
            if told is not None:
                figures |= _decisions(labels[rows] == 1, told[rows], weights[:, rows])
            drawn[task.name, group] = figures[AUC]
            if csf is not None:
                figures[ABOVE_CSF] = figures[AUC] - csf[task.name, group]
            ranked[task.name][group] = _summary(labels[rows], figures)
    return ranked, drawn


def _figures(
    task: Task, labels: NDArray[np.int64], probabilities: Floats, age: Floats, weights: Floats
) -> dict[str, Floats]:
    scores, own = task.scores(probabilities), np.arange(len(labels))
    positive, probability = labels == 1, normalised(scores)[:, 1]
    return {
        AUC: areas(positive, scores[:, 1], own, weights)[0],
        ADJUSTED: age_adjusted_auc(positive, scores[:, 1], age, weights),
        "ece": confidences(labels, scores, own, weights)[("ece",)],
        "excess": ratio(weights @ (probability - positive), weights.sum(axis=1)),
    }


def _decisions(positive: NDArray[np.bool_], told: NDArray[np.bool_], weights: Floats) -> dict[str, Floats]:
    return {
        "sensitivity": ratio(weights @ (told & positive), weights @ positive),
        "specificity": ratio(weights @ (~told & ~positive), weights @ ~positive),
    }


def _summary(labels: NDArray[np.int64], figures: Mapping[str, Floats]) -> GroupFigures:
    """Figures with intervals, as far as enough people carry each class."""
    positive = int((labels == 1).sum())
    negative = len(labels) - positive
    enough = {"sensitivity": positive, "specificity": negative}
    return GroupFigures(
        len(labels),
        positive,
        {
            name: with_interval(figures[name])
            if enough.get(name, min(positive, negative)) >= MIN_PEOPLE and name in figures
            else None
            for name in GROUP_FIGURES
        },
    )


def cross_fitted_threshold(
    score: Floats, labels: NDArray[np.int64], part: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Threshold for each person, chosen on the people of all other parts: that of highest Youden's J (Youden 1950).

    Args:
        score: (P,), probability of any dementia.
        labels: int64 (P,), index into `STAGES`; who has -1 has no part in the choice.
        part: int64 (P,), such as the fold.

    Returns:
        (P,); None where there is one part alone, or the others lack a class.
    """
    threshold = np.full(len(score), np.nan)
    for own in np.unique(part):
        others = (part != own) & (labels >= 0)
        positive = labels[others] > 0
        if positive.all() or not positive.any():
            return None
        candidates = np.unique(score[others])
        reached = score[others] >= candidates[:, np.newaxis]
        youden = reached[:, positive].mean(axis=1) - reached[:, ~positive].mean(axis=1)
        threshold[part == own] = candidates[youden.argmax()]
    return threshold
