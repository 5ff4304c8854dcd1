"""Answers as text, JSON or CSV, written one by one as they come."""

import csv
import json
from typing import Any, Protocol, TextIO

from alzedge.inference.answering import Result
from alzedge.inference.classifier import Answer
from alzedge.stages import DISCLAIMER, STAGES

CSV_COLUMNS = ("path", "slice", "stage", "refused", "unlikeness", *STAGES, "error")
_CHECK_VOLUME = "check that it is a skull-stripped T1 volume of a whole head, and its orientation"


class Writer(Protocol):
    """Takes results in order."""

    def write(self, result: Result) -> None:
        """Write one result."""

    def close(self) -> None:
        """Write what belongs at the end; the stream stays open."""


class TextWriter:
    """A line for each slice and each volume; errors are told elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, result: Result) -> None:
        """See `Writer`."""
        if result.error is None:
            self._stream.write(f"{printable(result.name)}: {_told(result)}\n")

    def close(self) -> None:
        """See `Writer`."""
        self._stream.flush()


class JsonWriter:
    """One document, `{"model": ..., "predictions": [...], "disclaimer": ...}`, a line for each prediction.

    Args:
        stream: to write to.
        record: of the model.
    """

    def __init__(self, stream: TextIO, record: dict[str, Any]) -> None:
        self._stream = stream
        model = {"kind": record["kind"], "sha256": record["sha256"]}
        self._before = f'{{\n"model": {json.dumps(model)},\n"predictions": ['

    def write(self, result: Result) -> None:
        """See `Writer`."""
        self._stream.write(f"{self._before}\n{json.dumps(_as_json(result))}")
        self._before = ","

    def close(self) -> None:
        """See `Writer`."""
        end = self._before.removesuffix(",")
        self._stream.write(f'{end}\n],\n"disclaimer": {json.dumps(DISCLAIMER)}\n}}\n')
        self._stream.flush()


class CsvWriter:
    """A row for each slice, and before a volume's slices one for all of them, whose `slice` is `all`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(CSV_COLUMNS)

    def write(self, result: Result) -> None:
        """See `Writer`."""
        if result.error is not None:
            self._rows.writerow([result.name, *[""] * (len(CSV_COLUMNS) - 2), result.error])
        if result.person is not None:
            self._rows.writerow([result.name, "all", *_cells(result.person)])
        for number, answer in enumerate(result.answers, 1):
            self._rows.writerow([result.name, number if result.positions else "", *_cells(answer)])

    def close(self) -> None:
        """See `Writer`."""
        self._stream.flush()


def printable(text: str) -> str:
    """Text without what would break its line or steer a terminal: file names may hold anything."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _told(result: Result) -> str:
    if result.person is None:
        return _sentence(result.answers[0])
    refused = sum(answer.refused is not None for answer in result.answers)
    slices = len(result.answers)
    if refused == slices:
        return f"{result.person.refused}; {_CHECK_VOLUME} ({slices} of {slices} slices refused)"
    return f"{_sentence(result.person)}  mean of {slices - refused} slices, {refused} refused"


def _sentence(answer: Answer) -> str:
    if answer.probabilities is None:
        return f"{answer.refused} (unlikeness {answer.unlikeness:.1f})"
    shares = "  ".join(f"{stage} {share:.3f}" for stage, share in answer.probabilities.items())
    return f"{answer.stage}  ({shares})"


def _as_json(result: Result) -> dict[str, Any]:
    if result.error is not None:
        return {"path": result.name, "error": result.error}
    if result.person is None:
        return {"path": result.name, **entries(result.answers[0])}
    slices = [
        {"position_mm": round(position, 3), **entries(answer)}
        for position, answer in zip(result.positions, result.answers, strict=True)
    ]
    return {"path": result.name, **entries(result.person), "slices": slices}


def entries(answer: Answer) -> dict[str, Any]:
    """An answer as JSON tells it: `stage`, `probabilities`, `refused` and `unlikeness`, null where there is none."""
    rounded = answer.probabilities and {stage: round(share, 6) for stage, share in answer.probabilities.items()}
    return {
        "stage": answer.stage,
        "probabilities": rounded,
        "refused": answer.refused,
        "unlikeness": None if answer.unlikeness is None else round(answer.unlikeness, 3),
    }


def _cells(answer: Answer) -> list[Any]:
    told = entries(answer)
    shares = list((told["probabilities"] or dict.fromkeys(STAGES)).values())
    return [told["stage"], told["refused"], told["unlikeness"], *shares, None]
