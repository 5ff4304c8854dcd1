"""CSV whose cells no spreadsheet takes for formulas, and the way back (OWASP, "CSV injection": an apostrophe before them)."""

import csv
import io
from collections.abc import Sequence

# What makes a spreadsheet take a cell for a formula; the wide forms are those of East Asian keyboards.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_text(rows: Sequence[Sequence[object]]) -> str:
    """Rows as CSV with defused cells."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows([[_harmless(cell) for cell in row] for row in rows])
    return buffer.getvalue()


def csv_rows(text: str) -> list[list[str]]:
    """Rows of a text that `csv_text` made, cells as they were before.

    Raises:
        csv.Error: it is not CSV.
    """
    return [[_as_it_was(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA) else cell


def _as_it_was(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" ").startswith(_FORMULA) else cell
