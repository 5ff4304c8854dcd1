"""The bootstrap over people: who is drawn how often, and the interval that follows.

Slices of one person are alike, so people are drawn, each with all of their slices. The draws depend on
the number of people and the seed alone: all models, tasks and figures of one test set share them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

REPLICATES = 1000

Floats = NDArray[np.float64]


def draw_people(people: int, seed: int) -> Floats:
    """How often each person counts, (1 + `REPLICATES`, people): once in the first row, then as drawn."""
    drawn = np.random.default_rng(seed).integers(people, size=(REPLICATES, people))
    return np.stack([np.ones(people), *(np.bincount(row, minlength=people) for row in drawn)])


def with_interval(values: Floats) -> dict[str, Any] | None:
    """A figure of each resample as `value`, `low` and `high`, the 95 % percentile interval.

    Args:
        values: (1 + `REPLICATES`,), the figure itself first; NaN where a resample lacks its classes.

    Returns:
        None where the figure itself is NaN.
    """
    if np.isnan(values[0]):
        return None
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return {"value": float(values[0]), "low": float(low), "high": float(high)}


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Quotients; NaN where there is nothing to divide by."""
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    quotients: Floats = np.divide(numerator, denominator, out=out, where=denominator > 0)
    return quotients


def mean_of_defined(by_class: Floats) -> Floats:
    """Mean over the last axis of what is no NaN; NaN where nothing is."""
    defined = ~np.isnan(by_class)
    return ratio(np.where(defined, by_class, 0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))
