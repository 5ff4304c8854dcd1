"""What reviewers think of the answers: labels that live in their own browser, and the CSV made of them."""

import base64
import csv
import io
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from threading import Lock
from typing import Any

from alzedge.demo.answering.reply import Reply, best, shares
from alzedge.errors import UserError
from alzedge.inference.classifier import Answer
from alzedge.stages import STAGES, TITLES
from alzedge.utils.files import write_bytes

COLUMNS = (
    "utc", "slice", "model_stage", "model_probability", "reviewer_stage", "agrees", "comment", "model_sha256"
)  # fmt: skip
ACCEPT, UNUSABLE = -1, -2
READINGS = [
    ("As the model says", ACCEPT),
    *((title, stage) for stage, title in enumerate(TITLES)),
    ("Cannot be judged", UNUSABLE),
]
MAX_COMMENT = 500
_MAX_LABELS = 1000
_MAX_CELL = 1000
_MAX_KEPT_BYTES = 32 * 2**20
# What makes a spreadsheet take a cell for a formula; the wide forms are those of East Asian keyboards.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Row = dict[str, str]


def make_label(reply: Reply, number: int | None, reading: int, comment: str, sha256: str) -> Row:
    """One label.

    Args:
        reply: what the model said.
        number: of the slice, from 1; None for the person.
        reading: index into `STAGES`, or ACCEPT or UNUSABLE.
        comment: the reviewer's words.
        sha256: of the model.

    Raises:
        UserError: no such slice, too long a comment, or an answer is accepted that was not given.
    """
    if number is not None and not 1 <= number <= len(reply.answers):
        raise UserError(f"There is no slice {number}; choose one of {len(reply.answers)}.")
    if len(comment) > MAX_COMMENT:
        raise UserError(f"The comment has {len(comment)} characters, {MAX_COMMENT} at most; shorten it.")
    answer = reply.person if number is None else reply.answers[number - 1]
    if reading == ACCEPT and answer.probabilities is None:
        raise UserError("The model gave no answer here, so there is none to accept; choose a stage.")
    told = "" if answer.stage is None else answer.stage
    stage = _stage(answer, reading)
    return {
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "slice": _person_name(reply) if number is None else reply.names[number - 1],
        "model_stage": told,
        "model_probability": f"{max(shares(answer)):.4f}" if told else "",
        "reviewer_stage": stage,
        "agrees": "yes" if stage == told else "no",
        "comment": comment.strip(),
        "model_sha256": sha256,
    }


def _stage(answer: Answer, reading: int) -> str:
    if reading == ACCEPT:
        return STAGES[best(answer)]
    return "" if reading == UNUSABLE else STAGES[reading]


def _person_name(reply: Reply) -> str:
    if reply.volume:
        return f"{reply.names[0].removesuffix(', slice 1')}, all slices"
    return f"{reply.names[0]} and {len(reply.names) - 1} more"


def checked_rows(kept: Any) -> list[Row]:
    """Labels as the browser kept them; whatever is not one of ours is dropped."""
    rows = kept if isinstance(kept, list) else []
    return [row for row in rows if _is_row(row)][-_MAX_LABELS:]


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and tuple(row) == COLUMNS
        and all(isinstance(cell, str) and len(cell) <= _MAX_CELL for cell in row.values())
    )


def csv_text(rows: list[Row]) -> str:
    """Labels as CSV that no spreadsheet takes for formulas (OWASP, "CSV injection": an apostrophe before them)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(row[name]) for name in COLUMNS] for row in rows)
    return buffer.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def labels_html(rows: list[Row]) -> str:
    """The labels as a table, and a link that holds the CSV itself: no file of it is made on the server."""
    if not rows:
        return '<p class="of">No labels yet.</p>'
    # The mark at the start tells spreadsheets that it is UTF-8.
    content = base64.b64encode(csv_text(rows).encode("utf-8-sig")).decode()
    body = "".join(
        f"<tr><td>{escape(row['slice'])}</td><td>{_title(row['model_stage'], 'no answer')}</td>"
        f"<td>{_title(row['reviewer_stage'], 'cannot be judged')}</td><td>{escape(row['comment'])}</td></tr>"
        for row in reversed(rows)
    )
    count = "1 label" if len(rows) == 1 else f"{len(rows)} labels"
    return (
        f'<p><a class="download" download="alzedge-labels.csv" href="data:text/csv;charset=utf-8;base64,{content}">'
        f"Download {count} as CSV</a></p>"
        "<div class='scrolls'><table><thead><tr><th>slice</th><th>the model</th><th>you</th><th>comment</th></tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _title(stage: str, otherwise: str) -> str:
    return TITLES[STAGES.index(stage)] if stage in STAGES else otherwise


class LabelFolder:
    """Where an operator keeps the labels of all reviewers: `labels.csv` in a folder.

    Args:
        folder: made if it is missing.

    Raises:
        UserError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{folder}: labels cannot be kept there ({error.strerror}); name another folder."
            ) from error
        self.path = folder / "labels.csv"
        self._lock = Lock()

    def keep(self, row: Row) -> None:
        """Add a label to the file.

        Raises:
            UserError: the file is as large as it may become.
        """
        with self._lock:
            before = self.path.read_bytes() if self.path.is_file() else b""
            if len(before) > _MAX_KEPT_BYTES:
                raise UserError("The operator's file of labels is full; download yours and send them to the operator.")
            text = csv_text([row])
            write_bytes(self.path, before + (text.split("\r\n", 1)[1] if before else text).encode())
