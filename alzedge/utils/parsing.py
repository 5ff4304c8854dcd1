"""The boundary around a parser: whatever it raises becomes one sentence."""

import contextlib
from collections.abc import Iterator

from alzedge.errors import UserError

_LONGEST = 120


@contextlib.contextmanager
def parsing(problem: str, cure: str) -> Iterator[None]:
    """Turn any failure of the block into a `UserError` that says the problem, the parser's reason and the cure.

    Parsers raise what their authors did not foresee: RecursionError, OverflowError, KeyError. A full disk or a
    missing file is not the content's fault, so OSError passes, and so does UserError.
    """
    try:
        yield
    except (UserError, OSError):
        raise
    except Exception as error:
        raise UserError(f"{problem} ({reason_of(error)}); {cure}") from error


def reason_of(error: Exception) -> str:
    """The first line of an exception's text, short and printable; its name where it has none."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return printable(lines[0] if len(lines[0]) <= _LONGEST else f"{lines[0][:_LONGEST]} ...")


def printable(text: str) -> str:
    """Text without what would break its line or steer a terminal: file names may hold anything."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()
