"""Gain of one model over another on the same people: the paired difference of areas under the ROC curve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.metrics.auc import areas
from alzedge.metrics.bootstrap import REPLICATES, Floats, draw_people, with_interval
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.people.age_adjusted import age_adjusted_auc
from alzedge.metrics.people.cohort import Cohort, cohort_of
from alzedge.metrics.people.evidence import Asked, source_names
from alzedge.metrics.people.groups import GROUP_TASKS
from alzedge.metrics.people.person_answers import answer_people
from alzedge.metrics.people_figures import ADJUSTED, AUC
from alzedge.metrics.scores import MIN_PEOPLE
from alzedge.metrics.tasks import Task

# Figures that are compared, by name.
COMPARED = (AUC, ADJUSTED)


@dataclass(frozen=True)
class Gain:
    """One figure of two models on one group of people, each with its 95 % interval; None where it is not defined.

    Attributes:
        source, group, task, figure: by name: the data set's source, of `alzedge.metrics.people_figures.GROUPS`, of
            `GROUP_TASKS`, and of `COMPARED`.
        people, positive: numbers of people, and of those with the condition.
        first, second: of the two models.
        difference: the second's less the first's, both on the same resamples of people.
    """

    source: str
    group: str
    task: str
    figure: str
    people: int
    positive: int
    first: Estimate | None
    second: Estimate | None
    difference: Estimate | None


def gains(
    models: tuple[Asked, Asked],
    dataset: DataSet,
    rows: NDArray[np.intp],
    groups: tuple[str, ...],
    seed: int = 0,
    replicates: int = REPLICATES,
) -> list[Gain]:
    """Compare two models on the people of each source, person by person, by their first scans.

    Intervals are those of the bootstrap over people, in which both models are asked about the same resample (paired: what
    makes a resample easy for one makes it easy for the other).

    Args:
        models: asked about `rows`.
        dataset: whose people are known.
        rows: int (N,), ascending, the slices.
        groups: names, see `Gain`.
        seed, replicates: of the bootstrap.

    Returns:
        By source, task, group and figure; of groups with enough people of either kind.
    """
    names, found = source_names(dataset), []
    for source in np.unique(names[rows]).tolist():
        places = np.flatnonzero(names[rows] == source)
        cohort = cohort_of(dataset, rows[places])
        weights = draw_people(len(cohort), seed, replicates)
        shares = [
            answer_people(one.readings.take(places), cohort.slices, cohort.subject, one.rule).probabilities
            for one in models
        ]
        for task in GROUP_TASKS:
            for group in (name for name in groups if name in cohort.groups()):
                found += _gains(source, group, task, cohort, shares, weights)
    return found


def _gains(source: str, group: str, task: Task, cohort: Cohort, shares: list[Floats], weights: Floats) -> list[Gain]:
    labels = task.labels(cohort.labels)
    members = np.flatnonzero(cohort.groups()[group] & (labels >= 0))
    positive = labels[members] == 1
    if min(positive.sum(), (~positive).sum()) < MIN_PEOPLE:
        return []
    scores = [task.scores(one[members])[:, 1] for one in shares]
    drawn, own, age = weights[:, members], np.arange(len(members)), cohort.age[members]
    by_figure = {
        AUC: [areas(positive, score, own, drawn)[0] for score in scores],
        ADJUSTED: [age_adjusted_auc(positive, score, age, drawn) for score in scores],
    }
    return [
        Gain(
            source,
            group,
            task.name,
            figure,
            len(members),
            int(positive.sum()),
            with_interval(first),
            with_interval(second),
            with_interval(second - first),
        )
        for figure, (first, second) in by_figure.items()
    ]
