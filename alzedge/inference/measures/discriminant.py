"""Any dementia from a person's slices: a Gaussian discriminant over groups of levels, calibrated after Platt.

Linear discriminant analysis (Fisher 1936; Hastie et al. 2009, "The Elements of Statistical Learning", section 4.3)
works on whichever groups there are, since any part of a normal vector is normal. Its log likelihood ratio is mapped to a
probability by a logistic regression on people it was not fitted on (Platt 1999), and by another to that of mild or moderate
dementia, given any.
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
    wrong,
)
from alzedge.inference.measures.readings import logistic
from alzedge.inference.measures.regression import extra_variance
from alzedge.inference.measures.stage_sets import CLASSES, stages_of
from alzedge.model_file.record_entries import count as whole
from alzedge.model_file.record_entries import entry_of


@dataclass(frozen=True, eq=False)
class Discriminant:
    """Rule for any dementia from F features of G groups of levels; see `Readings.evidence`.

    Attributes:
        without, with_: float64 (G, F), means of people without and with any dementia.
        covariance: float64 (G F, G F), within both, features of a group side by side.
        within: float64 (G, F), variance of a slice around its group's mean.
        scale, offset: of the log likelihood ratio, to log odds of any dementia.
        beyond: float64 (2,), scale and offset likewise, to log odds of mild or moderate dementia among people with any.
        stage_limit: float64 (2, 3), conformal limits of the classes of stages for one slice and for several; see
            `stage_set`.
    """

    without: Floats
    with_: Floats
    covariance: Floats
    within: Floats
    scale: float
    offset: float
    beyond: Floats
    stage_limit: Floats

    def ratio(self, means: Floats, count: Floats, usual: Floats) -> float:
        """Log likelihood ratio of any dementia against none.

        Args:
            means: float64 (G, F), of the features over each group's slices.
            count, usual: see `Regression.posterior`.
        """
        seen = np.repeat(count > 0, means.shape[1])
        extra = extra_variance(self.within, count, usual).ravel()[seen]
        covariance = self.covariance[np.ix_(seen, seen)] + np.diag(extra)
        difference = (self.with_ - self.without).ravel()[seen]
        middle = (self.with_ + self.without).ravel()[seen] / 2
        return float((means.ravel()[seen] - middle) @ np.linalg.solve(covariance, difference))

    def stages(self, ratio: Floats, shares: Floats) -> Floats:
        """Calibrated probabilities of the stages, float64 (N, 4), by log likelihood ratios (N,); see `stages_of`."""
        any_dementia = logistic(self.scale * ratio + self.offset)
        return stages_of(any_dementia, logistic(self.beyond[0] * ratio + self.beyond[1]), shares)

    def to_dict(self) -> dict[str, Any]:
        """As written into model files; `features` is F."""
        scale, offset = short((self.scale, self.offset))
        return {
            "features": self.without.shape[1],
            "without": short(self.without),
            "with": short(self.with_),
            "covariance": short_covariance(self.covariance),
            "within": short(self.within),
            "scale": scale,
            "offset": offset,
            "beyond": short(self.beyond),
            "stage_limit": short(self.stage_limit),
        }

    @classmethod
    def read(cls, entry: Any, groups: int) -> "Discriminant":
        """Read `to_dict`; UserError for anything else."""
        features = whole(entry_of(entry, "features"))
        if features not in (1, 2):
            raise wrong("features", "1 or 2")
        shape = (groups, features)
        return cls(
            without=read_numbers(entry, "without", groups * features).reshape(shape),
            with_=read_numbers(entry, "with", groups * features).reshape(shape),
            covariance=read_covariance(entry, "covariance", groups * features),
            within=read_numbers(entry, "within", groups * features).reshape(shape).clip(0),
            scale=read_number(entry, "scale"),
            offset=read_number(entry, "offset"),
            beyond=read_numbers(entry, "beyond", 2),
            stage_limit=read_numbers(entry, "stage_limit", 2 * CLASSES).reshape(2, CLASSES),
        )
