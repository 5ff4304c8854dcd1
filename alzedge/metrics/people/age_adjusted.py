"""Area under the ROC curve adjusted for age: people with dementia compared with people of similar age without.

The covariate-adjusted ROC curve of Janes and Pepe 2009 ("Adjusting for covariate effects on classification accuracy using
the covariate-adjusted receiver operating characteristic curve", Biometrika 96:371, doi 10.1093/biomet/asp002): a case's
placement value is taken among controls of the same age. Scores are set free of their linear trend with age among controls,
as in that paper's semiparametric estimator; what the line leaves is taken care of by weighting controls with a kernel on
age, as in Rodríguez-Álvarez, Roca-Pardiñas and Cadarso-Suárez 2011 (Stat Comput 21:483).
"""

import numpy as np
from numpy.typing import NDArray

from alzedge.metrics.bootstrap import Floats, ratio

# Standard deviation of the Gaussian kernel, in years.
BANDWIDTH = 5.0
# Kernel-weighted controls that a case needs to be compared.
_LEAST_CONTROLS = 1.0
_TIED = 1e-9  # residuals that differ by rounding alone
_AT_ONCE = 32  # resamples


def age_adjusted_auc(positive: NDArray[np.bool_], scores: Floats, age: Floats, weights: Floats) -> Floats:
    """Mean over the cases of the share of controls of similar age that score lower for their age, ties counting half.

    A score that follows age alone gets 0.5, however different the ages of the two sides are. Cases for whom there are no
    controls of similar age are left out, in each resample anew; so is the trend fitted anew.

    Args:
        positive: bool (P,).
        scores: (P,), higher for positive.
        age: (P,), years; who has NaN is left out.
        weights: (R, P), how often each person counts.

    Returns:
        (R,), NaN where nobody can be compared.
    """
    known = np.isfinite(age)
    case, control = np.flatnonzero(positive & known), np.flatnonzero(~positive & known)
    older = age[case, np.newaxis] - age[control]
    higher = scores[case, np.newaxis] - scores[control]
    nearness = np.exp(-0.5 * (older / BANDWIDTH) ** 2)
    counts = weights[:, control]
    slope = _slope(age[control], scores[control], counts * nearness.sum(axis=0))
    there = counts @ nearness.T  # (R, cases)
    lower = np.empty_like(there)
    for start in range(0, len(counts), _AT_ONCE):
        block = slice(start, start + _AT_ONCE)
        excess = higher - slope[block, np.newaxis, np.newaxis] * older  # (resamples, cases, controls)
        won = np.where(excess > _TIED, nearness, np.where(excess < -_TIED, 0, nearness / 2))
        lower[block] = (won @ counts[block, :, np.newaxis])[..., 0]
    comparable = weights[:, case] * (there >= _LEAST_CONTROLS)
    placement = np.divide(lower, there, out=np.zeros_like(lower), where=there > 0)
    return ratio((placement * comparable).sum(axis=1), comparable.sum(axis=1))


def _slope(age: Floats, scores: Floats, weights: Floats) -> Floats:
    """Slope of the weighted least-squares line of scores over age, (R,); 0 where all ages are one."""
    total = weights.sum(axis=1)
    x, y, xx, xy = (ratio(weights @ values, total) for values in (age, scores, age**2, age * scores))
    return np.nan_to_num(ratio(xy - x * y, np.where(xx - x**2 > _TIED, xx - x**2, 0)))
