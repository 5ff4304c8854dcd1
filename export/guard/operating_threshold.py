"""The operating threshold: from how much probability on one says "any dementia", and what that costs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from alzedge.data.dataset import DataSet
from alzedge.metrics.classification import sensitivity_specificity
from alzedge.metrics.estimate import figures_to_json


def operating_threshold(
    train: NDArray[np.float32], test: NDArray[np.float32], trained: DataSet, tested: DataSet
) -> dict[str, Any]:
    """Choose the threshold on the training side and measure it on the test side, or on other data.

    It is the one of highest Youden's J, sensitivity + specificity - 1 (Youden 1950), for any
    dementia against none, per person where people are known; people of unknown stage have no part in it.

    Args:
        train: probabilities (N, 4) for the training side, from the Keras student: one threshold for all its formats.
        test: probabilities (M, 4) for the test side, from the exported file.
        trained, tested: slices of the training side, and those of the test side.

    Returns:
        `task`, `score`, `level` ('person' or 'slice'), `chosen_on`, `value`, and, measured on the
        test side, `sensitivity` and `specificity`, each with its 95 % interval or None.
    """
    score, positive = _scores(train, trained)
    false, true, thresholds = roc_curve(positive, score)
    best = int(np.argmax(true - false))
    value = float(min(thresholds[best], 1.0))  # scikit-learn's first threshold is infinite
    score, positive = _scores(test, tested)
    return {
        "task": "any dementia",
        "score": "1 - probability of NonDemented",
        "level": "person" if trained.subjects_known else "slice",
        "chosen_on": "training side, highest Youden's J, with the Keras student",
        "value": value,
        **figures_to_json(sensitivity_specificity(score >= value, positive)),
    }


def _scores(probabilities: NDArray[np.float32], side: DataSet) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    known = np.flatnonzero(side.labels >= 0)
    side, score = side.take(known), 1 - probabilities[known, 0].astype(np.float64)
    if not side.subjects_known:
        return score, side.labels > 0
    _, first, person = np.unique(side.subject, return_index=True, return_inverse=True)
    return np.bincount(person, score) / np.bincount(person), side.labels[first] > 0
