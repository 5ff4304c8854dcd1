"""Two samples of people compared: permutation tests, correction for several features, sizes of effects."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PERMUTATIONS = 9_999
_SEED = 0
# Permutations reckoned at once; 10,000 people take 20 MB then.
_AT_ONCE = 500


@dataclass(frozen=True)
class Effect:
    """Size of a difference between a reference and a new sample.

    Attributes:
        shift: difference of the means, new less reference, in standard deviations of the reference.
        delta: Cliff's delta, the share of pairs in which the new value is higher less that in which it is lower (Cliff 1993,
            Psychological Bulletin 114:494).
        spread: the new standard deviation as a multiple of the reference's.
    """

    shift: float
    delta: float
    spread: float

    @property
    def word(self) -> str:
        """Size of Cliff's delta in a word, by the limits of Romano et al. 2006: 0.147, 0.33 and 0.474."""
        limits = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"))
        return next((word for limit, word in limits if abs(self.delta) < limit), "large")


def permutation_p(reference: Floats, new: Floats) -> float:
    """P value of the two-sample Cramér-von Mises statistic under permutations of people.

    The statistic (Anderson 1962, Annals of Mathematical Statistics 33:1148) adds up squared differences of the two
    distribution functions, so it sees changes of place, spread and form. Of 9,999 permutations and the data themselves the
    share that differs as much, never 0 (Phipson and Smyth 2010).

    Args:
        reference, new: (n,) and (m,), without NaN; a value for each person.
    """
    pooled = np.concatenate([reference, new])
    order = np.argsort(pooled, kind="stable")
    ends = np.searchsorted(pooled[order], pooled[order], side="right") - 1  # the last of each group of equal values
    if ends[0] == len(ends) - 1:  # everybody has the same value
        return 1.0
    # Without equal values the permutations' statistics depend on the numbers of people alone.
    untied = np.array_equal(ends, np.arange(len(ends)))
    null = _null(len(reference), len(new)) if untied else _permuted(len(reference), len(new), ends)
    observed = _statistics((order >= len(reference))[np.newaxis], ends)[0]
    return float((1 + (null >= observed * (1 - 1e-9)).sum()) / (1 + len(null)))


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """P values corrected for their number, so that a false alarm in any of them stays as rare as in one (Holm 1979)."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(values, key=values.__getitem__)):
        largest = max(largest, min(1.0, (len(values) - rank) * values[name]))
        adjusted[name] = largest
    return adjusted


def effect(reference: Floats, new: Floats) -> Effect:
    """Size of the difference between two samples of at least two people.

    Args:
        reference, new: (n,) and (m,), without NaN.
    """
    below = np.searchsorted(np.sort(reference), new, side="left").sum()
    above = len(reference) * len(new) - np.searchsorted(np.sort(reference), new, side="right").sum()
    delta = float(below - above) / (len(reference) * len(new))
    spread, own = float(reference.std(ddof=1)), float(new.std(ddof=1))
    shift = float(new.mean() - reference.mean())
    if spread == 0:
        return Effect(0.0 if shift == 0 else float(np.copysign(np.inf, shift)), delta, 1.0 if own == 0 else np.inf)
    return Effect(shift / spread, delta, own / spread)


def detectable_shift(people: int, new: int, features: int, level: float) -> float:
    """Shift of a mean, in standard deviations, that so many people show four times in five; by the normal distribution.

    Args:
        people, new: numbers of people in the two samples.
        features: so many are corrected for.
        level: of false alarms.
    """
    normal = NormalDist()
    needed = normal.inv_cdf(1 - level / features / 2) + normal.inv_cdf(0.8)
    return float(needed * np.sqrt(1 / people + 1 / new))


@lru_cache(maxsize=32)
def _null(people: int, new: int) -> Floats:
    return _permuted(people, new, np.arange(people + new))


def _permuted(people: int, new: int, ends: NDArray[np.intp]) -> Floats:
    """Statistics of random choices of the new people among all, float64 (9999,)."""
    rng = np.random.default_rng(_SEED)
    parts = []
    for start in range(0, PERMUTATIONS, _AT_ONCE):
        labels = np.zeros((min(_AT_ONCE, PERMUTATIONS - start), people + new), bool)
        labels[:, :new] = True
        parts.append(_statistics(rng.permuted(labels, axis=1), ends))
    return np.concatenate(parts)


def _statistics(labels: NDArray[np.bool_], ends: NDArray[np.intp]) -> Floats:
    """Cramér-von Mises statistic of each row of labels; `ends` are places at which the distributions are compared."""
    size, new = labels.shape[1], int(labels[0].sum())
    counts = labels.cumsum(axis=1, dtype=np.float32)
    ranks = np.arange(1, size + 1, dtype=np.float32)
    difference = counts / np.float32(new) - (ranks - counts) / np.float32(size - new)
    squares: Floats = (difference[:, ends].astype(np.float64) ** 2).sum(axis=1)
    return squares * new * (size - new) / size**2
