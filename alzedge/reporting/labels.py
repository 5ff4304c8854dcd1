"""Readers' labels as they are kept and exported: one row for each reading, images by pseudonyms of their pixels."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alzedge.errors import UserError
from alzedge.stages import STAGES
from alzedge.utils.spreadsheets import csv_rows, csv_text

COLUMNS = (
    *("utc", "reviewer", "slice", "image_sha256", "person", "blind", "reviewer_stage", "model_stage"),
    *("model_probability", "model_any_dementia", "agrees", "comment", "model_sha256"),
)
MAX_LABELS, MAX_CELL = 1000, 1000
_MAX_BYTES = 4 * 2**20

Row = dict[str, str]


@dataclass(frozen=True)
class Label:
    """One reading.

    Attributes:
        reviewer: name or initials.
        image: SHA-256 of the pixels read, of one slice or of all.
        person: pseudonym of the person.
        blind: given before the model's answer was seen.
        stage: index into `STAGES`; None where it could not be judged.
    """

    reviewer: str
    image: str
    person: str
    blind: bool
    stage: int | None


def labels_csv(rows: Sequence[Row], header: bool = True) -> str:
    """Labels as CSV, with or without its first line."""
    cells = [[row[name] for name in COLUMNS] for row in rows]
    return csv_text([list(COLUMNS), *cells] if header else cells)


def rows_of(data: bytes, name: str) -> list[Row]:
    """Labels out of an exported CSV file.

    Args:
        data: the file's content.
        name: how to call it in messages.

    Raises:
        UserError: it is not such a file, damaged, or too large.
    """
    wrong = f"{name}: not labels exported by this version's page"
    try:
        header, *cells = csv_rows(data[: _MAX_BYTES + 1].decode("utf-8-sig"))
    except (ValueError, csv.Error):
        raise UserError(f"{wrong}; name a CSV file with the columns {', '.join(COLUMNS[:3])} and so on.") from None
    if tuple(header) != COLUMNS:
        raise UserError(f"{wrong}; name a CSV file with the columns {', '.join(COLUMNS[:3])} and so on.")
    if len(data) > _MAX_BYTES or len(cells) > MAX_LABELS:
        raise UserError(f"{name}: over {MAX_LABELS} labels are too many; split the file.")
    rows = [dict(zip(COLUMNS, row, strict=False)) for row in cells]
    bad = next((number for number, row in enumerate(rows, 2) if not is_row(row)), None)
    if bad is not None:
        raise UserError(f"{name}: line {bad} is damaged; export the labels again.")
    return rows


def is_row(row: object) -> bool:
    """A label of ours, wherever it was kept."""
    return (
        isinstance(row, dict)
        and tuple(row) == COLUMNS
        and all(isinstance(cell, str) and len(cell) <= MAX_CELL for cell in row.values())
        and row["reviewer_stage"] in ("", *STAGES)
        and row["blind"] in ("yes", "no")
    )


def read_labels(path: Path) -> list[Label]:
    """One reader's labels out of an exported CSV file.

    Raises:
        UserError: no such file, not one of ours, none in it, or of several reviewers.
    """
    rows = rows_of(path.read_bytes(), str(path))
    if not rows:
        raise UserError(f"{path}: no labels in it; export some.")
    if len({row["reviewer"] for row in rows}) > 1:
        raise UserError(f"{path}: labels of several reviewers; give each reader's labels as a file of its own.")
    return [
        Label(
            row["reviewer"],
            row["image_sha256"],
            row["person"],
            row["blind"] == "yes",
            STAGES.index(row["reviewer_stage"]) if row["reviewer_stage"] else None,
        )
        for row in rows
    ]
