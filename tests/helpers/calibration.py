"""Expected calibration error, word by word."""

import numpy as np


def calibration_error(p: np.ndarray, y: np.ndarray, bins: int = 15) -> float:
    """Guo et al. 2017, equation 3: probabilities (N, classes) against labels (N,)."""
    confidence, right, error = p.max(axis=1), p.argmax(axis=1) == y, 0.0
    for m in range(bins):
        inside = (confidence > m / bins) & (confidence <= (m + 1) / bins)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return error
