"""The operating point of a model file, any dementia against none: the one home of the threshold and of its sides."""

from dataclasses import dataclass
from typing import Any

from alzedge.model_file.read_write import Record
from alzedge.model_file.record_entries import count, entry_of, number


@dataclass(frozen=True)
class AnyDementia:
    """The score for any dementia beside the file's operating threshold.

    Attributes:
        value: the score, 1 - P(no dementia), 0 to 1.
        threshold: from which on the model says "any dementia"; None where the file carries none.
    """

    value: float
    threshold: float | None = None

    @property
    def above(self) -> bool | None:
        """The score reaches the threshold; None where there is none."""
        return None if self.threshold is None else self.value >= self.threshold


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def read(cls, entry: Any) -> "Estimate | None":
        """Read `{"value": ..., "low": ..., "high": ...}`; None for anything else."""
        values = [number(entry_of(entry, name)) for name in ("value", "low", "high")]
        value, low, high = values
        return None if value is None or low is None or high is None else cls(value, low, high)


@dataclass(frozen=True)
class OperatingPoint:
    """The score from which on a model says "any dementia", and what that costs on people it has not seen.

    Attributes:
        threshold: on 1 - P(no dementia), 0 to 1; of a person, by the file's rule where it carries one.
        level: "person" or "slice", at which it was chosen and measured.
        people: number of people that it was measured on; None where unknown.
        sensitivity: share of people with dementia who reach the threshold; None where not measured.
        specificity: share of people without who stay below it.
    """

    threshold: float
    level: str
    people: int | None
    sensitivity: Estimate | None
    specificity: Estimate | None

    @classmethod
    def read(cls, record: Record) -> "OperatingPoint | None":
        """Read a record's entry `operating_threshold`; None where there is none."""
        entry = record.get("operating_threshold")
        threshold = number(entry_of(entry, "value"))
        if threshold is None:
            return None
        level = "slice" if entry_of(entry, "level") == "slice" else "person"
        estimates = [Estimate.read(entry_of(entry, name)) for name in ("sensitivity", "specificity")]
        people = count(entry_of(entry, "people"))
        tested = count(entry_of(record.get("split"), "test_people")) if people is None else people
        return cls(threshold, level, tested, *estimates)
