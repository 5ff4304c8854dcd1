"""Every figure of one level under all resamples at once; see `alzedge.metrics.evaluation` for the figures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.metrics.auc import areas
from alzedge.metrics.bootstrap import REPLICATES, Floats, draw_people, mean_of_defined, ratio
from alzedge.metrics.calibration import BINS, confidence_bin
from alzedge.metrics.evaluation import BY_CLASS, TEACHER
from alzedge.metrics.tasks import TASKS, Task, normalised

# Half a step of an int8 output, where 0 stands for anything smaller: logarithms look no lower, for all models alike.
PROBABILITY_FLOOR = 2.0**-9
# A class that fewer people carry has no figure or curve of its own.
MIN_PEOPLE = 5

# By task (or `TEACHER`) and figure, each (1 + replicates,): the figure itself, then that of each resample.
Resamples = dict[tuple[str, ...], Floats]


@dataclass(frozen=True, eq=False)
class Level:
    """Answers and truth of slices, or of people.

    Attributes:
        probabilities: float64 (N, 4).
        labels: int64 (N,), index into `STAGES`.
        person: int (N,), number of the person of each row; the row itself where people are unknown.
        people_known: True when `person` is a person.
        teacher: float64 (N, 4), the teacher's answers, or None.
    """

    probabilities: Floats
    labels: NDArray[np.int64]
    person: NDArray[np.intp]
    people_known: bool
    teacher: Floats | None = None

    def people_of(self, task: Task) -> list[int]:
        """Number of people (rows, where people are unknown) of each class."""
        labels = task.labels(self.labels)
        return [len(np.unique(self.person[labels == k])) for k in range(len(task.classes))]

    def claimed(self, task: Task) -> list[bool]:
        """For each class, True when enough people carry it for a figure of its own."""
        least = MIN_PEOPLE if self.people_known else 1
        return [people >= least for people in self.people_of(task)]


def resample(level: Level, seed: int, replicates: int = REPLICATES) -> Resamples:
    """Compute every figure under every resample."""
    weights = draw_people(int(level.person.max()) + 1, seed, replicates)
    resamples: Resamples = {}
    for task in TASKS:
        resamples |= {(task.name, *name): values for name, values in _task_figures(task, level, weights).items()}
    if level.teacher is not None:
        same = level.probabilities.argmax(axis=1) == level.teacher.argmax(axis=1)
        ours, theirs = (np.log(_floored(scores)) for scores in (level.probabilities, level.teacher))
        divergence = (np.exp(theirs) * (theirs - ours)).sum(axis=1)
        resamples[TEACHER, "agreement"] = _mean(same, level.person, weights)
        resamples[TEACHER, "kl"] = _mean(divergence, level.person, weights)
    return resamples


def _task_figures(task: Task, level: Level, weights: Floats) -> Resamples:
    chosen = task.labels(level.labels) >= 0
    labels, person = task.labels(level.labels)[chosen], level.person[chosen]
    scores = task.scores(level.probabilities[chosen])
    return (
        _decisions(task, labels, scores, person, weights)
        | confidences(labels, scores, person, weights)
        | (_rankings(task, labels, scores, person, weights))
    )


def _decisions(
    task: Task, labels: NDArray[np.int64], scores: Floats, person: NDArray[np.intp], weights: Floats
) -> Resamples:
    """Figures of the confusion matrix of each resample."""
    count = len(task.classes)
    cells = np.bincount(
        (person * count + labels) * count + scores.argmax(axis=1), minlength=weights.shape[1] * count * count
    )
    confusion = (weights @ cells.reshape(weights.shape[1], -1)).reshape(-1, count, count)
    right, truth, answers = np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=2), confusion.sum(axis=1)
    total = truth.sum(axis=1)
    recall = ratio(right, truth)
    rest = total[:, np.newaxis] - truth
    specificity = ratio(rest - (answers - right), rest)
    f1 = np.where(truth > 0, ratio(2 * right, truth + answers), np.nan)
    resamples: Resamples = {
        ("accuracy",): ratio(right.sum(axis=1), total),
        ("balanced_accuracy",): mean_of_defined(recall),
        ("macro_f1",): mean_of_defined(f1),
        ("weighted_f1",): ratio(np.nansum(f1 * truth, axis=1), total),
    }
    for place, k in _places(task):
        resamples[*place, "sensitivity"], resamples[*place, "specificity"] = recall[:, k], specificity[:, k]
    return resamples


def confidences(labels: NDArray[np.int64], scores: Floats, person: NDArray[np.intp], weights: Floats) -> Resamples:
    """Calibration (see `alzedge.metrics.calibration`), Brier score (Brier 1950), and log loss as scikit-learn has it."""
    probabilities = normalised(scores)
    confidence = probabilities.max(axis=1, initial=0)
    excess = (probabilities.argmax(axis=1) == labels) - confidence
    by_bin = np.bincount(person * BINS + confidence_bin(confidence), excess, weights.shape[1] * BINS)
    truth = np.eye(scores.shape[1])[labels]
    squares = ((probabilities - truth) ** 2).sum(axis=1) / (2 if scores.shape[1] == 2 else 1)
    surprise = -np.log(_floored(probabilities)[np.arange(len(labels)), labels])
    return {
        ("ece",): ratio(np.abs(weights @ by_bin.reshape(-1, BINS)).sum(axis=1), _mass(person, weights)),
        ("brier",): _mean(squares, person, weights),
        ("log_loss",): _mean(surprise, person, weights),
    }


def _rankings(
    task: Task, labels: NDArray[np.int64], scores: Floats, person: NDArray[np.intp], weights: Floats
) -> Resamples:
    """Areas under the curves of each class against the rest, and their means."""
    if task.binary:
        roc, precision = areas(labels == 1, scores[:, 1], person, weights)
        return {("roc_auc",): roc, ("pr_auc",): precision}
    each = [areas(labels == k, scores[:, k], person, weights) for k in range(len(task.classes))]
    truth = labels[:, np.newaxis] == np.arange(len(task.classes))
    roc, precision = areas(truth.ravel(), scores.ravel(), np.repeat(person, len(task.classes)), weights)
    resamples: Resamples = {
        ("macro_roc_auc",): mean_of_defined(np.stack([of for of, _ in each], axis=1)),
        ("micro_roc_auc",): roc,
        ("macro_pr_auc",): mean_of_defined(np.stack([of for _, of in each], axis=1)),
        ("micro_pr_auc",): precision,
    }
    for place, k in _places(task):
        resamples[*place, "roc_auc"], resamples[*place, "pr_auc"] = each[k]
    return resamples


def _places(task: Task) -> list[tuple[tuple[str, ...], int]]:
    """Path to the figures of one class against the rest, and the number of that class."""
    return [((), 1)] if task.binary else [((BY_CLASS, name), k) for k, name in enumerate(task.classes)]


def _mass(person: NDArray[np.intp], weights: Floats) -> Floats:
    """Number of rows in each resample."""
    mass: Floats = weights @ np.bincount(person, minlength=weights.shape[1])
    return mass


def _mean(values: NDArray[np.float64] | NDArray[np.bool_], person: NDArray[np.intp], weights: Floats) -> Floats:
    return ratio(weights @ np.bincount(person, values, weights.shape[1]), _mass(person, weights))


def _floored(probabilities: Floats) -> Floats:
    """At least `PROBABILITY_FLOOR` each, and adding up to 1 again."""
    return normalised(np.maximum(probabilities, PROBABILITY_FLOOR))
