"""Origin of a model, and what it refuses, read from the record in its file into typed values."""

from dataclasses import dataclass

from alzedge.model_file.read_write import Record
from alzedge.model_file.record_entries import count, entry_of, number


@dataclass(frozen=True)
class Refusals:
    """The guard's record of itself.

    Attributes:
        kinds: number of kinds of other pictures tried.
        least: share refused of the kind that it refused least.
        mistakes: share refused of proper slices.
        slices: number of those.
    """

    kinds: int
    least: float
    mistakes: float
    slices: int

    @classmethod
    def read(cls, record: Record) -> "Refusals | None":
        """Read a record's entry `guard`; None where nothing was measured."""
        measured = entry_of(record.get("guard"), "measured")
        detected = entry_of(measured, "detected")
        tried = detected.values() if isinstance(detected, dict) else []
        shares = [share for kind in tried if (share := number(entry_of(kind, "refused"))) is not None]
        false = entry_of(measured, "false_refusals")
        mistakes, slices = number(entry_of(false, "refused")), count(entry_of(false, "n"))
        return (
            None
            if not shares or mistakes is None or slices is None
            else cls(len(shares), min(shares), mistakes, slices)
        )


@dataclass(frozen=True)
class Origin:
    """The data that a model was made from.

    Attributes:
        name: of the data set; text from whoever made the file.
        slices, people: in the data set; None where unknown.
        training_slices, test_slices: of them; None where unknown.
        split: description of how they were divided; text from whoever made the file.
    """

    name: str
    slices: int | None
    people: int | None
    training_slices: int | None
    test_slices: int | None
    split: str

    @classmethod
    def read(cls, record: Record) -> "Origin":
        """Read a record's entries `dataset` and `split`."""
        data, split = record.get("dataset"), record.get("split")
        return cls(
            str(entry_of(data, "name")),
            count(entry_of(data, "slices")),
            count(entry_of(data, "people")),
            count(entry_of(split, "training_slices")),
            count(entry_of(split, "test_slices")),
            str(entry_of(split, "description")),
        )
