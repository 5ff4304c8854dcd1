"""Age and sex of the person asked about, as a user may tell them: checked before the heavy imports, never stored."""

from numbers import Real
from typing import Any

from alzedge.errors import UserError

_OLDEST = 120.0


def check_person(age: Any, sex: Any) -> None:
    """Refuse an age or a sex that cannot be.

    Args:
        age: years; None where it is not told.
        sex: 'F' or 'M'; None likewise.

    Raises:
        UserError: an age that is no number, or not above 0 and at most 120, or another sex.
    """
    if age is not None and not _is_number(age):
        raise UserError(f"The age is not a number; give years above 0 and up to {_OLDEST:.0f}, or leave it out.")
    if sex is not None and not isinstance(sex, str):
        raise UserError("The sex is not a text; give 'F' or 'M', or leave it out.")
    if age is not None and not 0 < age <= _OLDEST:
        shown = str(age).removesuffix(".0")  # whole, as 120.0001 rounded to fewer digits is an age that can be
        raise UserError(f"An age of {shown} cannot be; give years above 0 and up to {_OLDEST:.0f}, or leave it out.")
    if sex not in (None, "F", "M"):
        raise UserError(f"The sex {sex!r} is unknown here; give 'F' or 'M', or leave it out.")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
