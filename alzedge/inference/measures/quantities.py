"""Quantities that a student measures beside the stage, each with an interval that says how far to trust it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BrainVolume:
    """Normalized whole-brain volume (nWBV), as OASIS-1's table has it.

    Attributes:
        value: share of the intracranial volume that is brain, 0 to 1.
        low, high: of the 90 % interval.
        percentile: of people without dementia of the same age (and sex, where told) who have a smaller brain, 0 to
            100; None where the age is unknown or outside the normative curve.
    """

    value: float
    low: float
    high: float
    percentile: float | None = None


@dataclass(frozen=True)
class ApparentAge:
    """Age that the brain looks like.

    Attributes:
        value: years.
        low, high: of the 90 % interval.
    """

    value: float
    low: float
    high: float
