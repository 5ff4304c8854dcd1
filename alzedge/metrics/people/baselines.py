"""Baselines that train no network, one answer a person: from pixels, and from the table of people alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.metrics.auc import areas
from alzedge.metrics.baselines import CSF_SETTINGS, Sides, features_of, join_features, regressions
from alzedge.metrics.bootstrap import Floats
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.people.cohort import Cohort, cohort_of
from alzedge.metrics.people.groups import GROUP_TASKS
from alzedge.metrics.people_figures import AUC, CSF, HISTOGRAM, Permuted
from alzedge.metrics.tasks import ANY_DEMENTIA

_BLOCK = 512  # slices at once
_COLUMNS = {"age": ("age",), "nwbv": ("nwbv",), "nwbv_age_sex": ("nwbv", "age", "sex"), "mmse": ("mmse",)}
# Refitted to permuted labels: one of pixels and one of the table.
_PERMUTED = (CSF, "nwbv_age_sex")


@dataclass(frozen=True, eq=False)
class Sided:
    """People of the training sides and of the test sides of a split, one row each, the former first.

    Attributes:
        train, test: the people; somebody may be in both.
        places: of each side, rows of training and of test people.
        part: int64 (P,), number of the side that each test person is tested on.
        values: by name of the baseline, float64 (people, F).
    """

    train: Cohort
    test: Cohort
    places: Sides
    part: NDArray[np.int64]
    values: dict[str, Floats]

    @property
    def labels(self) -> NDArray[np.int64]:
        """Stages of all rows."""
        return np.concatenate([self.train.labels, self.test.labels])


def side_people(dataset: DataSet, sides: Sides) -> Sided:
    """Put people on the sides that their slices are on.

    Args:
        dataset: whose people are known.
        sides: of the split, as rows of the data set, of one source; training sides may be empty.
    """
    train_rows, test_rows = (np.unique(np.concatenate(of_side)) for of_side in zip(*sides, strict=True))
    train, test = cohort_of(dataset, train_rows), cohort_of(dataset, test_rows)
    part = np.zeros(len(test), np.int64)
    places: Sides = []
    for number, (trained, tested) in enumerate(sides):
        asked = np.isin(test.subject, dataset.subject[tested])
        part[asked] = number
        known = np.flatnonzero(np.isin(train.subject, dataset.subject[trained]))
        places.append((known, len(train) + np.flatnonzero(asked)))
    slices = [rows[one] for cohort, rows in ((train, train_rows), (test, test_rows)) for one in cohort.slices]
    values = _pixel_values(dataset, slices) | _table_values([train, test]) if len(train) else {}
    return Sided(train, test, places, part, values)


def _pixel_values(dataset: DataSet, slices: list[NDArray[np.intp]]) -> dict[str, Floats]:
    """Shares of CSF and histogram of each person's slices (rows of the data set).

    Where everybody has the same slices, the shares of CSF of all of them; else their mean.
    """
    rows = np.unique(np.concatenate(slices))
    starts = range(0, len(rows), _BLOCK)
    features = join_features([features_of(dataset.images[rows[start : start + _BLOCK]]) for start in starts])
    own = [np.searchsorted(rows, one) for one in slices]
    places = [dataset.slice[one].tolist() for one in slices]
    alike = places[0][0] > 0 and all(one == places[0] for one in places)
    csf = [features.csf[one].ravel() if alike else features.csf[one].mean(axis=0) for one in own]
    histograms = [features.histogram[one].sum(axis=0) for one in own]
    return {CSF: np.array(csf, np.float64), HISTOGRAM: np.array([one / one.sum() for one in histograms])}


def _table_values(cohorts: list[Cohort]) -> dict[str, Floats]:
    """Columns of the table, for baselines all of whose columns are known of some training people."""
    values = {}
    for name, columns in _COLUMNS.items():
        by_side = [np.stack([_column(cohort, column) for column in columns], axis=1) for cohort in cohorts]
        if np.isfinite(by_side[0]).any(axis=0).all():
            values[name] = np.concatenate(by_side)
    return values


def _column(cohort: Cohort, name: str) -> Floats:
    if name != "sex":
        return np.asarray(getattr(cohort, name), np.float64)
    return np.where(cohort.sex == "", np.nan, cohort.sex == "M")


def baseline_answers(sided: Sided) -> dict[str, dict[str, Floats]]:
    """Answers for the test people, float64 (P, 4), by baseline and name of the task, fitted to the training people.

    A value that is unknown counts as the training people's median; tasks whose classes a training side lacks are left out.
    """
    answered = {}
    for name, values in sided.values.items():
        settings = CSF_SETTINGS if name == CSF else {}
        by_task = regressions(values, sided.labels, sided.places, settings, GROUP_TASKS)
        order = np.argsort(np.concatenate([test for _, test in sided.places]))
        answered[name] = {task: answers[order] for task, answers in by_task.items() if answers is not None}
    return answered


def permuted_baselines(sided: Sided, runs: int, seed: int) -> dict[str, Permuted]:
    """Refit cheap baselines to permuted labels, any dementia against none: an AUC far from 0.5 shows a leak.

    Labels are permuted over people (Yagis et al. 2021, Sci Rep 11:22544, did so for networks), so a person who trains
    and tests keeps one label.

    Args:
        sided: people and values.
        runs: number of permutations.
        seed: of the permutations.
    """
    people, row = np.unique(np.concatenate([sided.train.subject, sided.test.subject]), return_inverse=True)
    true = np.full(len(people), -1)
    true[row] = sided.labels
    known = np.flatnonzero(true >= 0)
    test = np.concatenate([asked for _, asked in sided.places])
    rng = np.random.default_rng(seed)
    found: dict[str, list[float]] = {name: [] for name in _PERMUTED if name in sided.values}
    for _ in range(runs):
        labels = true.copy()
        labels[known] = true[rng.permutation(known)]
        labels = labels[row]
        positive, asked = labels[test] > 0, labels[test] >= 0
        for name, aucs in found.items():
            settings = CSF_SETTINGS if name == CSF else {}
            answers = regressions(sided.values[name], labels, sided.places, settings, (ANY_DEMENTIA,))
            scores = answers[ANY_DEMENTIA.name]
            if scores is not None:
                own = np.arange(int(asked.sum()))
                drawn = np.ones((1, len(own)))
                aucs.append(float(areas(positive[asked], 1 - scores[asked, 0], own, drawn)[0][0]))
    return {name: _permuted(aucs) for name, aucs in found.items() if np.isfinite(aucs).any()}


def _permuted(aucs: list[float]) -> Permuted:
    low, high = np.nanpercentile(aucs, [2.5, 97.5])
    return Permuted(len(aucs), {AUC: Estimate(float(np.nanmean(aucs)), float(low), float(high))})
