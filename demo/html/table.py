"""Several images, each by itself: a table on the page, the same as CSV and as JSON to be downloaded."""

import base64
import json
from dataclasses import asdict, dataclass

from markupsafe import Markup

from alzedge.demo.answering.reply import Reply, best
from alzedge.demo.html.rendering import render
from alzedge.demo.html.verdict import side_of, threshold_of
from alzedge.metrics.record_facts import any_dementia
from alzedge.model_file.read_write import Record
from alzedge.stages import DISCLAIMER, STAGES, TITLES
from alzedge.utils.spreadsheets import csv_text

_SAID = {"above": "above threshold", "below": "below threshold", "": "no threshold known"}


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
    unlikeness: float | None
    problem: str | None


@dataclass(frozen=True)
class _Shown:
    name: str
    number: int | None
    side: str = ""
    verdict: str = ""
    score: float = 0.0
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
    return render("table", rows=_shown(record, reply), links=links)


def result_rows(record: Record, reply: Reply) -> tuple[Row, ...]:
    """A row for each image, then one for each file that could not be read."""
    threshold = threshold_of(record)
    rows = []
    for name, sha256, answer in zip(reply.names, reply.hashes, reply.answers, strict=True):
        score = None if answer.probabilities is None else round(any_dementia(answer), 6)
        above = None if score is None or threshold is None else side_of(answer, threshold) == "above"
        shares = answer.probabilities and {stage: round(share, 6) for stage, share in answer.probabilities.items()}
        unlikeness = None if answer.unlikeness is None else round(answer.unlikeness, 3)
        rows.append(Row(name, sha256, score, threshold, above, answer.stage, shares, unlikeness, answer.refused))
    rows += [Row(one.name, "", None, threshold, None, None, None, None, one.problem) for one in reply.unread]
    return tuple(rows)


def results_csv(record: Record, rows: tuple[Row, ...]) -> str:
    """Rows as CSV that no spreadsheet takes for formulas."""
    columns: list[object] = [
        "image", "any_dementia", "threshold", "above", "stage", *STAGES, "unlikeness", "problem",
        "image_sha256", "model_sha256",
    ]  # fmt: skip
    cells = [
        [
            row.name, row.any_dementia, row.threshold, row.above, row.stage,
            *((row.probabilities or {}).get(stage) for stage in STAGES), row.unlikeness, row.problem,
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
            stage = TITLES[best(answer)].lower()
            shown.append(_Shown(name, number, side, _SAID[side], any_dementia(answer), stage))
    # A problem begins with its file's name, which stands beside it already.
    shown += [_Shown(one.name, None, problem=one.problem.removeprefix(f"{one.name}: ")) for one in reply.unread]
    return shown


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
