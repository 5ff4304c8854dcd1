"""Age and sex of the person asked about, as a user may tell them: checked before the heavy imports, never stored."""

from alzedge.errors import UserError

_OLDEST = 120.0


def check_person(age: float | None, sex: str | None) -> None:
    """Refuse an age or a sex that cannot be.

    Args:
        age: years; None where it is not told.
        sex: 'F' or 'M'; None likewise.

    Raises:
        UserError: an age that is not above 0 and at most 120, or another sex.
    """
    if age is not None and not 0 < age <= _OLDEST:
        raise UserError(f"An age of {age:g} cannot be; give years above 0 and up to {_OLDEST:.0f}, or leave it out.")
    if sex not in (None, "F", "M"):
        raise UserError(f"The sex {sex!r} is unknown here; give 'F' or 'M', or leave it out.")
