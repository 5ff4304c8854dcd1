"""ROC and precision-recall curves and reliability, by scikit-learn, as numbers for `metrics.json` and pictures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from alzedge.metrics.bootstrap import REPLICATES, Floats, draw_people
from alzedge.metrics.calibration import BINS, confidence_bin
from alzedge.metrics.scores import Level
from alzedge.metrics.tasks import TASKS, Task, normalised

MICRO, MACRO = "micro", "macro"
_GRID = np.linspace(0, 1, 101)
_DIGITS = 5


@dataclass(frozen=True)
class Band:
    """95 % interval over people of a curve's y, at the places `x`."""

    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """ROC curve (x false, y true positive rate) or precision-recall curve (x recall, y precision)."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    band: Band | None = None

    def to_json(self) -> dict[str, list[float]]:
        """As `metrics.json` holds it."""
        band = self.band
        drawn = {} if band is None else {"band": list(band.x), "low": list(band.low), "high": list(band.high)}
        return {"x": list(self.x), "y": list(self.y), **drawn}


@dataclass(frozen=True)
class ConfidenceBin:
    """A bin of confidence that is not empty: its number of rows, mean confidence, and accuracy."""

    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class TaskCurves:
    """Curves of one task at one level.

    Attributes:
        roc, pr: by class that may be claimed, of two classes for the second alone, with a band; of several classes also
            `MICRO` and `MACRO`, the mean over the classes that occur. Empty where a class is absent.
        reliability: bins in the order of confidence.
    """

    roc: dict[str, Curve]
    pr: dict[str, Curve]
    reliability: tuple[ConfidenceBin, ...]

    def to_json(self) -> dict[str, Any]:
        """As `metrics.json` holds it."""
        return {
            "roc": {name: curve.to_json() for name, curve in self.roc.items()},
            "pr": {name: curve.to_json() for name, curve in self.pr.items()},
            "reliability": [asdict(entry) for entry in self.reliability],
        }


def curves(level: Level, seed: int, replicates: int = REPLICATES) -> dict[str, TaskCurves]:
    """Compute the curves of one level of one model, by name of the task.

    Args:
        level: answers and truth.
        seed, replicates: of the bootstrap over people.
    """
    by_task = {}
    weights = draw_people(int(level.person.max()) + 1, seed, replicates)[1:]
    for task in TASKS:
        labels = task.labels(level.labels)
        chosen = labels >= 0
        scores = task.scores(level.probabilities[chosen])
        if task.binary:
            roc, pr = _binary(task, labels[chosen], scores, level.person[chosen], weights)
        else:
            roc, pr = _several(task, labels[chosen], scores, level.claimed(task))
        by_task[task.name] = TaskCurves(roc, pr, reliability(normalised(scores), labels[chosen]))
    return by_task


def reliability(probabilities: Floats, labels: NDArray[np.int64]) -> tuple[ConfidenceBin, ...]:
    """Describe each bin of confidence that is not empty, see `alzedge.metrics.calibration`."""
    confidence = probabilities.max(axis=1, initial=0)
    right = probabilities.argmax(axis=1) == labels
    bins = confidence_bin(confidence)
    return tuple(
        ConfidenceBin(
            n=int((bins == b).sum()),
            confidence=round(float(confidence[bins == b].mean()), _DIGITS),
            accuracy=round(float(right[bins == b].mean()), _DIGITS),
        )
        for b in range(BINS)
        if (bins == b).any()
    )


def _binary(
    task: Task, labels: NDArray[np.int64], scores: Floats, person: NDArray[np.intp], weights: Floats
) -> tuple[dict[str, Curve], dict[str, Curve]]:
    positive, name = labels == 1, task.classes[1]
    if positive.all() or not positive.any():
        return {}, {}
    pair = _pair(positive, scores[:, 1])
    bands = _bands(positive, scores[:, 1], person, weights)
    roc, pr = (replace(curve, band=band) for curve, band in zip(pair, bands, strict=True))
    return {name: roc}, {name: pr}


def _several(
    task: Task, labels: NDArray[np.int64], scores: Floats, claimed: list[bool]
) -> tuple[dict[str, Curve], dict[str, Curve]]:
    occur = [k for k in range(len(task.classes)) if (labels == k).any() and not (labels == k).all()]
    if not occur:
        return {}, {}
    pairs = {k: _pair(labels == k, scores[:, k]) for k in occur}
    truth = labels[:, np.newaxis] == np.arange(len(task.classes))
    micro = _pair(truth.ravel(), scores.ravel())
    roc, pr = (
        {task.classes[k]: pair[i] for k, pair in pairs.items() if claimed[k]}
        | {MICRO: micro[i], MACRO: _mean([pair[i] for pair in pairs.values()])}
        for i in (0, 1)
    )
    return roc, pr


def _pair(positive: NDArray[np.bool_], scores: Floats) -> tuple[Curve, Curve]:
    false, true, _ = roc_curve(positive, scores)
    precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
    return _curve(false, true), _curve(recall[::-1], precision[::-1])


def _curve(x: Floats, y: Floats) -> Curve:
    return Curve(tuple(x.round(_DIGITS).tolist()), tuple(y.round(_DIGITS).tolist()))


def _mean(of_classes: list[Curve]) -> Curve:
    return _curve(_GRID, np.mean([np.interp(_GRID, curve.x, curve.y) for curve in of_classes], axis=0))


def _bands(positive: NDArray[np.bool_], scores: Floats, person: NDArray[np.intp], weights: Floats) -> tuple[Band, Band]:
    """95 % of the resampled ROC and precision-recall curves, at each x of a grid."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    of_positive, who = positive[order], person[order]
    roc, pr = [], []
    for times in weights:
        true = np.cumsum(times[who] * of_positive)[ends]
        every = np.cumsum(times[who])[ends]
        if not 0 < true[-1] < every[-1]:
            continue  # only one of the two classes was drawn
        drawn = every > 0
        recall, precision = true[drawn] / true[-1], true[drawn] / every[drawn]
        false = (every - true) / (every[-1] - true[-1])
        roc.append(np.interp(_GRID, np.append(0, false), np.append(0, true / true[-1])))
        pr.append(np.interp(_GRID, np.append(0, recall), np.append(precision[0], precision)))
    return _band(roc), _band(pr)


def _band(resampled: Sequence[Floats]) -> Band:
    low, high = np.percentile(resampled, [2.5, 97.5], axis=0).round(_DIGITS).tolist()
    return Band(tuple(_GRID.round(2).tolist()), tuple(low), tuple(high))
