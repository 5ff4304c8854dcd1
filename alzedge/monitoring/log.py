"""A log of what came in: a line of numbers for each person, without image, name, age, sex or time.

The first line of every file names the format and the model. A file that has grown too long, or that another model wrote, is
moved to `FILE.1`, the one before it to `FILE.2`, and so on; the oldest is deleted.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.inference.answer import Answer
from alzedge.monitoring.features import FEATURES, feature_values
from alzedge.monitoring.measure import Measured, Sample, person_row
from alzedge.monitoring.quantities import LOGGED
from alzedge.utils.parsing import reason_of

_FORMAT = "alzedge-log-1"
MAX_BYTES, KEPT = 10_000_000, 9
_DIGITS = 4
Floats = NDArray[np.float64]


# Takes a question's slices, their answers, that for all of them, heights, and whether they are known to be one person's.
Keep = Callable[[NDArray[np.uint8], Sequence[Answer], Answer, Iterable[Any], bool], None]


class AnswerLog:
    """A log that lines are added to; several threads may do so.

    Args:
        path: of the file.
        model: SHA-256 of the model that answers.
        most: bytes, after which a new file is begun.
        kept: so many older files are kept.

    Raises:
        UserError: the path is of something else than a log.
    """

    def __init__(self, path: Path, model: str, most: int = MAX_BYTES, kept: int = KEPT) -> None:
        self._path, self._model, self._most, self._kept = path, model, most, kept
        self._lock = threading.Lock()
        check_log(path)
        if path.exists() and path.stat().st_size and _read_head(path) != model:
            self._rotate()

    def add(
        self,
        features: Floats | None,
        answers: Sequence[Answer],
        person: Answer,
        heights: Iterable[Any] = (),
        one_person: bool = True,
    ) -> None:
        """Add a person, or slices of whom nobody said whether they are one person's.

        Args:
            features: (n, 9), of the slices; see `alzedge.monitoring.features`. None where none could be measured.
            answers: of the slices.
            person: of all of them together.
            heights: of the slices, mm in the frame; nothing, NaN or None where unknown.
            one_person: whether they are known to be one person's. Others are no part of a comparison.
        """
        measured = np.full((1, len(FEATURES)), np.nan) if features is None else features
        row = person_row(measured, answers, person, heights)
        values = {name: _short(value) for name, value in zip(LOGGED, row.tolist(), strict=True)}
        line = json.dumps({"person": one_person, "slices": len(answers), **values}) + "\n"
        with self._lock:
            self._append(line)

    def keep(
        self,
        slices: NDArray[np.uint8],
        answers: Sequence[Answer],
        person: Answer,
        heights: Iterable[Any],
        one_person: bool,
    ) -> None:
        """Measure slices, uint8 (n, 208, 176), and `add` them; a `Keep`."""
        self.add(feature_values(slices), answers, person, heights, one_person)

    def _append(self, line: str) -> None:
        size = self._path.stat().st_size if self._path.exists() else 0
        if size and size + len(line) > self._most:
            self._rotate()
            size = 0
        if size == 0:
            line = json.dumps({"format": _FORMAT, "model": self._model}) + "\n" + line
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())  # one write, so that lines of several processes do not mix
        finally:
            os.close(handle)

    def _rotate(self) -> None:
        for number in range(self._kept, 0, -1):
            older = _numbered(self._path, number - 1)
            if older.exists():
                older.replace(_numbered(self._path, number))


def check_log(path: Path) -> None:
    """Refuse a path for a log that is something else.

    Raises:
        UserError: a folder, or a file that is not a log.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is not an ordinary file; name another for the log.")
    if path.exists() and path.stat().st_size:
        _read_head(path)


def read_logs(paths: Sequence[Path]) -> Measured:
    """Read logs of one model as people; lines on slices of nobody known are left out.

    Raises:
        UserError: a file that is none, empty or damaged, or logs of different models.
    """
    models, rows = {}, []
    for path in paths:
        models[path] = _read_head(path)
        rows += _read_lines(path)
    if len(set(models.values())) > 1:
        raise UserError(f"{paths[0]} and others are logs of different models; compare each model's by itself.")
    if not rows:
        raise UserError(
            f"{paths[0]}: an empty log, nobody was answered; let `alzedge predict --log` write to it first."
        )
    known = np.array([row for person, row in rows if person]).reshape(-1, len(LOGGED) + 1)
    if not len(known):
        raise UserError(
            f"{paths[0]}: {len(rows)} slices and nobody known to be on them; use `alzedge predict --person` or scans."
        )
    numbers = dict(zip((*LOGGED, "slices"), known.T, strict=True))
    return Measured(paths[0].name, None, Sample(numbers, {}), next(iter(models.values())))


def is_log(path: Path) -> bool:
    """True for a file that begins as a log does, or is empty, as no data set is."""
    if not path.is_file():
        return False
    if not path.stat().st_size:
        return True
    with path.open("rb") as file:
        return f'"{_FORMAT}"'.encode() in file.readline(1000)


def _read_head(path: Path) -> str:
    """SHA-256 of the model that wrote a log."""
    if not path.is_file():
        raise UserError(f"{path}: no such log; `alzedge predict --log` and `alzedge demo --log` write one.")
    if not path.stat().st_size:
        raise UserError(f"{path}: an empty log, nobody was answered; let `alzedge predict --log` write to it first.")
    try:
        with path.open(encoding="utf-8") as file:
            head = json.loads(file.readline(1000))
        if head["format"] != _FORMAT:
            raise ValueError(head["format"])
        return str(head["model"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a log of alzedge, or of another version of it; name another file.") from error


def _read_lines(path: Path) -> list[tuple[bool, list[float]]]:
    """Lines as numbers, in the order of `LOGGED`, then the number of slices."""
    rows = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if number == 1 or not line.endswith(
                "\n"
            ):  # the head; a line that is being written, or was when power failed
                continue
            try:
                entry = json.loads(line)
                if isinstance(entry, dict) and entry.get("format") == _FORMAT:  # two processes began the file at once
                    continue
                rows.append((bool(entry["person"]), [_number(entry[name]) for name in (*LOGGED, "slices")]))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise UserError(
                    f"{path}: line {number} is damaged ({reason_of(error)}); delete the line or name another log."
                ) from error
    return rows


def _number(value: Any) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _short(value: float) -> float | None:
    """Four digits: enough to compare people, too few to find one of them again."""
    return None if np.isnan(value) else float(f"{value:.{_DIGITS}g}")


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path
