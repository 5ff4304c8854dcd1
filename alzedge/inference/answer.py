"""Answers of a model: for one slice, for one person, and for all that was asked at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from alzedge.inference.measures.operating_point import AnyDementia
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.rule import Measures
from alzedge.stages import STAGES


@dataclass(frozen=True)
class Answer:
    """The model's answer for one slice, or for one person.

    Attributes:
        probabilities: of the stages, by name; None when refused. From a file that carries the rule of
            `alzedge.inference.measures` they are calibrated for a person of whom these slices are known.
        refused: the sentence why there is no answer; None when there is one.
        unlikeness: the guard's distance as a multiple of its threshold, above 1 is refused;
            None when the file carries no guard, and for a person.
        threshold: the file's operating threshold on the score for any dementia; None where it carries none.
        brain_volume, apparent_age: measured; None when refused, or where the file measures nothing.
        stage_set: stages that cannot be ruled out, a conformal set of 90 % coverage over people; None for a slice of
            unknown company, when refused, or where the file carries no calibration for it. An empty set abstains.
        readings: of one slice, the network's own outputs before any rule; None for a person and when refused.
    """

    probabilities: dict[str, float] | None
    refused: str | None = None
    unlikeness: float | None = None
    threshold: float | None = None
    brain_volume: BrainVolume | None = None
    apparent_age: ApparentAge | None = None
    stage_set: tuple[str, ...] | None = None
    readings: Readings | None = field(default=None, repr=False, compare=False)

    @property
    def any_dementia(self) -> AnyDementia | None:
        """The score for any dementia at the operating point; None when refused."""
        return AnyDementia(1 - self.probabilities[STAGES[0]], self.threshold) if self.probabilities else None

    @cached_property
    def stage(self) -> str | None:
        """The most probable stage; None when refused."""
        return max(self.probabilities, key=self.probabilities.__getitem__) if self.probabilities else None


@dataclass(frozen=True)
class Prediction:
    """Answers to one question.

    Attributes:
        slices: one per slice, in order.
        person: of all slices together that were not refused; see `together`.
    """

    slices: tuple[Answer, ...]
    person: Answer


def together(
    answers: Sequence[Answer], measures: Measures | None = None, age: float | None = None, sex: str | None = None
) -> Answer:
    """The answer for a person, from the slices that were not refused.

    Args:
        answers: of the person's slices.
        measures: the file's rule; without one the answer is the mean of the slices' probabilities.
        age, sex: years, and 'F' or 'M', for the percentile of the brain volume; None where unknown.
    """
    threshold = answers[0].threshold if answers else None
    given = [answer for answer in answers if answer.probabilities is not None]
    if not given:
        return Answer(None, "no slice looks like an axial brain MRI slice as the model knows them", None, threshold)
    readings = [answer.readings for answer in given if answer.readings is not None]
    if measures is not None and len(readings) == len(given):
        return measured(measures, Readings.join(readings), threshold, age=age, sex=sex)
    shares = [answer.probabilities for answer in given if answer.probabilities is not None]
    return Answer({stage: float(np.mean([one[stage] for one in shares])) for stage in shares[0]}, None, None, threshold)


def measured(
    measures: Measures,
    readings: Readings,
    threshold: float | None,
    unlikeness: float | None = None,
    age: float | None = None,
    sex: str | None = None,
) -> Answer:
    """The answer by the file's rule for a person of whom some slices were read; see `together`."""
    person = measures.person(readings, age, sex)
    return Answer(
        dict(zip(STAGES, person.probabilities.tolist(), strict=True)),
        None,
        unlikeness,
        threshold,
        person.brain_volume,
        person.apparent_age,
        None if person.stage_set is None else tuple(STAGES[stage] for stage in person.stage_set),
    )
