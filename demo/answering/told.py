"""Age and sex of the person asked about, as a visitor tells them: for the percentile alone, never kept or logged."""

from dataclasses import dataclass
from typing import Any

from alzedge.inference.measures.person import check_person


@dataclass(frozen=True)
class Told:
    """Age and sex of a person.

    Attributes:
        age: years; None where not told.
        sex: 'F' or 'M'; None likewise.
    """

    age: float | None = None
    sex: str | None = None


NOTHING_TOLD = Told()


def read_told(age: Any, sex: Any) -> Told:
    """Check what a page's controls or a program sent; an empty text is nothing.

    Raises:
        UserError: an age that cannot be or is not a number, or another sex than 'F' or 'M'.
    """
    age, sex = (None if value == "" else value for value in (age, sex))
    check_person(age, sex)
    return Told(None if age is None else float(age), sex)
