"""From a model's answers for slices to one answer a person, by whatever rule the model comes with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.rule import Measured, Measures
from alzedge.metrics.bootstrap import Floats
from alzedge.model_file.read_write import Record
from alzedge.stages import STAGES

# Readings of one scan of a person, and the person's name, to the answer. A rule that was cross-fitted chooses by the name.
PersonRule = Callable[[Readings, str], Measured]

_UNKNOWN = (np.nan, np.nan, np.nan)


@dataclass(frozen=True, eq=False)
class PersonAnswers:
    """Answers for P people.

    Attributes:
        probabilities: float64 (P, 4).
        brain_volume, age: float64 (P, 3), value and ends of the 90 % interval; NaN where the rule gives none.
        stage_set: bool (P, 4), True for the stages in the conformal set; None where the rule gives none.
    """

    probabilities: Floats
    brain_volume: Floats
    age: Floats
    stage_set: NDArray[np.bool_] | None


def mean_over_slices(readings: Readings, person: str = "") -> Measured:
    """The mean over the slices, without intervals: the rule of a model that comes without one."""
    volume, age = (None if one is None else float(np.mean(one)) for one in (readings.brain_volume, readings.age))
    return Measured(
        readings.probabilities.mean(axis=0),
        None if volume is None else BrainVolume(volume, *_UNKNOWN[1:]),
        None if age is None else ApparentAge(age, *_UNKNOWN[1:]),
        None,
    )


def rule_of(record: Record) -> PersonRule:
    """The rule in a model file's record, or else the mean.

    Raises:
        UserError: the record's entry is damaged; see `alzedge.inference.measures.rule.Measures.read`.
    """
    measures = Measures.read(record)
    return mean_over_slices if measures is None else lambda readings, person: measures.person(readings)


def answer_people(
    readings: Readings, slices: Sequence[NDArray[np.intp]], names: NDArray[np.str_], rule: PersonRule
) -> PersonAnswers:
    """Answer for each of P people.

    Args:
        readings: of N slices.
        slices: of each person the places of at least one slice.
        names: str (P,).
        rule: see `PersonRule`.
    """
    answers = [rule(readings.take(places), str(name)) for places, name in zip(slices, names, strict=True)]
    volumes, ages = [answer.brain_volume for answer in answers], [answer.apparent_age for answer in answers]
    sets = [answer.stage_set for answer in answers]
    held = [[stage in (one or ()) for stage in range(len(STAGES))] for one in sets]
    return PersonAnswers(
        np.array([answer.probabilities for answer in answers], np.float64).reshape(-1, len(STAGES)),
        _ends(volumes),
        _ends(ages),
        np.array(held, bool) if sets and all(one is not None for one in sets) else None,
    )


def _ends(values: Sequence[BrainVolume | ApparentAge | None]) -> Floats:
    ends = [_UNKNOWN if one is None else (one.value, one.low, one.high) for one in values]
    return np.array(ends, np.float64).reshape(-1, 3)
