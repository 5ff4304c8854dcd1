"""Drift: people that came in compared with those of a reference, feature by feature, over people and not over slices."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.monitoring.measure import Measured
from alzedge.monitoring.permutation import Effect, detectable_shift, effect, holm, permutation_p
from alzedge.monitoring.quantities import BY_HEIGHT, NUMBERS, WATCHED
from alzedge.monitoring.statistics import Reference

Floats = NDArray[np.float64]
# Share of comparisons of people who do not differ that may raise an alarm.
LEVEL = 0.05
# Fewer people than these show only what anybody would see.
MIN_PEOPLE = 20


@dataclass(frozen=True)
class FeatureDrift:
    """One feature compared.

    Attributes:
        people, new: numbers of people with a value.
        mean, new_mean, spread, new_spread: means and standard deviations of the reference and of the new people.
        p: of the permutation test.
        adjusted: the same corrected for the number of features.
        effect: size of the difference.
    """

    people: int
    new: int
    mean: float
    new_mean: float
    spread: float
    new_spread: float
    p: float
    adjusted: float
    effect: Effect

    @property
    def drifted(self) -> bool:
        """True where the difference is no accident."""
        return self.adjusted < LEVEL


@dataclass(frozen=True)
class Drift:
    """A comparison.

    Attributes:
        reference: its name.
        people, new: numbers of people.
        features: by name, the least probable first.
        left_out: why a feature is not compared, by name.
        detectable: shift of a mean, in standard deviations, that so many people show four times in five.
    """

    reference: str
    people: int
    new: int
    features: Mapping[str, FeatureDrift]
    left_out: Mapping[str, str]
    detectable: float

    @property
    def drifted(self) -> tuple[str, ...]:
        """Names of the features that have drifted."""
        return tuple(name for name, feature in self.features.items() if feature.drifted)

    def to_json(self) -> dict[str, Any]:
        """As written for programs."""
        features = {
            name: {**asdict(feature), "effect": {**asdict(feature.effect), "size": feature.effect.word}}
            | {"drifted": feature.drifted}
            for name, feature in self.features.items()
        }
        numbers = {"reference_people": self.people, "new_people": self.new, "level": LEVEL}
        return {
            "reference": self.reference,
            **numbers,
            "drifted": list(self.drifted),
            "detectable_shift": self.detectable,
            "features": _finite(features),
            "left_out": dict(self.left_out),
        }


def find_drift(reference: Reference, new: Measured) -> Drift:
    """Compare new people with those of a reference.

    Args:
        reference: statistics over people.
        new: people of a log.

    Raises:
        UserError: too few people on either side, people unknown, or answers of another model.
    """
    if reference.people is None or new.people is None:
        raise UserError(
            f"{reference.name}: statistics over slices only, as nobody knows the people; use data that names them."
        )
    if reference.model is not None and new.model is not None and reference.model != new.model:
        raise UserError(
            f"{new.name}: a log of another model ({new.model[:12]}) than the reference's ({reference.model[:12]}); make the "
            "statistics again with `alzedge stats --model`."
        )
    for name, count in ((reference.name, reference.people.count), (new.name, len(new.people))):
        if count < MIN_PEOPLE:
            raise UserError(f"{name}: {count} people are too few to tell drift from accident; {MIN_PEOPLE} are needed.")
    values = {name: one.quantiles for name, one in reference.people.numbers.items() if name in WATCHED}
    return compare(
        reference.name, values, {name: new.people.numbers[name] for name in WATCHED if name in new.people.numbers}
    )


def compare(name: str, reference: Mapping[str, Floats], new: Mapping[str, Floats]) -> Drift:
    """Compare columns of numbers, a value for each person; NaN is unknown.

    Args:
        name: of the reference.
        reference, new: by name of the feature, (n,) and (m,).
    """
    pairs, left_out = _pairs(reference, new)
    p = {feature: permutation_p(*pair) for feature, pair in pairs.items()}
    adjusted = holm(p)
    features = {
        feature: _one(*pairs[feature], p[feature], adjusted[feature])
        for feature in sorted(p, key=lambda one: (p[one], -_size(*pairs[one])))
    }
    people, came = (max((len(values) for values in side.values()), default=0) for side in (reference, new))
    detectable = detectable_shift(people, came, len(p), LEVEL) if p else float("nan")
    return Drift(name, people, came, features, left_out, detectable)


def _pairs(
    reference: Mapping[str, Floats], new: Mapping[str, Floats]
) -> tuple[dict[str, tuple[Floats, Floats]], dict[str, str]]:
    """Features that both sides have for enough people, and why the others are left out."""
    known = [{name: values[~np.isnan(values)] for name, values in side.items()} for side in (reference, new)]
    with_height = ["height" in side and len(side["height"]) > 0 for side in known]
    pairs, left_out = {}, {}
    for name in WATCHED:
        one, other = (side.get(name, np.empty(0)) for side in known)
        if name in BY_HEIGHT and with_height[0] != with_height[1] and len(one) and len(other):
            left_out[name] = (
                "heights are known of one side's slices only, and the model answers by another rule with them; make the reference "
                "from a log with `alzedge stats LOG`"
            )
        elif min(len(one), len(other)) >= MIN_PEOPLE:
            pairs[name] = (one, other)
        elif len(one) or len(other):
            left_out[name] = f"known of {len(one)} and {len(other)} people, {MIN_PEOPLE} are needed"
    return pairs, left_out


def _one(reference: Floats, new: Floats, p: float, adjusted: float) -> FeatureDrift:
    means, spreads = ([float(f(side)) for side in (reference, new)] for f in (np.mean, lambda x: np.std(x, ddof=1)))
    return FeatureDrift(len(reference), len(new), *means, *spreads, p, adjusted, effect(reference, new))


def _size(reference: Floats, new: Floats) -> float:
    return abs(effect(reference, new).shift)


def _finite(value: Any) -> Any:
    """JSON knows no infinity: an effect against a reference without any spread has no number."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value


def heading(name: str) -> str:
    """Title and unit of a feature."""
    return NUMBERS[name].heading
