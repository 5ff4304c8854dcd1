"""Do probabilities mean what they say? Expected calibration error, and the temperature that mends it.

Guo et al. 2017, "On calibration of modern neural networks" (arXiv:1706.04599).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError

BINS = 15  # Guo et al.'s number

_LOWEST, _HIGHEST = 0.01, 100.0  # temperatures; beyond, every answer is certain or every answer is even


def expected_calibration_error(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64], bins: int = BINS
) -> float:
    """Mean distance between confidence and accuracy over equal-width bins of confidence (Guo et al., equation 3).

    Args:
        probabilities: (N, classes), rows sum to 1; the confidence is the largest of a row.
        labels: int64 (N,).
        bins: how many, of confidence 0 to 1.
    """
    confidence = np.asarray(probabilities, np.float64).max(axis=1)
    excess = (probabilities.argmax(axis=1) == labels) - confidence
    of_bin = np.bincount(confidence_bin(confidence, bins), excess, bins)
    return float(np.abs(of_bin).sum() / len(labels))


def confidence_bin(confidence: NDArray[np.float64], bins: int = BINS) -> NDArray[np.intp]:
    """Bin of each confidence, int (N,) from 0: bin m holds more than m/bins and at most (m + 1)/bins."""
    found: NDArray[np.intp] = (np.ceil(confidence * bins).astype(np.intp) - 1).clip(0, bins - 1)
    return found


def fit_temperature(
    logits: NDArray[np.floating[Any]], labels: NDArray[np.int64], weights: NDArray[np.floating[Any]] | None = None
) -> float:
    """The temperature T whose softmax(logits / T) has the lowest log loss (Guo et al., section 4.2).

    T divides all logits, so no answer changes, only its confidence. Fit it on slices that neither
    trained nor will judge the model.

    Args:
        logits: (N, classes); log-probabilities will do, they differ by a constant a row.
        labels: int64 (N,).
        weights: (N,), how much each row counts; None for equally.

    Raises:
        UserError: no rows, or a logit that is not a number.
    """
    given = np.asarray(logits, np.float64)
    if not len(given) or not np.isfinite(given).all():
        raise UserError("No temperature can be fitted to answers that are missing or NaN; train or export again.")
    counts = np.ones(len(given)) if weights is None else np.asarray(weights, np.float64)
    true = given[np.arange(len(given)), labels]

    def slope(log_temperature: float) -> float:
        """Of the log loss in 1/T, in which it is convex: mean logit under the softmax minus that of the truth."""
        scaled = given / np.exp(log_temperature)
        share = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        return float(counts @ ((share * given).sum(axis=1) - true))

    low, high = np.log(_LOWEST), np.log(_HIGHEST)
    for _ in range(60):  # halves the interval until it is smaller than a float64 can tell
        middle = (low + high) / 2
        low, high = (low, middle) if slope(middle) < 0 else (middle, high)
    return float(np.exp((low + high) / 2))
