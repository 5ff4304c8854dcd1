"""Answers as text, JSON or CSV, written one by one as they come."""

import csv
import json
from dataclasses import asdict
from typing import Any, Protocol, TextIO

from alzedge.inference.answer import Answer, without_copies
from alzedge.inference.answering import Result
from alzedge.inference.measures.operating_point import AnyDementia, OperatingPoint
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.inference.measures.words import age_in_words, set_in_words, volume_in_words
from alzedge.stages import DISCLAIMER, STAGES
from alzedge.utils.parsing import printable

CSV_COLUMNS = (
    *("path", "slice", "any_dementia", "threshold", "above"),
    *("brain_volume", "brain_volume_low", "brain_volume_high", "brain_volume_percentile"),
    *("apparent_age", "apparent_age_low", "apparent_age_high"),
    *("stage", "refused", "unlikeness", *STAGES, "stage_set", "error", "notes"),
)
_NO_STAGE = "none"  # cell of an empty stage set; an empty cell is no set at all
_CHECK_VOLUME = "check that it is a skull-stripped T1 volume of a whole head, and its orientation"


class Writer(Protocol):
    """Takes results in order."""

    def write(self, result: Result) -> None:
        """Write one result."""

    def close(self) -> None:
        """Write what belongs at the end; the stream stays open."""


class TextWriter:
    """A line for each slice and each person, on a terminal several; errors are shown elsewhere.

    Args:
        stream: to write to.
        age, sex: years, and 'F' or 'M', that percentiles of the brain volume are for.
    """

    def __init__(self, stream: TextIO, age: float | None = None, sex: str | None = None) -> None:
        self._stream = stream
        self._told = age, sex
        self._between = "\n  " if stream.isatty() else "; "

    def write(self, result: Result) -> None:
        """See `Writer`."""
        if result.error is None:
            self._stream.write(f"{printable(result.name)}: {self._between.join(_parts(result, *self._told))}\n")

    def close(self) -> None:
        """See `Writer`."""
        self._stream.flush()


class JsonWriter:
    """One document, `{"model": ..., "predictions": [...], "disclaimer": ...}`, a line for each prediction.

    Args:
        stream: to write to.
        record: of the model.
        notes: sentences on the model by name, such as what its operating point costs; entries of `model`.
    """

    def __init__(self, stream: TextIO, record: dict[str, Any], notes: dict[str, str] | None = None) -> None:
        self._stream = stream
        point = OperatingPoint.read(record)
        model = {
            "kind": record["kind"],
            "sha256": record["sha256"],
            "operating_point": point and asdict(point),
            **(notes or {}),
        }
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
            self._rows.writerow([_inert(result.name), *[""] * (len(CSV_COLUMNS) - 3), _inert(result.error), ""])
        if result.person is not None:
            self._rows.writerow([_inert(result.name), "all", *_cells(result.person), _told(result.notes)])
        for number, answer in enumerate(result.answers, 1):
            name = result.names[number - 1] if result.names else result.name
            self._rows.writerow(
                [_inert(name), number if result.positions else "", *_cells(answer), _told(answer.notes)]
            )

    def close(self) -> None:
        """See `Writer`."""
        self._stream.flush()


def _told(notes: tuple[str, ...]) -> str:
    return _inert("; ".join(notes))


def _inert(text: str) -> str:
    """A cell that a spreadsheet shows and does not calculate; owasp.org/www-community/attacks/CSV_Injection."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _parts(result: Result, age: float | None, sex: str | None) -> list[str]:
    if result.person is None:
        return _answer_parts(result.answers[0], age, sex)
    refused = sum(answer.refused is not None for answer in result.answers)
    slices = len(result.answers)
    if refused == slices:
        return [
            f"{result.person.refused}; {_CHECK_VOLUME} ({slices} of {slices} slice{'' if slices == 1 else 's'} refused)"
        ]
    together = "mean of" if result.person.stage_set is None else "from"
    counted = len(without_copies([answer for answer in result.answers if answer.refused is None]))
    basis = f"{together} {counted} slice{'' if counted == 1 else 's'}, {refused} refused"
    if copies := slices - refused - counted:
        basis += f", {copies} cop{'y' if copies == 1 else 'ies'} left out"
    return [*_answer_parts(result.person, age, sex), basis]


def _answer_parts(answer: Answer, age: float | None, sex: str | None) -> list[str]:
    if answer.probabilities is None:
        return [f"{answer.refused} (unlikeness {answer.unlikeness:.1f}, from 1 on refused)"]
    parts = [beside_threshold(answer.any_dementia)]
    if answer.brain_volume is not None:
        parts.append(volume_in_words(answer.brain_volume, age, sex))
    if answer.apparent_age is not None:
        parts.append(age_in_words(answer.apparent_age))
    shares = "  ".join(f"{stage} {share:.3f}" for stage, share in answer.probabilities.items())
    parts.append(f"{answer.stage}  ({shares})")
    if answer.stage_set is not None:
        parts.append(set_in_words(answer.stage_set))
    return parts


def beside_threshold(dementia: AnyDementia | None) -> str:
    """A score for any dementia and the side of the threshold it lies on, in words; empty for a refused slice."""
    if dementia is None or dementia.threshold is None:
        return "" if dementia is None else f"any dementia {dementia.value:.3f}, no threshold known"
    side = "above" if dementia.above else "below"
    value, threshold = digits_of(dementia.value, dementia.threshold)
    return f"any dementia {value}, {side} the threshold {threshold}"


def digits_of(value: float, threshold: float) -> tuple[str, str]:
    """A score and the threshold with as many digits as it takes to see on which side the score lies."""
    digits = 3 if f"{value:.3f}" != f"{threshold:.3f}" else 6
    return f"{value:.{digits}f}", f"{threshold:.{digits}f}"


def _as_json(result: Result) -> dict[str, Any]:
    if result.error is not None:
        return {"path": result.name, "error": result.error}
    if result.person is None:
        return {"path": result.name, **entries(result.answers[0])}
    if result.names:
        slices = [{"path": name, **entries(one)} for name, one in zip(result.names, result.answers, strict=True)]
        return {"path": result.name, **entries(result.person), "notes": list(result.notes), "slices": slices}
    slices = [
        {"position_mm": round(position, 3), **entries(answer)}
        for position, answer in zip(result.positions, result.answers, strict=True)
    ]
    about = {"notes": list(result.notes), "quality": result.quality and asdict(result.quality)}
    return {"path": result.name, **entries(result.person), **about, "slices": slices}


def entries(answer: Answer) -> dict[str, Any]:
    """An answer as JSON holds it, null where there is none.

    `any_dementia` comes first, with the score, the file's operating threshold and which side of it the score lies on;
    then `brain_volume` and `apparent_age`, `stage`, `probabilities` and `stage_set`, `refused` and `unlikeness`, `notes`.
    """
    dementia = answer.any_dementia
    rounded = answer.probabilities and {stage: round(share, 6) for stage, share in answer.probabilities.items()}
    return {
        "any_dementia": {
            "value": dementia and round(dementia.value, 6),
            "threshold": answer.threshold,
            "above": dementia and dementia.above,
        },
        "brain_volume": answer.brain_volume and _rounded(answer.brain_volume, 4),
        "apparent_age": answer.apparent_age and _rounded(answer.apparent_age, 1),
        "stage": answer.stage,
        "probabilities": rounded,
        "stage_set": None if answer.stage_set is None else list(answer.stage_set),
        "refused": answer.refused,
        "unlikeness": None if answer.unlikeness is None else round(answer.unlikeness, 3),
        "notes": list(answer.notes),
    }


def _rounded(measured: BrainVolume | ApparentAge, digits: int) -> dict[str, float | None]:
    places = {"percentile": 1}
    values = asdict(measured).items()
    return {name: None if value is None else round(value, places.get(name, digits)) for name, value in values}


def _cells(answer: Answer) -> list[Any]:
    values = entries(answer)
    shares = list((values["probabilities"] or dict.fromkeys(STAGES)).values())
    dementia = values["any_dementia"]
    side = [dementia["value"], dementia["threshold"], dementia["above"]]
    volume = list((values["brain_volume"] or dict.fromkeys(("value", "low", "high", "percentile"))).values())
    age = list((values["apparent_age"] or dict.fromkeys(("value", "low", "high"))).values())
    stages = values["stage_set"]
    left = None if stages is None else " ".join(stages) or _NO_STAGE
    return [*side, *volume, *age, values["stage"], values["refused"], values["unlikeness"], *shares, left, None]
