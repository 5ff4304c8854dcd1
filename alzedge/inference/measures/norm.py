"""The normative curve: brain volume over age for people without dementia, with its percentiles.

nWBV at an age is taken as normal: its mean is a cubic in age plus an offset for sex, the logarithm of its standard
deviation a line in age (the LMS method of Cole and Green 1992, doi 10.1002/sim.4780111005, without skewness).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from alzedge.inference.measures.entry import Floats, read_numbers, short, wrong
from alzedge.model_file.record_entries import count, entry_of

PERCENTILES = (3, 10, 25, 50, 75, 90, 97)
SEXES = ("F", "M")
# Ages are counted in 30 years from 60: coefficients of like size.
_CENTRE, _UNIT = 60.0, 30.0


@dataclass(frozen=True, eq=False)
class NormativeCurve:
    """Brain volume over age.

    Attributes:
        ages: lowest and highest age of the people behind it.
        people: how many.
        mean: float64 (k,), polynomial of the mean, lowest power first, in (age - 60) / 30.
        log_deviation: float64 (k,), polynomial of the standard deviation's logarithm.
        offsets: added to the mean for 'F' and for 'M'; 0 on average over the people.
    """

    ages: tuple[float, float]
    people: int
    mean: Floats
    log_deviation: Floats
    offsets: tuple[float, float]

    def percentile(self, brain_volume: float, age: float | None, sex: str | None = None) -> float | None:
        """Share in per cent of people without dementia of this age, and sex, who have a smaller brain.

        Args:
            brain_volume: nWBV.
            age: years; None gives None, and so does an age that the curve does not reach.
            sex: 'F', 'M' or None.
        """
        if age is None or not self.ages[0] <= age <= self.ages[1]:
            return None
        centre, deviation = self._at(np.array([age]), sex)
        return 50 * (1 + math.erf((brain_volume - float(centre[0])) / float(deviation[0]) / math.sqrt(2)))

    def curve(self, percentile: float, ages: Floats, sex: str | None = None) -> Floats:
        """Brain volume at a percentile, above 0 and below 100, over ages in years, float64 (N,)."""
        from statistics import NormalDist  # imported by pictures alone

        centre, deviation = self._at(np.asarray(ages, np.float64), sex)
        return centre + NormalDist().inv_cdf(percentile / 100) * deviation

    def _at(self, ages: Floats, sex: str | None) -> tuple[Floats, Floats]:
        unit = unit_age(ages)
        offset = self.offsets[SEXES.index(sex)] if sex in SEXES else 0.0
        centre, logarithm = (_polynomial(one, unit) for one in (self.mean, self.log_deviation))
        return centre + offset, np.exp(logarithm)

    def to_dict(self) -> dict[str, Any]:
        """As written into model files."""
        lists = {name: short(getattr(self, name)) for name in ("ages", "mean", "log_deviation", "offsets")}
        return lists | {"people": self.people}

    @classmethod
    def read(cls, entry: Any) -> "NormativeCurve":
        """Read `to_dict`; UserError for anything else."""
        low, high = read_numbers(entry, "ages", 2).tolist()
        female, male = read_numbers(entry, "offsets", 2).tolist()
        people = count(entry_of(entry, "people"))
        if people is None or not low < high:
            raise wrong("norm", "two ages and a number of people")
        return cls(
            (low, high), people, read_numbers(entry, "mean"), read_numbers(entry, "log_deviation"), (female, male)
        )


def unit_age(ages: Floats) -> Floats:
    """Ages as the curve's polynomials take them."""
    unit: Floats = (ages - _CENTRE) / _UNIT
    return unit


def _polynomial(coefficients: Floats, at: Floats) -> Floats:
    value: Floats = (coefficients * at[:, np.newaxis] ** np.arange(len(coefficients))).sum(axis=1)
    return value
