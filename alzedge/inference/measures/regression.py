"""A measured quantity from a person's slices: each group of levels tells it with an offset, a gain and an error.

The mean x_g of a student's outputs over the slices of group g is taken as x_g = a_g + b_g y + e_g, where y is the
truth and the errors e are normal with covariance E between groups. With a normal prior of y, mean m and variance v, the
posterior has the precision q = b' E^-1 b + 1/v and the mean (b' E^-1 (x - a) + m/v) / q, for whichever groups there are:
Bayesian linear regression, Bishop 2006, "Pattern Recognition and Machine Learning", equations 2.116 and 2.117.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alzedge.inference.measures.entry import (
    Floats,
    read_covariance,
    read_number,
    read_numbers,
    short,
    short_covariance,
)


@dataclass(frozen=True, eq=False)
class Regression:
    """A quantity's rule for G groups of levels.

    Attributes:
        intercept, slope: float64 (G,), a and b.
        covariance: float64 (G, G), of the errors of means over as many slices as people had when it was fitted.
        within: float64 (G,), variance of a slice around its group's mean.
        mean, variance: of the prior, the people it was fitted on.
        factor: standard deviations in half of a 90 % interval, for one slice and for several.
    """

    intercept: Floats
    slope: Floats
    covariance: Floats
    within: Floats
    mean: float
    variance: float
    factor: tuple[float, float]

    def posterior(self, means: Floats, count: Floats, usual: Floats) -> tuple[float, float]:
        """Mean and standard deviation of the quantity.

        Args:
            means: float64 (G,), of the outputs over each group's slices.
            count: float64 (G,), slices in each group; a group without any is left out.
            usual: float64 (G,), slices that people had in each group when the rule was fitted.
        """
        seen = count > 0
        slope = self.slope[seen]
        errors = self.covariance[np.ix_(seen, seen)] + np.diag(extra_variance(self.within, count, usual)[seen])
        weights = np.linalg.solve(errors, slope)
        precision = float(slope @ weights) + 1 / self.variance
        told = float(weights @ (means[seen] - self.intercept[seen])) + self.mean / self.variance
        return told / precision, precision**-0.5

    def interval(self, means: Floats, count: Floats, usual: Floats) -> tuple[float, float, float]:
        """The quantity and its 90 % interval: value, low, high; see `posterior`."""
        value, deviation = self.posterior(means, count, usual)
        half = self.factor[int(count.sum() > 1)] * deviation
        return value, value - half, value + half

    def to_dict(self) -> dict[str, Any]:
        """As written into model files."""
        lists = {name: short(getattr(self, name)) for name in ("intercept", "slope", "within", "factor")}
        mean, variance = short((self.mean, self.variance))
        return lists | {"covariance": short_covariance(self.covariance), "mean": mean, "variance": variance}

    @classmethod
    def read(cls, entry: Any, groups: int) -> "Regression":
        """Read `to_dict`; UserError for anything else."""
        one, several = read_numbers(entry, "factor", 2, above=0).tolist()
        return cls(
            intercept=read_numbers(entry, "intercept", groups),
            slope=read_numbers(entry, "slope", groups),
            covariance=read_covariance(entry, "covariance", groups),
            within=read_numbers(entry, "within", groups).clip(0),
            mean=read_number(entry, "mean"),
            variance=read_number(entry, "variance", above=0),
            factor=(one, several),
        )


def extra_variance(within: Floats, count: Floats, usual: Floats) -> Floats:
    """Variance that a group's mean has because it is over fewer slices than usual, float64 (G, ...)."""
    fewer = np.clip(1 / np.maximum(count, 1) - 1 / usual, 0, None)
    extra: Floats = within * (fewer if within.ndim == 1 else fewer[:, np.newaxis])
    return extra
