"""Origin of a model: the data set and the split it was made from, as its record says.

Counts, not names: a file that leaves the house must not list a clinic's patients.
"""

from dataclasses import asdict, dataclass
from typing import Any

from alzedge.errors import UserError
from alzedge.model_file.record import Record


@dataclass(frozen=True)
class DatasetOrigin:
    """Data set that a model was made from.

    Attributes:
        name: how reports call it.
        synthetic: whether its slices are phantoms.
        fingerprint: SHA-256; see `alzedge.data.dataset.DataSet.fingerprint`.
        slices: number of slices.
        people: number of people; None when unknown.
    """

    name: str
    synthetic: bool
    fingerprint: str
    slices: int
    people: int | None


@dataclass(frozen=True)
class SplitOrigin:
    """Split that a model was made with; see `alzedge.data.dataset.Split`.

    Attributes:
        name, description, fold, unseen_people: the split's.
        training_slices, test_slices: numbers of slices.
        test_people: number of people; None when unknown.
    """

    name: str
    description: str
    fold: int | None
    unseen_people: bool | None
    training_slices: int
    test_slices: int
    test_people: int | None


@dataclass(frozen=True)
class Origin:
    """Data set and split that a model was made from."""

    dataset: DatasetOrigin
    split: SplitOrigin

    def to_dict(self) -> dict[str, Any]:
        """The record's entries `dataset` and `split`."""
        return asdict(self)

    @classmethod
    def read(cls, record: Record) -> "Origin":
        """Read the record of a file that `alzedge train`, `distill` or `export` made.

        Raises:
            UserError: the record does not say.
        """
        try:
            return cls(DatasetOrigin(**record["dataset"]), SplitOrigin(**record["split"]))
        except (KeyError, TypeError) as error:
            raise UserError("The model does not say what data it was made from; export it again.") from error
