"""Answers for single slices, each as if it were all that is known of its person; many at a time.

A slice lies in one group of levels, so its covariances and their solutions are the group's and worked out once. The
numbers are those of `Measures.person` for one slice, bit for bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alzedge.inference.measures.discriminant import Discriminant
from alzedge.inference.measures.entry import Floats
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.regression import Regression, extra_variance
from alzedge.inference.measures.rule import Measured, Measures, PersonRule, check_evidence

_ONE = np.ones(1)


@dataclass(frozen=True)
class _Quantity:
    """A `Regression` for one slice of one group."""

    weight: float
    intercept: float
    prior: float
    precision: float
    half: float

    @classmethod
    def of(cls, rule: Regression, at: int, usual: Floats) -> "_Quantity":
        errors = rule.covariance[at : at + 1, at : at + 1] + extra_variance(rule.within[at : at + 1], _ONE, usual)
        slope = rule.slope[at : at + 1]
        weight = np.linalg.solve(errors, slope)
        precision = float(slope @ weight) + 1 / rule.variance
        half = rule.factor[0] * precision**-0.5
        return cls(float(weight[0]), float(rule.intercept[at]), rule.mean / rule.variance, precision, half)

    def interval(self, output: float) -> tuple[float, float, float]:
        value = (self.weight * (output - self.intercept) + self.prior) / self.precision
        return value, value - self.half, value + self.half


@dataclass(frozen=True, eq=False)
class _Dementia:
    """A `Discriminant` for one slice of one group."""

    rule: Discriminant
    weights: Floats
    middle: Floats

    @classmethod
    def of(cls, rule: Discriminant, at: int, usual: Floats) -> "_Dementia":
        features = rule.without.shape[1]
        own = slice(at * features, (at + 1) * features)
        extra = extra_variance(rule.within[at : at + 1], _ONE, usual).ravel()
        without, with_ = rule.without[at], rule.with_[at]
        weights = np.linalg.solve(rule.covariance[own, own] + np.diag(extra), with_ - without)
        return cls(rule, weights, (with_ + without) / 2)

    def stages(self, evidence: Floats, shares: Floats) -> Floats:
        """See `Discriminant.stages`; from evidence (N, F)."""
        # One by one: a matrix product may add up in another order.
        ratios = np.array([float(one @ self.weights) for one in evidence - self.middle])
        return self.rule.stages(ratios, shares)


class SingleSlices:
    """A file's rule for slices one by one.

    Args:
        measures: the rule.
    """

    def __init__(self, measures: Measures) -> None:
        self._measures = measures
        self._quantities: dict[tuple[int, int, str], _Quantity] = {}
        self._dementias: dict[tuple[int, int], _Dementia] = {}

    def __call__(self, readings: Readings, age: float | None = None, sex: str | None = None) -> list[Measured]:
        """Answer for each slice by itself; without a stage set, which is of persons.

        Args:
            readings: of N slices.
            age, sex: see `Measures.person`.

        Raises:
            UserError: the rule for any dementia weighs brain volumes and the student gives none.
        """
        answers: dict[int, Measured] = {}
        for rule, at, rows in self._measures.rules_of_each(readings.height):
            own = readings if len(rows) == len(readings) else readings.take(rows)
            answers.update(zip(rows.tolist(), self._by(rule, at, own, age, sex), strict=True))
        return [answers[row] for row in range(len(readings))]

    def _by(self, rule: PersonRule, at: int, readings: Readings, age: float | None, sex: str | None) -> list[Measured]:
        volumes: Sequence[BrainVolume | None] = [None] * len(readings)
        ages: Sequence[ApparentAge | None] = [None] * len(readings)
        if rule.brain_volume and readings.brain_volume is not None:
            known = self._quantity(rule, at, "brain_volume", rule.brain_volume)
            volumes = [self._volume(known.interval(output), age, sex) for output in readings.brain_volume.tolist()]
        if rule.age and readings.age is not None:
            known = self._quantity(rule, at, "age", rule.age)
            ages = [ApparentAge(*(max(x, 0.0) for x in known.interval(output))) for output in readings.age.tolist()]
        stages = self._stages(rule, at, readings)
        return [Measured(*one, None) for one in zip(stages, volumes, ages, strict=True)]

    def _stages(self, rule: PersonRule, at: int, readings: Readings) -> Floats:
        if rule.any_dementia is None:
            return readings.probabilities
        evidence = readings.evidence()
        check_evidence(evidence, rule.any_dementia)
        key = id(rule), at
        if key not in self._dementias:
            self._dementias[key] = _Dementia.of(rule.any_dementia, at, rule.usual[at : at + 1])
        features = rule.any_dementia.without.shape[1]
        return self._dementias[key].stages(evidence[:, :features], self._measures.stage_shares)

    def _quantity(self, rule: PersonRule, at: int, name: str, regression: Regression) -> _Quantity:
        key = id(rule), at, name
        if key not in self._quantities:
            self._quantities[key] = _Quantity.of(regression, at, rule.usual[at : at + 1])
        return self._quantities[key]

    def _volume(self, interval: tuple[float, float, float], age: float | None, sex: str | None) -> BrainVolume:
        value, low, high = (min(max(x, 0.0), 1.0) for x in interval)
        norm = self._measures.norm
        return BrainVolume(value, low, high, None if norm is None else norm.percentile(value, age, sex))
