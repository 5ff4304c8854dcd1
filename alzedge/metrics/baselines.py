"""Baselines with intervals: methods that train no network, on more slices than memory holds.

The nearest neighbour only finds the same person again, and a chain of them finds everybody who is on both sides; the
histogram knows brightness; the share of cerebrospinal fluid (CSF), the dark pixels of the brain, grows with atrophy. The
last two fit one logistic regression for each task.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.imaging.filters.csf import csf_shares
from alzedge.metrics.bootstrap import REPLICATES
from alzedge.metrics.classification import evaluate, mean_by_person
from alzedge.metrics.estimate import Figures
from alzedge.metrics.evaluation import LevelFigures, TaskDetails, task_to_json
from alzedge.metrics.nearest_neighbour import EVERY, chained_neighbours, nearest
from alzedge.metrics.tasks import STAGES4, TASKS, Task
from alzedge.stages import STAGES

_BINS = 64
_COMPONENTS = 10
# Of the logistic regression on shares of CSF.
CSF_SETTINGS = {"C": 0.1, "class_weight": "balanced"}
CSF = "fluid"  # the method's name in `audit.json`
METHODS = {
    "nearest_neighbour": "1-nearest neighbour on shrunken pixels",
    "chain": "chain of nearest neighbours over the test slices",
    "histogram": "64-bin histogram + logistic regression",
    CSF: "share of CSF + logistic regression",
}
# Train and test sides, as numbers of images.
Sides = list[tuple[NDArray[np.intp], NDArray[np.intp]]]
# Probabilities (rows, 4).
Answers = NDArray[np.float64]
Tasks = tuple[Task, ...]


@dataclass(frozen=True, eq=False)
class Features:
    """Inputs of the baselines for N slices, 2.4 KB each.

    Attributes:
        pixels: uint8 (N, 52, 44), every fourth pixel of every fourth row.
        histogram: uint16 (N, 64), number of pixels by brightness.
        csf: float32 (N, 2), share of the brain's pixels with value 6 to 34, and 6 to 59.
    """

    pixels: NDArray[np.uint8]
    histogram: NDArray[np.uint16]
    csf: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class People:
    """Labels and people of N slices.

    Attributes:
        labels: int64 (N,), index into `STAGES`; -1 where the stage is unknown: such slices neither train nor test.
        subject: str (N,), or None when people are unknown.
        slice: int64 (N,), position in the volume; 0 when unknown.
    """

    labels: NDArray[np.int64]
    subject: NDArray[np.str_] | None
    slice: NDArray[np.int64]


def features_of(images: NDArray[np.uint8]) -> Features:
    """Compute the features of slices, uint8 (N, 208, 176)."""
    bins = images.reshape(len(images), -1) // (256 // _BINS)
    histogram = np.stack([np.bincount(row, minlength=_BINS) for row in bins]).astype(np.uint16)
    return Features(images[:, ::EVERY, ::EVERY].copy(), histogram, csf_shares(images))


def join_features(parts: list[Features]) -> Features:
    """Join features in the order of the parts."""
    names = ("pixels", "histogram", "csf")
    return Features(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class BaselineFigures:
    """Figures of one method on one test set.

    Attributes:
        per: 'slice' or 'person', what the method answers for.
        tasks: by name of the task the figures of each level there is, 'slice' and 'person'; None where a training side
            lacks one of the task's classes.
    """

    per: str
    tasks: dict[str, dict[str, tuple[Figures, TaskDetails]] | None]

    def to_json(self) -> dict[str, Any]:
        """As `audit.json` holds it, tasks beside `per`."""
        tasks: dict[str, dict[str, Any] | None] = dict.fromkeys(self.tasks)
        for name, levels in self.tasks.items():
            if levels is not None:
                tasks[name] = {level: task_to_json(*figures) for level, figures in levels.items()}
        return {"per": self.per, **tasks}


def baseline_figures(
    features: Features, people: People, sides: Sides, seed: int = 0, replicates: int = REPLICATES
) -> dict[str, BaselineFigures]:
    """Measure each method of `METHODS`, with intervals.

    The CSF of a person who is on one side with all slices, each at the same places as everybody else's, is one vector
    over the places (principal components 10); otherwise each slice is answered on its own.

    Args:
        features, people: of the same N slices.
        sides: of one split, or of folds, whose answers are pooled.
        seed, replicates: of the bootstrap over people, over slices when they are unknown.

    Returns:
        By method.
    """
    sides = [(train[people.labels[train] >= 0], test[people.labels[test] >= 0]) for train, test in sides]
    rows = np.concatenate([test for _, test in sides])
    bootstrap = (seed, replicates)
    pixels, labels, tasks = features.pixels, people.labels, [task.name for task in TASKS]
    alone = [labels[train[nearest(pixels[train], pixels[test])]] for train, test in sides]
    chained = [chained_neighbours(pixels[train], labels[train], pixels[test]) for train, test in sides]
    shares = features.histogram / features.histogram.sum(axis=1, keepdims=True)
    answers: dict[str, dict[str, Answers | None]] = {
        "nearest_neighbour": dict.fromkeys(tasks, np.eye(len(STAGES))[np.concatenate(alone)]),
        "chain": dict.fromkeys(tasks, np.eye(len(STAGES))[np.concatenate(chained)]),
        "histogram": regressions(shares, labels, sides, {}),
    }
    subject = None if people.subject is None else people.subject[rows]
    return {
        method: BaselineFigures("slice", _figures(by_task, labels[rows], subject, bootstrap))
        for method, by_task in answers.items()
    } | {CSF: _csf_figures(features.csf, people, sides, bootstrap)}


def _csf_figures(csf: NDArray[np.float32], people: People, sides: Sides, bootstrap: tuple[int, int]) -> BaselineFigures:
    whole = _volumes(people, sides)
    if whole is None:
        rows = np.concatenate([test for _, test in sides])
        subject = None if people.subject is None else people.subject[rows]
        answered = regressions(csf, people.labels, sides, CSF_SETTINGS)
        return BaselineFigures("slice", _figures(answered, people.labels[rows], subject, bootstrap))
    order, of_people = whole
    count = len(order)
    labels = people.labels[order[:, 0]]
    answered = regressions(csf[order].reshape(count, -1), labels, of_people, CSF_SETTINGS)
    rows = np.concatenate([test for _, test in of_people])
    names = np.arange(count).astype(str)
    return BaselineFigures("person", _figures(answered, labels[rows], names[rows], bootstrap))


def _volumes(people: People, sides: Sides) -> tuple[NDArray[np.intp], Sides] | None:
    """Slices of each person in order (people, places), and the sides in people; None where they cannot be compared."""
    if people.subject is None:
        return None
    names, person, counts = np.unique(people.subject, return_inverse=True, return_counts=True)
    order = np.lexsort((people.slice, person))
    if counts.min() < 2 or counts.min() != counts.max() or people.slice.min() < 1:
        return None
    by_person = order.reshape(len(names), -1)
    if (people.slice[by_person] != people.slice[by_person[0]]).any():
        return None
    of_people = [(np.unique(person[train]), np.unique(person[test])) for train, test in sides]
    if any(len(np.intersect1d(train, test)) for train, test in of_people):
        return None
    return by_person, of_people


def regressions(
    values: NDArray[Any], labels: NDArray[np.int64], sides: Sides, settings: Mapping[str, Any], tasks: Tasks = TASKS
) -> dict[str, Answers | None]:
    """Answers (rows, 4) of one logistic regression for each task, on the test sides one after the other.

    Missing values (NaN) become the training side's median; with `settings` the features become 10 principal components.
    """
    from sklearn.decomposition import PCA
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    impute = [SimpleImputer(strategy="median")] if np.isnan(values).any() else []
    answered: dict[str, Answers | None] = {}
    for task in tasks:
        classes = task.labels(labels)
        parts = []
        for train, test in sides:
            known = train[classes[train] >= 0]
            if len(np.unique(classes[known])) < len(task.groups):
                break
            steps: list[Any] = [*impute, StandardScaler()]
            if settings:
                steps.append(PCA(min(_COMPONENTS, values.shape[1], len(known)), random_state=0))
            model = make_pipeline(*steps, LogisticRegression(solver="newton-cholesky", **settings))
            model.fit(values[known], classes[known])
            parts.append(_as_stages(model.predict_proba(values[test]), task.groups))
        answered[task.name] = np.concatenate(parts) if len(parts) == len(sides) else None
    return answered


def _as_stages(probabilities: Answers, groups: tuple[tuple[int, ...], ...]) -> Answers:
    """Probabilities of a task's classes as probabilities of stages that add up to them: (rows, 4)."""
    spread = np.zeros((len(probabilities), len(STAGES)))
    for index, group in enumerate(groups):
        spread[:, list(group)] = probabilities[:, [index]] / len(group)
    return spread


def _figures(
    answered: dict[str, Answers | None],
    labels: NDArray[np.int64],
    subject: NDArray[np.str_] | None,
    bootstrap: tuple[int, int],
) -> dict[str, dict[str, tuple[Figures, TaskDetails]] | None]:
    seed, replicates = bootstrap
    levels: dict[int, dict[str, LevelFigures]] = {}
    for answers in answered.values():
        if answers is None or id(answers) in levels:
            continue
        # Of a task of its own a person's answer is enough, and a hundredth of the work of all slices'.
        if subject is None or answers is answered[STAGES4.name]:
            evaluation = evaluate(answers, labels, subject, seed, replicates=replicates)
            levels[id(answers)] = evaluation.levels
        else:
            levels[id(answers)] = {"person": _by_person(answers, labels, subject, seed, replicates)}
    return {
        name: None
        if answers is None
        else {
            level: (level_figures.tasks[name], level_figures.details[name])
            for level, level_figures in levels[id(answers)].items()
        }
        for name, answers in answered.items()
    }


def _by_person(
    answers: Answers, labels: NDArray[np.int64], subject: NDArray[np.str_], seed: int, replicates: int
) -> LevelFigures:
    """Figures per person alone."""
    names, first, person = np.unique(subject, return_index=True, return_inverse=True)
    level = evaluate(mean_by_person(answers, person), labels[first], names, seed, replicates=replicates).person
    assert level is not None  # the people are known
    return level
