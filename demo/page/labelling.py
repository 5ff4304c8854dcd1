"""Reviewers' opinions of the answers: labels that live in their own browser, and the CSV made of them."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from markupsafe import Markup

from alzedge.demo.answering.reply import Reply, best, shares
from alzedge.demo.html.rendering import render
from alzedge.demo.html.table import csv_text
from alzedge.errors import UserError
from alzedge.inference.answer import Answer
from alzedge.metrics.record_facts import any_dementia
from alzedge.stages import STAGES, TITLES
from alzedge.utils.files import write_bytes

COLUMNS = (
    "utc", "reviewer", "slice", "image_sha256", "blind", "reviewer_stage", "model_stage", "model_probability",
    "model_any_dementia", "agrees", "comment", "model_sha256",
)  # fmt: skip
ACCEPT, UNUSABLE = -1, -2
BLIND_READINGS = [*((title, stage) for stage, title in enumerate(TITLES)), ("Cannot be judged", UNUSABLE)]
OPEN_READINGS = [("As the model says", ACCEPT), *BLIND_READINGS]
MAX_COMMENT, MAX_REVIEWER = 500, 60
_MAX_LABELS = 1000
_MAX_CELL = 1000
_MAX_KEPT_BYTES = 32 * 2**20

Row = dict[str, str]


@dataclass(frozen=True)
class Reading:
    """A reviewer's reading of one slice, or of one person.

    Attributes:
        number: of the slice, from 1; None for the person.
        stage: index into `STAGES`, or ACCEPT or UNUSABLE; None where nothing was chosen.
        reviewer: name or initials.
        comment: in the reviewer's words.
        blind: given while the model's answer was hidden.
    """

    number: int | None
    stage: int | None
    reviewer: str
    comment: str
    blind: bool


def make_label(reply: Reply, reading: Reading, sha256: str) -> Row:
    """One label: a cell for each of `COLUMNS`.

    Args:
        reply: the model's answers.
        reading: the reviewer's.
        sha256: of the model.

    Raises:
        UserError: no such slice, no reading, no reviewer, too long a text, or an answer is accepted that was not given.
    """
    if reading.number is not None and not 1 <= reading.number <= len(reply.answers):
        raise UserError(f"There is no slice {reading.number}; choose one of {len(reply.answers)}.")
    if reading.stage is None:
        raise UserError("No reading is chosen; choose a stage, or that it cannot be judged.")
    if not reading.reviewer.strip():
        raise UserError("The reviewer is missing; enter your name or initials.")
    for text, most, name in ((reading.comment, MAX_COMMENT, "comment"), (reading.reviewer, MAX_REVIEWER, "reviewer")):
        if len(text) > most:
            raise UserError(f"The {name} has {len(text)} characters, {most} at most; shorten it.")
    answer = reply.person if reading.number is None else reply.answers[reading.number - 1]
    if reading.stage == ACCEPT and answer.probabilities is None:
        raise UserError("The model gave no answer here, so there is none to accept; choose a stage.")
    told = answer.stage or ""
    stage = _stage(answer, reading.stage)
    return {
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "reviewer": reading.reviewer.strip(),
        "slice": _person_name(reply) if reading.number is None else reply.names[reading.number - 1],
        "image_sha256": "" if reading.number is None else reply.hashes[reading.number - 1],
        "blind": "yes" if reading.blind else "no",
        "reviewer_stage": stage,
        "model_stage": told,
        "model_probability": f"{max(shares(answer)):.4f}" if told else "",
        "model_any_dementia": f"{any_dementia(answer):.4f}" if told else "",
        "agrees": "yes" if stage == told else "no",
        "comment": reading.comment.strip(),
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


def labels_csv(rows: list[Row], header: bool = True) -> str:
    """Labels as CSV, with or without its first line."""
    cells: list[list[object]] = [[row[name] for name in COLUMNS] for row in rows]
    return csv_text([list(COLUMNS), *cells] if header else cells)


def labels_html(rows: list[Row]) -> Markup:
    """The labels as a table, and a link that holds the CSV itself: no file of it is made on the server."""
    # The mark at the start tells spreadsheets that it is UTF-8.
    content = base64.b64encode(labels_csv(rows).encode("utf-8-sig")).decode()
    return render("labels", rows=rows, content=content, stage_titles=dict(zip(STAGES, TITLES, strict=True)))


class LabelFolder:
    """An operator's folder for the labels of all reviewers: `labels.csv` in it.

    Args:
        folder: made if it is missing.

    Raises:
        UserError: it cannot be made, or holds labels with other columns.
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
        if self.path.is_file() and not self.path.read_bytes().startswith(labels_csv([]).encode()):
            raise UserError(f"{self.path} has other columns than this version's labels; name another folder.")

    def keep(self, row: Row) -> None:
        """Add a label to the file.

        Raises:
            UserError: the file is as large as it may become.
        """
        with self._lock:
            before = self.path.read_bytes() if self.path.is_file() else b""
            if len(before) > _MAX_KEPT_BYTES:
                raise UserError("The operator's file of labels is full; download yours and send them to the operator.")
            write_bytes(self.path, before + labels_csv([row], header=not before).encode())
