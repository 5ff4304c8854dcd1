"""What a model is worth on labelled slices, per slice and per person, with intervals.

Tasks besides the four stages: any dementia against none, and CDR >= 1 against CDR 0
(very mild left out), the two that the number of people allows. Two people carry the
moderate class of the Kaggle set, so no figure here stands on that class alone.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from alzedge.errors import UserError
from alzedge.stages import CDR, STAGES

_REPLICATES = 1000
_Floats = NDArray[np.float64]


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
    return {name: _level(*level, seed) for name, level in _levels(probabilities, labels, subject).items()}


def compare(
    before: NDArray[np.floating[Any]],
    after: NDArray[np.floating[Any]],
    labels: NDArray[np.int64],
    subject: NDArray[np.str_] | None,
    seed: int = 0,
) -> dict[str, Any]:
    """What a change to a model costs, on the same slices.

    Args:
        before, after: (N, 4), rows sum to 1.
        labels, subject, seed: see `evaluate`.

    Returns:
        `slice` and, where people are known, `person`: for each figure of `evaluate` `before`,
        `after` and `loss`, before minus after, as `{value, low, high}`. Both are weighted alike in
        each bootstrap replicate, so the interval is of the difference. None as in `evaluate`.

    Raises:
        UserError: a probability is not a number.
    """
    levels = zip(_levels(before, labels, subject).items(), _levels(after, labels, subject).values(), strict=True)
    return {name: _losses(old, new, seed) for (name, old), new in levels}


def sensitivity_specificity(answers: NDArray[np.bool_], truth: NDArray[np.bool_], seed: int = 0) -> dict[str, Any]:
    """Share of the positive found, and of the negative left alone.

    Args:
        answers, truth: bool (N,), one a person (a slice when people are unknown).
        seed: of the bootstrap.

    Returns:
        `sensitivity` and `specificity`, each `{value, low, high}`, or None where there is no one to measure on.
    """
    weights = _bootstrap_weights(np.arange(len(truth)), seed)
    return {
        "sensitivity": _with_interval(_ratio(weights @ (answers & truth), weights @ truth)),
        "specificity": _with_interval(_ratio(weights @ (~answers & ~truth), weights @ ~truth)),
    }


def _levels(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64], subject: NDArray[np.str_] | None
) -> dict[str, tuple[_Floats, NDArray[np.int64], NDArray[np.intp]]]:
    """Scores, labels and whom each row belongs to, by level."""
    scores = np.asarray(probabilities, np.float64)
    if not np.isfinite(scores).all():
        raise UserError("The model answers NaN for some images, so no figure can be given; train or export it again.")
    if subject is None:
        return {"slice": (scores, labels, np.arange(len(labels)))}
    people, first, person = np.unique(subject, return_index=True, return_inverse=True)
    means = np.stack([scores[person == k].mean(axis=0) for k in range(len(people))])
    return {"slice": (scores, labels, person), "person": (means, labels[first], np.arange(len(people)))}


def _losses(before: Any, after: Any, seed: int) -> dict[str, Any]:
    weights = _bootstrap_weights(before[2], seed)
    old, new = (_figures(scores, labels, weights) for scores, labels, _ in (before, after))
    losses = {name: _with_interval(old[name] - new[name]) for name in old}
    return {
        name: loss and {"before": float(old[name][0]), "after": float(new[name][0]), "loss": loss}
        for name, loss in losses.items()
    }


def _level(scores: _Floats, labels: NDArray[np.int64], person: NDArray[np.intp], seed: int) -> dict[str, Any]:
    confusion = confusion_matrix(labels, scores.argmax(axis=1), labels=range(len(STAGES)))
    found = _figures(scores, labels, _bootstrap_weights(person, seed))
    intervals = {name: _with_interval(values) for name, values in found.items()}
    return {"n": len(labels), **intervals, "confusion": confusion.tolist()}


def _bootstrap_weights(person: NDArray[np.intp], seed: int) -> _Floats:
    """How often each row counts (1 + replicates, N): once in the first replicate, then as people are drawn."""
    people = int(person.max()) + 1
    drawn = np.random.default_rng(seed).integers(people, size=(_REPLICATES, people))
    times = np.stack([np.ones(people), *(np.bincount(row, minlength=people) for row in drawn)])
    weights: _Floats = times[:, person]
    return weights


def _with_interval(values: _Floats) -> dict[str, float] | None:
    if np.isnan(values[0]):
        return None
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return {"value": float(values[0]), "low": float(low), "high": float(high)}


def _figures(scores: _Floats, labels: NDArray[np.int64], weights: _Floats) -> dict[str, _Floats]:
    """Each figure (R,) under each of R weightings (R, N); NaN where its classes are absent.

    scikit-learn takes one weighting at a time and would need minutes for all replicates;
    the tests hold these figures to scikit-learn's.
    """
    rating = np.array(CDR)[labels]
    severe = (rating == 0) | (rating >= 1)
    from_cdr1 = scores[:, np.array(CDR) >= 1].sum(axis=1)
    correct = scores.argmax(axis=1) == labels
    each = [labels == k for k in range(len(STAGES))]
    return {
        "accuracy": _ratio(weights @ correct, weights.sum(axis=1)),
        "balanced_accuracy": _mean_of_present([_ratio(weights @ (of & correct), weights @ of) for of in each]),
        "macro_auc": _mean_of_present([_auc(of, scores[:, k], weights) for k, of in enumerate(each)]),
        "any_dementia_auc": _auc(labels > 0, 1 - scores[:, 0], weights),
        "cdr1_auc": _auc(rating[severe] >= 1, from_cdr1[severe], weights[:, severe]),
    }


def _auc(positive: NDArray[np.bool_], scores: _Floats, weights: _Floats) -> _Floats:
    """Area under the ROC curve: the weighted share of pairs in the right order, ties counting half."""
    if not len(scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(scores)
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))  # where each distinct score begins
    of_positive = np.add.reduceat(weights[:, order] * positive[order], starts, axis=1)
    of_negative = np.add.reduceat(weights[:, order] * ~positive[order], starts, axis=1)
    below = np.cumsum(of_negative, axis=1) - of_negative / 2
    return _ratio((of_positive * below).sum(axis=1), of_positive.sum(axis=1) * of_negative.sum(axis=1))


def _ratio(numerator: _Floats, denominator: _Floats) -> _Floats:
    ratio: _Floats = np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
    return ratio


def _mean_of_present(by_class: list[_Floats]) -> _Floats:
    """Mean over the classes that occur under each weighting."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no class at all: NaN is the answer
        mean: _Floats = np.nanmean(by_class, axis=0)
    return mean
