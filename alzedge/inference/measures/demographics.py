"""Age and sex as a network's second input, `demographics`: its four columns, and the record's entry that tells of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.model_file.record import Record
from alzedge.model_file.record_entries import entry_of, number

# Name of the input, and of the record's entry.
DEMOGRAPHICS = "demographics"
COLUMNS = ("age", "age_known", "female", "male")
_SEXES = ("F", "M")


@dataclass(frozen=True)
class Coding:
    """Coding of age and sex as four numbers, of which all are 0 for a person of whom nothing is told.

    `age` is (years - mean) / deviation and `age_known` 1, or both are 0; `female` is 1 for 'F', `male` for 'M'. An age
    outside of the range counts as the end next to it. The defaults are those of all recipes: OASIS-1's people are 18 to 96.

    Attributes:
        mean, deviation: of the scale of ages, years.
        youngest, oldest: the range of ages, years.
    """

    mean: float = 60.0
    deviation: float = 20.0
    youngest: float = 20.0
    oldest: float = 100.0

    def of_people(self, age: NDArray[np.floating[Any]], sex: NDArray[np.str_]) -> NDArray[np.float32]:
        """Code people.

        Args:
            age: (N,), years; NaN where unknown.
            sex: str (N,), 'F' or 'M'; anything else is unknown.

        Returns:
            float32 (N, 4), in the order of `COLUMNS`.
        """
        known = np.isfinite(age)
        scaled = (np.clip(np.where(known, age, self.mean), self.youngest, self.oldest) - self.mean) / self.deviation
        return np.stack([scaled * known, known, *(sex == one for one in _SEXES)], axis=1).astype(np.float32)

    def of_one(self, age: float | None, sex: str | None, count: int = 1) -> NDArray[np.float32]:
        """Code one person of whom there are `count` slices, float32 (count, 4); None is unknown."""
        years = np.full(count, np.nan if age is None else age, np.float64)
        return self.of_people(years, np.full(count, sex or ""))

    def ranges(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Least and greatest value of each column, float32 (4,) each."""
        low, high = ((end - self.mean) / self.deviation for end in (self.youngest, self.oldest))
        return np.array([low, 0, 0, 0], np.float32), np.array([high, 1, 1, 1], np.float32)

    def to_dict(self) -> dict[str, Any]:
        """As written into model files, with the ranges that follow from it."""
        low, high = self.ranges()
        years = {"mean": self.mean, "deviation": self.deviation, "youngest": self.youngest, "oldest": self.oldest}
        return {"columns": list(COLUMNS), "age": years, "low": low.tolist(), "high": high.tolist()}

    @classmethod
    def read(cls, record: Record) -> "Coding | None":
        """Read a record's entry `demographics`; None where there is none: the file looks at the image alone.

        Raises:
            UserError: the entry is not as `to_dict` writes it.
        """
        entry = record.get(DEMOGRAPHICS)
        if entry is None:
            return None
        years = entry_of(entry, "age")
        mean, deviation, youngest, oldest = (
            number(entry_of(years, name)) for name in ("mean", "deviation", "youngest", "oldest")
        )
        if entry_of(entry, "columns") != list(COLUMNS) or None in (mean, deviation, youngest, oldest):
            raise UserError("The model file's entry `demographics` is of another version; export the model again.")
        coding = cls(*(one for one in (mean, deviation, youngest, oldest) if one is not None))
        if not (coding.deviation > 0 and coding.youngest < coding.oldest):
            raise UserError("The model file's entry `demographics` gives ages no range; export the model again.")
        return coding


def withheld(told: NDArray[np.float32], share: float, seed: list[int]) -> NDArray[np.float32]:
    """Keep back ages and sexes at random, each on its own, so that a student learns to answer without them.

    Args:
        told: float32 (N, 4), of `Coding`.
        share: of the rows whose age is kept back, and of those whose sex is, 0 to 1.
        seed: integers that identify this drawing.

    Returns:
        float32 (N, 4).
    """
    kept = np.random.default_rng(seed).random((len(told), 2)) >= share
    held: NDArray[np.float32] = told * kept[:, [0, 0, 1, 1]].astype(np.float32)
    return held
