"""The table `subjects.csv`, written and read: the person on each image of a data set, and what is known of them.

UTF-8 with a header, split by comma, semicolon or tab; columns `path` (below the data set's folder) and `subject`, optionally
`label`, `slice`, `split`, `scan`, `height`, `sex`, `age`, `education`, `mmse`, `etiv` and `nwbv`. Other columns are
passed over, so is space around a value.
"""

import csv
import io
import itertools
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.errors import UserError
from alzedge.stages import STAGES, stage_index
from alzedge.utils.parsing import parsing

SUBJECTS_FILE = "subjects.csv"
SPLITS = ("train", "test")
# How copies of the set call the folders of the two sides.
SPLIT_FOLDERS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
_COLUMNS = ("path", "label", "subject", "slice", "split")
# What a value may be, and its unit.
_RANGES = {
    "height": (-200, 200, " mm"),
    "age": (1, 120, " years"),
    "education": (0, 40, ""),
    "mmse": (0, 30, ""),
    "etiv": (300, 3000, " cm3"),
    "nwbv": (0.3, 1, ""),
}
_MORE_COLUMNS = ("scan", "sex", *_RANGES)
_MISSING = {"", "n/a", "na", "nan", "none", "null", ".", "-", "?"}
# Written where nobody is known: taken for a name, all such images would be one person's.
_NOBODY = {"", "n/a", "na", "nan", "none", "null", "unknown", "?", "-", "."}
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}


@dataclass(frozen=True)
class SubjectRow:
    """One row of the table.

    Attributes:
        path: of the image, relative to the data set.
        subject: the person's name.
        label: index into `STAGES`; None where the table does not say.
        slice: position in the volume from 1 upwards; 0 when unknown.
        split: 'train' or 'test'; '' where the table does not say.
        scan: the acquisition; '' where the table does not say.
        sex: 'F' or 'M'; '' where the table does not say.
        height, age, education, mmse, etiv, nwbv: see `alzedge.data.dataset.DataSet`; None where the table does not say.
    """

    path: str
    subject: str
    label: int | None = None
    slice: int = 0
    split: str = ""
    scan: str = ""
    sex: str = ""
    height: float | None = None
    age: float | None = None
    education: float | None = None
    mmse: float | None = None
    etiv: float | None = None
    nwbv: float | None = None


def find_table(names: Iterable[str]) -> str | None:
    """The name of the table among a data set's relative file names, the topmost if there are several."""
    tables = [name for name in names if Path(name).name.lower() == SUBJECTS_FILE]
    return min(tables, key=len) if tables else None


def read_rows(text: TextIO, where: str) -> Iterator[SubjectRow]:
    """Read a table row by row.

    Args:
        text: the table.
        where: how to call it in messages.

    Raises:
        UserError: a column is missing, a row has no subject or an impossible value, or it is not a table.
    """
    with parsing(f"{where}: not a readable table", "write it as UTF-8 CSV."):
        header = text.readline()
        if re.fullmatch('"?sep=."?', header.strip(), re.IGNORECASE):  # Excel's own first line
            header = text.readline()
        reader = csv.DictReader(itertools.chain([header], text), delimiter=max(",;\t", key=header.count))
        reader.fieldnames = names = [name.strip().lower() for name in reader.fieldnames or ()]
        _check_columns(names, where)
        for raw in reader:
            cells = {key: (value or "").strip() for key, value in raw.items() if isinstance(key, str)}
            if any(cells.values()):  # Excel writes rows of commas below a table that was once longer
                if any(cell.strip() for cell in raw.get(None, ())):
                    raise UserError(
                        f"{where}: the row of {cells.get('path')} has more cells than the header; put values with a comma in "
                        "quotes, or split by semicolons."
                    )
                yield _row(cells, where)


def _check_columns(names: list[str], where: str) -> None:
    for column in ("path", "subject"):
        if column not in names:
            raise UserError(
                f"{where}: no column {column!r}; its first line names path,subject and a row follows for every image."
            )
    for column in (*_COLUMNS, *_MORE_COLUMNS):
        if names.count(column) > 1:
            raise UserError(f"{where}: two columns are called {column!r}; keep one of them.")


def _row(cells: dict[str, str], where: str) -> SubjectRow:
    path, subject, split = _posix(cells["path"]), cells["subject"], cells.get("split", "")
    if subject.lower() in _NOBODY:
        raise UserError(f"{where}: no subject for {path}; name one, or remove the file if people are unknown.")
    split = SPLIT_FOLDERS.get(split.lower(), split)
    if split and split not in SPLITS:
        raise UserError(f"{where}: {path} has split {split!r}; expected train or test.")
    position = _position(cells.get("slice", ""), f"{where}: {path}")
    label = stage_index(cells["label"]) if cells.get("label") else None
    if label is None and cells.get("label"):
        raise UserError(
            f"{where}: {path} has a label {cells['label']!r}, which is not a stage: the stages are {', '.join(STAGES)}."
        )
    values = {column: _number(cells.get(column, ""), column, f"{where}: {path}") for column in _RANGES}
    sex = _sex(cells.get("sex", ""), f"{where}: {path}")
    return SubjectRow(path, subject, label, position, split, cells.get("scan", ""), sex, **values)


def _position(cell: str, where: str) -> int:
    """A slice's number, which spreadsheets may write as 3.0; 0 where there is none."""
    try:
        position = float(cell) if cell.lower() not in _MISSING else 0.0
    except ValueError:
        position = -1.0
    if not 0 <= position < 2**31 or position != int(position):
        raise UserError(f"{where} has slice {cell}; slices are counted from 1 upwards, in whole numbers.")
    return int(position)


def _sex(cell: str, where: str) -> str:
    if cell.lower() in _MISSING:
        return ""
    if cell.lower() not in _SEXES:
        raise UserError(f"{where} has sex {cell!r}; expected F or M, or nothing.")
    return _SEXES[cell.lower()]


def _number(cell: str, column: str, where: str) -> float | None:
    """A value in its range; a decimal comma is read."""
    if cell.lower() in _MISSING:
        return None
    low, high, unit = _RANGES[column]
    try:
        value = float(cell.replace(",", "."))
    except ValueError as error:
        raise UserError(f"{where} has {column} {cell!r}, not a number; correct it or leave it empty.") from error
    if not low <= value <= high:
        raise UserError(f"{where} has {column} {cell}; expected {low:g} to {high:g}{unit}, or nothing.")
    return value


def agreed(rows: dict[str, SubjectRow], where: str) -> dict[str, SubjectRow]:
    """Rows of which all of one scan say the same of the person: what one row leaves empty, another fills.

    Args:
        rows: by path.
        where: how to call the table in messages.

    Raises:
        UserError: two rows of one scan have different values, or two of one person different sexes.
    """
    found: dict[tuple[str, str, str], str | float] = {}
    for row in rows.values():
        for key in _keys(row):
            value = getattr(row, key[2])
            if value not in ("", None) and found.setdefault(key, value) != value:
                raise UserError(
                    f"{where}: {row.subject} has {key[2]} {found[key]} and {value}; keep one, or give each visit a scan of its "
                    "own in a column scan."
                )
    return {path: replace(row, **_filled(row, found)) for path, row in rows.items()}


def _filled(row: SubjectRow, found: dict[tuple[str, str, str], str | float]) -> dict[str, Any]:
    return {key[2]: found[key] for key in _keys(row) if key in found}


def _keys(row: SubjectRow) -> list[tuple[str, str, str]]:
    """Person, scan and column of what the rows of one scan share; the sex is that of all scans."""
    return [(row.subject, "", "sex"), *((row.subject, row.scan, name) for name in _RANGES if name != "height")]


def _posix(path: str) -> str:
    """A path as an image's is: folders divided by /, the split's folder called train or test."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")] or [""]
    return "/".join([SPLIT_FOLDERS.get(parts[0].lower(), parts[0]), *parts[1:]])


def subjects_csv(dataset: DataSet) -> str:
    """Write the table of a data set in the order of its slices: `path,label,subject,slice,split`, and what else is known."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    more = {
        name: cells
        for name in _MORE_COLUMNS
        if any(cells := [_cell(value) for value in getattr(dataset, name).tolist()])
    }
    writer.writerow([*_COLUMNS, *more])
    stages = ["" if label == UNKNOWN_STAGE else STAGES[label] for label in dataset.labels]
    columns = (dataset.paths, stages, dataset.subject, dataset.slice, dataset.split, *more.values())
    writer.writerows(zip(*columns, strict=True))
    return buffer.getvalue()


def _cell(value: str | float) -> str:
    return "" if isinstance(value, float) and math.isnan(value) else str(value)


def no_row(where: str, path: str) -> UserError:
    """Error for an image that the table `where` does not hold."""
    return UserError(f"{where}: no row {path!r}; it needs path,subject and a row for every image.")


def two_rows(where: str, path: str) -> UserError:
    """Error for a path with two different rows."""
    return UserError(f"{where}: two different rows for {path}; keep one.")


def two_stages(where: str, subject: str, *, label: int, other_label: int, path: str) -> UserError:
    """Error for a person whose images are of two stages; `path` is of `label`."""
    return UserError(
        f"{where}: {subject} is {STAGES[other_label]} on other images and {STAGES[label]} on {path}; give each visit a "
        "subject of its own or mend the labels."
    )
