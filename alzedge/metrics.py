"""What a model is worth on labelled slices, per slice and per person, with intervals.

Tasks besides the four stages: any dementia against none, and CDR >= 1 against CDR 0
(very mild left out), the two that the number of people allows. Two people carry the
moderate class of the Kaggle set, so no figure here stands on that class alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, recall_score, roc_auc_score

from alzedge.errors import UserError
from alzedge.stages import CDR, STAGES

_REPLICATES = 200
_Figure = Callable[[NDArray[np.float64], NDArray[np.int64]], float | None]


def evaluate(
    probabilities: NDArray[np.floating[Any]],
    labels: NDArray[np.int64],
    subject: NDArray[np.str_] | None,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures of one model on one test set.

    Args:
        probabilities: (N, 4), rows sum to 1.
        labels: int64 (N,), index into `STAGES`.
        subject: str (N,), or None when people are unknown.
        seed: of the bootstrap.

    Returns:
        `slice` and, where people are known, `person` (mean probability over a person's
        slices): for each the number `n`, `confusion` (true stages down, answers across) and
        the figures `accuracy`, `balanced_accuracy`, `macro_auc`, `any_dementia_auc` and
        `cdr1_auc`, each `{value, low, high}`. The interval is the 95 % percentile bootstrap
        over people (over slices when people are unknown). A figure is None where its
        classes are absent.

    Raises:
        UserError: a probability is not a number.
    """
    scores = np.asarray(probabilities, np.float64)
    if not np.isfinite(scores).all():
        raise UserError("The model answers NaN for some images, so no figure can be given; train or export it again.")
    if subject is None:
        groups = [np.array([i]) for i in range(len(labels))]
        return {"slice": _level(scores, labels, groups, seed)}
    people, first, inverse = np.unique(subject, return_index=True, return_inverse=True)
    groups = [np.flatnonzero(inverse == k) for k in range(len(people))]
    means = np.stack([scores[group].mean(axis=0) for group in groups])
    alone = [np.array([k]) for k in range(len(people))]
    return {
        "slice": _level(scores, labels, groups, seed),
        "person": _level(means, labels[first], alone, seed),
    }


def _level(
    scores: NDArray[np.float64], labels: NDArray[np.int64], groups: list[NDArray[np.intp]], seed: int
) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    drawn = [
        np.concatenate([groups[k] for k in rng.integers(len(groups), size=len(groups))]) for _ in range(_REPLICATES)
    ]
    confusion = confusion_matrix(labels, scores.argmax(axis=1), labels=range(len(STAGES)))
    figures = {name: _with_interval(figure, scores, labels, drawn) for name, figure in _FIGURES.items()}
    return {"n": len(labels), **figures, "confusion": confusion.tolist()}


def _with_interval(
    figure: _Figure, scores: NDArray[np.float64], labels: NDArray[np.int64], drawn: list[NDArray[np.intp]]
) -> dict[str, float] | None:
    value = figure(scores, labels)
    if value is None:
        return None
    replicates = [r for index in drawn if (r := figure(scores[index], labels[index])) is not None]
    low, high = np.percentile(replicates, [2.5, 97.5])
    return {"value": float(value), "low": float(low), "high": float(high)}


def _accuracy(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    return float(accuracy_score(labels, scores.argmax(axis=1)))


def _balanced_accuracy(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    present = np.unique(labels)
    return float(recall_score(labels, scores.argmax(axis=1), labels=present, average="macro", zero_division=0))


def _auc(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, scores))


def _macro_auc(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """Mean one-against-rest AUC of the stages that occur."""
    each = [_auc(labels == k, scores[:, k]) for k in np.unique(labels)]
    return None if None in each else float(np.mean(each))  # type: ignore[arg-type]


def _any_dementia_auc(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    return _auc(labels > 0, 1 - scores[:, 0])


def _cdr1_auc(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    rating = np.array(CDR)
    chosen = (rating[labels] == 0) | (rating[labels] >= 1)
    return _auc(rating[labels[chosen]] >= 1, scores[chosen][:, rating >= 1].sum(axis=1))


_FIGURES: dict[str, _Figure] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "macro_auc": _macro_auc,
    "any_dementia_auc": _any_dementia_auc,
    "cdr1_auc": _cdr1_auc,
}
