"""Answers of a model: for one slice, for one person, and for all that was asked at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from alzedge.inference.guard import NOT_A_SLICE
from alzedge.inference.measures.operating_point import AnyDementia
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.rule import Measures
from alzedge.inference.measures.single import SingleSlices
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
        notes: what was done to the slice before, or which of a person's slices do not count, sentences without a full stop.
        readings: of one slice, the network's own outputs before any rule; None for a person and when refused.
        digest: of one slice's pixels, by which copies are known; None for a person and when refused.
    """

    probabilities: dict[str, float] | None
    refused: str | None = None
    unlikeness: float | None = None
    threshold: float | None = None
    brain_volume: BrainVolume | None = None
    apparent_age: ApparentAge | None = None
    stage_set: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    readings: Readings | None = field(default=None, repr=False, compare=False)
    digest: bytes | None = field(default=None, repr=False, compare=False)

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
        notes: on the scans among them: what is doubtful, was chosen or was left out, sentences without a full stop.
        heights: of the slices, z in mm in the frame; None where unknown, as of a picture that `alzedge prepare` did not
            write, or where it was cut as it lies.
    """

    slices: tuple[Answer, ...]
    person: Answer
    notes: tuple[str, ...] = ()
    heights: tuple[float | None, ...] = ()


def together(
    answers: Sequence[Answer], measures: Measures | None = None, age: float | None = None, sex: str | None = None
) -> Answer:
    """The answer for a person, from the slices that were not refused.

    Slices that are equal pixel by pixel are one observation and count once; the answer notes it.

    Args:
        answers: of the person's slices.
        measures: the file's rule; without one the answer is the mean of the slices' probabilities.
        age, sex: years, and 'F' or 'M', for the percentile of the brain volume; None where unknown.

    Raises:
        UserError: the rule needs an output that the file's network lacks.
    """
    threshold = answers[0].threshold if answers else None
    given = [answer for answer in answers if answer.probabilities is not None]
    if not given:
        return Answer(None, _why_none({answer.refused for answer in answers}), None, threshold)
    once = without_copies(given)
    notes = _on_copies(len(given) - len(once), len(given))
    readings = [answer.readings for answer in once if answer.readings is not None]
    if measures is not None and len(readings) == len(once):
        return replace(_measured(measures, Readings.join(readings), threshold, age, sex), notes=notes)
    shares = [answer.probabilities for answer in once if answer.probabilities is not None]
    mean = {stage: float(np.mean([one[stage] for one in shares])) for stage in shares[0]}
    return Answer(mean, None, None, threshold, notes=notes)


def _why_none(refused: set[str | None]) -> str:
    """The cure that is the same for all slices, as of those on one side; else that none looks like one."""
    alike = refused.pop() if len(refused) == 1 else None
    if alike is None or alike == NOT_A_SLICE:
        return "no slice looks like an axial brain MRI slice as the model knows them"
    return alike


def without_copies(answers: Sequence[Answer]) -> list[Answer]:
    """The answers for different slices: of those for equal pixels the first."""
    seen: set[bytes] = set()
    kept = []
    for answer in answers:
        if answer.digest is None or answer.digest not in seen:
            kept.append(answer)
        if answer.digest is not None:
            seen.add(answer.digest)
    return kept


def _on_copies(copies: int, slices: int) -> tuple[str, ...]:
    if not copies:
        return ()
    rest = "are copies of others and count once" if copies > 1 else "is a copy of another and counts once"
    return (f"{copies} of {slices} answered slices {rest}",)


def notes_in_words(slices: Sequence[Answer], person: Answer | None = None) -> list[str]:
    """Sentences on what was done to slices before they were answered, each with the numbers of the slices it is about.

    Args:
        slices: a person's answers in order.
        person: the answer for all of them, whose own notes follow; None where they are not one person's.
    """
    rows: dict[str, list[str]] = {}
    for number, answer in enumerate(slices, 1):
        for note in answer.notes:
            rows.setdefault(note, []).append(str(number))
    told = [f"Slice{'s' if len(which) > 1 else ''} {', '.join(which)}: {note}." for note, which in rows.items()]
    return [*told, *(f"{note}." for note in (person.notes if person else ()))]


def of_each(
    readings: Readings,
    single: SingleSlices | None,
    unlikeness: Sequence[float | None],
    digests: Sequence[bytes],
    threshold: float | None,
    age: float | None,
    sex: str | None,
) -> list[Answer]:
    """Answers for slices: by the rule, each as if it were all that is known of the person, but without a stage set.

    Args:
        readings: of N slices.
        single: the file's rule for slices one by one; None where it has none.
        unlikeness, digests: N each, see `Answer`.
        threshold: the file's.
        age, sex: see `together`.
    """
    told: list[tuple[list[float], BrainVolume | None, ApparentAge | None]]
    if single is None:
        told = [(shares, None, None) for shares in readings.probabilities.tolist()]
    else:
        told = [(one.probabilities.tolist(), one.brain_volume, one.apparent_age) for one in single(readings, age, sex)]
    return [
        Answer(
            dict(zip(STAGES, shares, strict=True)),
            None,
            strange,
            threshold,
            volume,
            apparent,
            readings=own,
            digest=same,
        )
        for (shares, volume, apparent), strange, own, same in zip(
            told, unlikeness, readings.each(), digests, strict=True
        )
    ]


def _measured(
    measures: Measures, readings: Readings, threshold: float | None, age: float | None, sex: str | None
) -> Answer:
    person = measures.person(readings, age, sex)
    return Answer(
        dict(zip(STAGES, person.probabilities.tolist(), strict=True)),
        threshold=threshold,
        brain_volume=person.brain_volume,
        apparent_age=person.apparent_age,
        stage_set=None if person.stage_set is None else tuple(STAGES[stage] for stage in person.stage_set),
    )
