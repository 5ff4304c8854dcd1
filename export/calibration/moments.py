"""Weighted moments of arrays with gaps, covariances shrunk until they can be inverted, and weighted quantiles."""

import numpy as np

from alzedge.inference.measures.entry import Floats

# Least eigenvalue of a correlation matrix: survives the rounding of the numbers in a model file.
_LEAST_EIGENVALUE = 0.01
_LEAST_VARIANCE = 1e-9


def weighted_mean(values: Floats, weight: Floats) -> Floats:
    """Mean of each column, (N, k) -> (k,), over the rows where it is not NaN."""
    known = np.isfinite(values)
    mean: Floats = (weight @ np.where(known, values, 0)) / np.maximum(weight @ known, 1e-12)
    return mean


def shrunk_covariance(errors: Floats, weight: Floats, shrink: float, common: bool) -> Floats:
    """Covariance of columns with mean 0, its correlations shrunk towards their mean or towards 0.

    Towards their mean: Ledoit and Wolf 2004 (doi 10.3905/jpm.2004.110); towards 0: regularised discriminant analysis
    of Friedman 1989 (doi 10.1080/01621459.1989.10478752), on standardised columns. Two columns that no row has both of
    get what is shrunk to.

    Args:
        errors: float64 (N, k), NaN where a row has none.
        weight: float64 (N,).
        shrink: weight of what is shrunk to, 0 to 1.
        common: to the mean correlation, for columns of one kind; otherwise to 0.

    Returns:
        float64 (k, k), positive definite.
    """
    known = np.isfinite(errors).astype(np.float64)
    filled = np.where(known > 0, errors, 0)
    together = known.T @ (weight[:, np.newaxis] * known)
    products = filled.T @ (weight[:, np.newaxis] * filled)
    deviation = np.sqrt(np.maximum(np.diag(products) / np.maximum(np.diag(together), 1e-12), _LEAST_VARIANCE))
    seen = together > 0
    correlation = np.where(seen, products / np.where(seen, together, 1), 0) / np.outer(deviation, deviation)
    pairs = seen & ~np.eye(len(deviation), dtype=bool)
    target = correlation[pairs].mean() if common and pairs.any() else 0.0
    mixed = np.where(seen, (1 - shrink) * correlation + shrink * target, target)
    np.fill_diagonal(mixed, 1)
    covariance: Floats = _invertible(mixed) * np.outer(deviation, deviation)
    return covariance


def weighted_quantile(values: Floats, weight: Floats, level: float) -> float:
    """Conformal quantile: the smallest value at or below which lies `level` of the people and one person more.

    With equal weights of 1 it is the ceil((n + 1) level)-th smallest (Vovk et al. 2005); infinite where they are
    too few.

    Args:
        values: float64 (N,).
        weight: float64 (N,), people that each stands for.
        level: 0 to 1.
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) >= level * (weight.sum() + 1) - 1e-9
    return float(values[order][np.argmax(reached)]) if reached.any() else float("inf")


def _invertible(correlation: Floats) -> Floats:
    """The correlation matrix with its eigenvalues lifted; pairs with gaps may give negative ones."""
    values, vectors = np.linalg.eigh(correlation)
    if values[0] >= _LEAST_EIGENVALUE:
        return correlation
    lifted = (vectors * np.maximum(values, _LEAST_EIGENVALUE)) @ vectors.T
    scale = np.sqrt(np.diag(lifted))
    scaled: Floats = lifted / np.outer(scale, scale)
    return scaled
