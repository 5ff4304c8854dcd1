"""ROC and precision-recall curves and reliability, by scikit-learn, as numbers for `metrics.json` and pictures."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from alzedge.metrics.bootstrap import Floats, draw_people
from alzedge.metrics.calibration import BINS, confidence_bin
from alzedge.metrics.scores import Level
from alzedge.metrics.tasks import TASKS, Task, normalised

MICRO, MACRO = "micro", "macro"
_GRID = np.linspace(0, 1, 101)
_DIGITS = 5
Curve = dict[str, list[float]]


def curves(level: Level, seed: int) -> dict[str, Any]:
    """Curves of one level of one model.

    Returns:
        By task: `roc` (`x` false, `y` true positive rate) and `pr` (`x` recall, `y` precision), each by class that may be claimed, of two
        classes for the second alone, with `low` and `high` on a grid `band` of x, the 95 % interval of y over people;
        of several also `micro` and `macro`, the mean over the classes that occur. And `reliability`: of each bin
        of confidence that is not empty its number `n`, mean `confidence` and `accuracy`.
    """
    found: dict[str, Any] = {}
    weights = draw_people(int(level.person.max()) + 1, seed)[1:]
    for task in TASKS:
        labels = task.labels(level.labels)
        chosen = labels >= 0
        scores = task.scores(level.probabilities[chosen])
        if task.binary:
            found[task.name] = _binary(task, labels[chosen], scores, level.person[chosen], weights)
        else:
            found[task.name] = _several(task, labels[chosen], scores, level.claimed(task))
        found[task.name]["reliability"] = reliability(normalised(scores), labels[chosen])
    return found


def reliability(probabilities: Floats, labels: NDArray[np.int64]) -> list[dict[str, float]]:
    """Each bin of confidence that is not empty, see `alzedge.metrics.calibration`."""
    confidence = probabilities.max(axis=1, initial=0)
    right = probabilities.argmax(axis=1) == labels
    bins = confidence_bin(confidence)
    return [
        {
            "n": int((bins == b).sum()),
            "confidence": round(float(confidence[bins == b].mean()), _DIGITS),
            "accuracy": round(float(right[bins == b].mean()), _DIGITS),
        }
        for b in range(BINS)
        if (bins == b).any()
    ]


def _binary(
    task: Task, labels: NDArray[np.int64], scores: Floats, person: NDArray[np.intp], weights: Floats
) -> dict[str, Any]:
    positive, name = labels == 1, task.classes[1]
    if positive.all() or not positive.any():
        return {"roc": {}, "pr": {}}
    roc, pr = _pair(positive, scores[:, 1])
    bands = _bands(positive, scores[:, 1], person, weights)
    return {"roc": {name: roc | bands[0]}, "pr": {name: pr | bands[1]}}


def _several(task: Task, labels: NDArray[np.int64], scores: Floats, claimed: list[bool]) -> dict[str, Any]:
    occur = [k for k in range(len(task.classes)) if (labels == k).any() and not (labels == k).all()]
    if not occur:
        return {"roc": {}, "pr": {}}
    pairs = {k: _pair(labels == k, scores[:, k]) for k in occur}
    truth = labels[:, np.newaxis] == np.arange(len(task.classes))
    micro = _pair(truth.ravel(), scores.ravel())
    return {
        kind: {task.classes[k]: pair[i] for k, pair in pairs.items() if claimed[k]}
        | {MICRO: micro[i], MACRO: _mean([pair[i] for pair in pairs.values()])}
        for i, kind in enumerate(("roc", "pr"))
    }


def _pair(positive: NDArray[np.bool_], scores: Floats) -> tuple[Curve, Curve]:
    false, true, _ = roc_curve(positive, scores)
    precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
    return _curve(false, true), _curve(recall[::-1], precision[::-1])


def _curve(x: Floats, y: Floats) -> Curve:
    return {"x": x.round(_DIGITS).tolist(), "y": y.round(_DIGITS).tolist()}


def _mean(found: list[Curve]) -> Curve:
    return _curve(_GRID, np.mean([np.interp(_GRID, curve["x"], curve["y"]) for curve in found], axis=0))


def _bands(
    positive: NDArray[np.bool_], scores: Floats, person: NDArray[np.intp], weights: Floats
) -> tuple[dict[str, Any], dict[str, Any]]:
    """95 % of the resampled curves, at each x of a grid."""
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
    low_high = [np.percentile(found, [2.5, 97.5], axis=0).round(_DIGITS).tolist() for found in (roc, pr)]
    first, second = ({"band": _GRID.round(2).tolist(), "low": low, "high": high} for low, high in low_high)
    return first, second
