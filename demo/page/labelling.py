"""Reviewers' opinions of the answers: labels that live in their own browser, and the CSV made of them."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from markupsafe import Markup

from alzedge.demo.answering.reply import Reply, best, shares
from alzedge.demo.html.rendering import render
from alzedge.errors import UserError
from alzedge.inference.answer import Answer
from alzedge.metrics.record_facts import any_dementia
from alzedge.reporting.labels import MAX_LABELS, Row, is_row, labels_csv, rows_of
from alzedge.stages import STAGES, TITLES
from alzedge.utils.extras import require
from alzedge.utils.files import write_bytes

ACCEPT, UNUSABLE = -1, -2
# In the order of the keys of page.js: 1 to 4, 0, m.
READINGS = [
    *((title, stage) for stage, title in enumerate(TITLES)),
    ("Cannot be judged", UNUSABLE),
    ("As the model says", ACCEPT),
]
MAX_COMMENT, MAX_REVIEWER = 500, 60
_MAX_KEPT_BYTES = 32 * 2**20
_PSEUDONYM = 12


@dataclass(frozen=True)
class Reading:
    """A reviewer's reading of one slice, or of one person.

    Attributes:
        number: of the slice, from 1; None for the person.
        stage: index into `STAGES`, or ACCEPT or UNUSABLE; None where nothing was chosen.
        reviewer: name or initials.
        comment: in the reviewer's words.
        blind: given before the model's answer was seen on the page.
    """

    number: int | None
    stage: int | None
    reviewer: str
    comment: str
    blind: bool


def make_label(reply: Reply, reading: Reading, sha256: str, before: Sequence[Row] = ()) -> Row:
    """One label: a cell for each of `COLUMNS`. It names no file: images and people go by hashes of their pixels.

    A reader's first reading of an image is blind where the model's answer was not seen yet; the model's answer can be
    accepted from the second one on.

    Args:
        reply: the model's answers.
        reading: the reviewer's.
        sha256: of the model.
        before: labels given before.

    Raises:
        UserError: no such slice, no reading, no reviewer, too long a text, or an answer is accepted that was not given
            or not yet seen.
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
    reviewer, image = reading.reviewer.strip(), _image(reply, reading.number)
    first = not any(row["reviewer"] == reviewer and row["image_sha256"] == image for row in before)
    if reading.stage == ACCEPT and answer.probabilities is None:
        raise UserError("The model gave no answer here, so there is none to accept; choose a stage.")
    if reading.stage == ACCEPT and first:
        raise UserError("Read it by yourself first; then you may say that the model is right.")
    told = answer.stage or ""
    stage = _stage(answer, reading.stage)
    return {
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "reviewer": reviewer,
        "slice": pseudonym(reply, reading.number),
        "image_sha256": image,
        "person": _person(reply, reading.number),
        "blind": "yes" if reading.blind and first else "no",
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


def pseudonym(reply: Reply, number: int | None) -> str:
    """The name of a slice, or of the person where the number is None, without the name of a file."""
    person = _person(reply, number)
    if number is None:
        return f"{person}, all slices"
    return f"{person}, slice {number}" if reply.volume and reply.several else person


def _image(reply: Reply, number: int | None) -> str:
    if number is not None:
        return reply.hashes[number - 1]
    return hashlib.sha256("".join(reply.hashes).encode()).hexdigest()


def _person(reply: Reply, number: int | None) -> str:
    """Slices of a volume are one person's; so are pictures, where somebody has said so."""
    alone = number is not None and not reply.one_person
    return _image(reply, number if alone else None)[:_PSEUDONYM]


def checked_rows(kept: Any) -> list[Row]:
    """Labels as the browser kept them; whatever is not one of ours is dropped."""
    rows = kept if isinstance(kept, list) else []
    return [row for row in rows if is_row(row)][-MAX_LABELS:]


def resumed(kept: list[Row], data: bytes, name: str) -> list[Row]:
    """Labels of an exported file and those at hand, each once, in the order in which they were given.

    Raises:
        UserError: not such a file, or too many together.
    """
    rows = [*rows_of(data, name), *kept]
    once = {tuple(row.values()): row for row in sorted(rows, key=lambda row: row["utc"])}
    if len(once) > MAX_LABELS:
        raise UserError(f"Over {MAX_LABELS} labels together; download these and clear them first.")
    return list(once.values())


def labels_html(rows: list[Row]) -> Markup:
    """The labels as a table, and a link that holds the CSV itself: no file of it is made on the server."""
    # The mark at the start tells spreadsheets that it is UTF-8.
    content = base64.b64encode(labels_csv(rows).encode("utf-8-sig")).decode()
    return render("labels", rows=rows, content=content, stage_titles=dict(zip(STAGES, TITLES, strict=True)))


def labels_sr_html(rows: list[Row]) -> Markup:
    """Links that hold the labels as DICOM Structured Reports, one for each reviewer.

    Raises:
        UserError: no labels, or highdicom is missing.
    """
    if not rows:
        raise UserError("No labels yet; add one first.")
    require("report")
    from alzedge.reporting.dicom_document import to_file
    from alzedge.reporting.labels_sr import labels_sr

    today, links = datetime.now(UTC).date(), []
    for number, reviewer in enumerate(dict.fromkeys(row["reviewer"] for row in rows), 1):
        document = to_file(labels_sr([row for row in rows if row["reviewer"] == reviewer], today))
        links.append((number, reviewer, base64.b64encode(document).decode()))
    return render("labels_sr", links=links)


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

    def drop(self, row: Row) -> None:
        """Take the last label like this one out of the file; nothing where it is not there."""
        with self._lock:
            before = self.path.read_bytes() if self.path.is_file() else b""
            head, there, tail = before.rpartition(b"\r\n" + labels_csv([row], header=False).encode())
            if there:
                write_bytes(self.path, head + b"\r\n" + tail)
