"""Several images, each by itself: a table on the page, the same as CSV and as JSON to be downloaded."""

import base64
import json
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

from markupsafe import Markup

from alzedge.demo.answering.reply import Reply, best
from alzedge.demo.html.rendering import render
from alzedge.demo.html.verdict import side_of, threshold_of
from alzedge.inference.answer import Answer
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.metrics.record_facts import any_dementia
from alzedge.model_file.read_write import Record
from alzedge.stages import DISCLAIMER, STAGES, TITLES
from alzedge.utils.spreadsheets import csv_text

_SAID = {"above": "above threshold", "below": "below threshold", "": "no threshold known"}


Measured = TypeVar("Measured", BrainVolume, ApparentAge)


@dataclass(frozen=True)
class Row:
    """One image and its answer, or why there is none.

    Attributes:
        name: of the file.
        image_sha256: of the pixels; empty for a file that was not read.
        any_dementia: score, 0 to 1; None without an answer.
        threshold: None where the model carries none.
        above: None without both.
        stage: most probable one; None without an answer.
        probabilities: by stage; None without an answer.
        brain_volume, apparent_age: by each image alone; None where the model measures nothing.
        stage_set: stages that cannot be ruled out; None without a calibration.
        unlikeness: the guard's distance as a multiple of its threshold; None where it was not asked.
        problem: the sentence why there is no answer.
    """

    name: str
    image_sha256: str
    any_dementia: float | None
    threshold: float | None
    above: bool | None
    stage: str | None
    probabilities: dict[str, float] | None
    brain_volume: BrainVolume | None
    apparent_age: ApparentAge | None
    stage_set: tuple[str, ...] | None
    unlikeness: float | None
    problem: str | None


@dataclass(frozen=True)
class _Shown:
    name: str
    number: int | None
    side: str = ""
    verdict: str = ""
    score: float = 0.0
    volume: tuple[str, ...] = ()
    age: tuple[str, ...] = ()
    stage: str = ""
    problem: str = ""


@dataclass(frozen=True)
class _Link:
    file: str
    type: str
    content: str
    label: str


def table_html(record: Record, reply: Reply) -> Markup:
    """Draw the table, with links that hold the CSV and the JSON themselves: no file of them is made on the server.

    Args:
        record: of the model that answered.
        reply: its answers to several pictures.
    """
    rows = result_rows(record, reply)
    csv_bytes = results_csv(record, rows).encode("utf-8-sig")  # the mark tells spreadsheets that it is UTF-8
    links = (
        _Link("alzedge-results.csv", "text/csv;charset=utf-8", _base64(csv_bytes), "CSV"),
        _Link("alzedge-results.json", "application/json", _base64(results_json(record, rows).encode()), "JSON"),
    )
    measured = any(row.brain_volume is not None or row.apparent_age is not None for row in rows)
    return render("table", rows=_shown(record, reply), links=links, measured=measured)


def result_rows(record: Record, reply: Reply) -> tuple[Row, ...]:
    """A row for each image, then one for each file that could not be read."""
    threshold = threshold_of(record)
    answered = zip(reply.names, reply.hashes, reply.answers, strict=True)
    rows = [_row(name, sha256, answer, threshold) for name, sha256, answer in answered]
    unread = [_row(one.name, "", Answer(None, one.problem), threshold) for one in reply.unread]
    return (*rows, *unread)


def _row(name: str, sha256: str, answer: Answer, threshold: float | None) -> Row:
    score = None if answer.probabilities is None else round(any_dementia(answer), 6)
    return Row(
        name,
        sha256,
        score,
        threshold,
        None if score is None or threshold is None else side_of(answer, threshold) == "above",
        answer.stage,
        answer.probabilities and {stage: round(share, 6) for stage, share in answer.probabilities.items()},
        answer.brain_volume and _rounded(answer.brain_volume, 4),
        answer.apparent_age and _rounded(answer.apparent_age, 1),
        answer.stage_set,
        None if answer.unlikeness is None else round(answer.unlikeness, 3),
        answer.refused,
    )


def _rounded(measured: Measured, digits: int) -> Measured:
    numbers = {name: round(value, digits) for name, value in asdict(measured).items() if value is not None}
    return replace(measured, **numbers)


def results_csv(record: Record, rows: tuple[Row, ...]) -> str:
    """Rows as CSV that no spreadsheet takes for formulas."""
    columns: list[object] = [
        "image", "any_dementia", "threshold", "above", "brain_volume", "brain_volume_low", "brain_volume_high",
        "apparent_age", "apparent_age_low", "apparent_age_high", "stage", *STAGES, "stage_set", "unlikeness", "problem",
        "image_sha256", "model_sha256",
    ]  # fmt: skip
    cells = [
        [
            row.name, row.any_dementia, row.threshold, row.above,
            *_interval(row.brain_volume), *_interval(row.apparent_age), row.stage,
            *((row.probabilities or {}).get(stage) for stage in STAGES),
            None if row.stage_set is None else " ".join(row.stage_set), row.unlikeness, row.problem,
            row.image_sha256, record["sha256"],
        ]
        for row in rows
    ]  # fmt: skip
    return csv_text([columns, *cells])


def results_json(record: Record, rows: tuple[Row, ...]) -> str:
    """Rows as one JSON document with the model's kind and hash."""
    model = {"kind": record["kind"], "sha256": record["sha256"]}
    document = {"model": model, "images": [asdict(row) for row in rows], "disclaimer": DISCLAIMER}
    return json.dumps(document, indent=1, allow_nan=False)


def _shown(record: Record, reply: Reply) -> list[_Shown]:
    threshold = threshold_of(record)
    shown = []
    for number, (name, answer) in enumerate(zip(reply.names, reply.answers, strict=True), 1):
        side = side_of(answer, threshold)
        if answer.probabilities is None:
            shown.append(_Shown(name, number, problem=answer.refused or ""))
        else:
            volume, age = _words(answer.brain_volume, 2), _words(answer.apparent_age, 0)
            stage = TITLES[best(answer)].lower()
            shown.append(_Shown(name, number, side, _SAID[side], any_dementia(answer), volume, age, stage))
    # A problem begins with its file's name, which stands beside it already.
    shown += [_Shown(one.name, None, problem=one.problem.removeprefix(f"{one.name}: ")) for one in reply.unread]
    return shown


def _interval(measured: BrainVolume | ApparentAge | None) -> list[float | None]:
    return [None] * 3 if measured is None else [measured.value, measured.low, measured.high]


def _words(measured: BrainVolume | ApparentAge | None, digits: int) -> tuple[str, ...]:
    return tuple(f"{number:.{digits}f}" for number in _interval(measured) if number is not None)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
