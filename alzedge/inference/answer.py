"""Answers of a model: for one slice, for one person, and for all that was asked at once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from alzedge.inference.measures.operating_point import AnyDementia
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.stages import STAGES


@dataclass(frozen=True)
class Answer:
    """The model's answer for one slice, or for one person.

    Attributes:
        probabilities: of the stages, by name; None when refused.
        refused: the sentence why there is no answer; None when there is one.
        unlikeness: the guard's distance as a multiple of its threshold, above 1 is refused;
            None when the file carries no guard, and for a person.
        threshold: the file's operating threshold on the score for any dementia; None where it carries none.
        brain_volume, apparent_age: measured; None when refused, or where the file measures nothing.
        stage_set: stages that cannot be ruled out, a conformal set of 90 % coverage over people; None for a slice of
            unknown company, when refused, or where the file carries no calibration for it.
        notes: what was done to the slice before, sentences without a full stop.
    """

    probabilities: dict[str, float] | None
    refused: str | None = None
    unlikeness: float | None = None
    threshold: float | None = None
    brain_volume: BrainVolume | None = None
    apparent_age: ApparentAge | None = None
    stage_set: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

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
        person: of all slices together, the mean over those not refused.
        notes: on the scans among them: what is doubtful, was chosen or was left out, sentences without a full stop.
        heights: of the slices, z in mm in the frame; None for one that came by itself or was cut as it lies.
    """

    slices: tuple[Answer, ...]
    person: Answer
    notes: tuple[str, ...] = ()
    heights: tuple[float | None, ...] = ()


def together(answers: list[Answer]) -> Answer:
    """The answer for a person: the mean over the slices that were not refused."""
    threshold = answers[0].threshold if answers else None
    given = [answer.probabilities for answer in answers if answer.probabilities is not None]
    if not given:
        return Answer(None, "no slice looks like an axial brain MRI slice as the model knows them", None, threshold)
    return Answer({stage: float(np.mean([one[stage] for one in given])) for stage in given[0]}, None, None, threshold)
