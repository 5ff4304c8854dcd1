"""Areas under ROC and precision-recall curves under a thousand weightings at once.

scikit-learn takes one weighting at a time and would need minutes; the tests hold these
figures to scikit-learn's `roc_auc_score` and `average_precision_score`.
"""

import numpy as np
from numpy.typing import NDArray

from alzedge.metrics.bootstrap import Floats, ratio

_AT_ONCE = 64  # weightings looked at together: few enough to stay near the processor


def areas(
    positive: NDArray[np.bool_], scores: Floats, person: NDArray[np.intp], weights: Floats
) -> tuple[Floats, Floats]:
    """Area under the ROC curve and average precision, each (R,), NaN where one of the two sides is absent.

    Args:
        positive: bool (N,).
        scores: (N,), higher for positive; ties count half in ROC and as one step in precision.
        person: int (N,), column of `weights` that each row belongs to.
        weights: (R, people).
    """
    if positive.all() or not positive.any():
        return np.full(len(weights), np.nan), np.full(len(weights), np.nan)
    true, false = (_Side(scores[side], person[side]) for side in (positive, ~positive))
    found = [_areas(true, false, weights[start : start + _AT_ONCE].T) for start in range(0, len(weights), _AT_ONCE)]
    return np.concatenate([roc for roc, _ in found]), np.concatenate([precision for _, precision in found])


class _Side:
    """The positive or the negative rows, highest score first."""

    def __init__(self, scores: Floats, person: NDArray[np.intp]) -> None:
        order = np.argsort(-scores, kind="stable")
        self.scores, self.person = scores[order], person[order]

    def masses(self, weights: Floats) -> Floats:
        """Weight (N + 1, R) of the highest 0, 1, ..., N rows."""
        sums = np.zeros((len(self.person) + 1, weights.shape[1]))
        np.cumsum(weights[self.person], axis=0, out=sums[1:])
        return sums

    def down_to(self, thresholds: Floats) -> NDArray[np.intp]:
        """How many rows score at least this, for each threshold."""
        return np.searchsorted(-self.scores, -thresholds, side="right")

    def above(self, thresholds: Floats) -> NDArray[np.intp]:
        """How many rows score more than this, for each threshold."""
        return np.searchsorted(-self.scores, -thresholds, side="left")


def _areas(positive: _Side, negative: _Side, weights: Floats) -> tuple[Floats, Floats]:
    """Both areas under weights (people, R): curves move only where a positive row is found."""
    thresholds = -np.unique(-positive.scores)
    true, false = positive.masses(weights), negative.masses(weights)
    up_to, tied = false[negative.down_to(thresholds)], false[negative.above(thresholds)]
    reached = true[positive.down_to(thresholds)]
    found = reached - true[positive.above(thresholds)]
    roc = ratio((found * (false[-1] - (up_to + tied) / 2)).sum(axis=0), true[-1] * false[-1])
    steps = reached + up_to
    precision = np.divide(reached, steps, out=np.zeros_like(steps), where=steps > 0)
    average = ratio((found * precision).sum(axis=0), true[-1])
    return roc, np.where(false[-1] > 0, average, np.nan)
