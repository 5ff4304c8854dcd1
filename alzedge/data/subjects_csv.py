"""The table `subjects.csv`, written and read: the person on each image of a data set.

UTF-8 with a header; columns `path` (below the data set's folder) and `subject`, optionally `label`, `slice` and
`split`. Other columns are passed over, so is space around a value.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.stages import STAGES, label_of
from alzedge.utils.parsing import parsing

SUBJECTS_FILE = "subjects.csv"
SPLITS = ("train", "test")
# How copies of the set call the folders of the two sides.
SPLIT_FOLDERS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
_COLUMNS = ("path", "label", "subject", "slice", "split")


@dataclass(frozen=True)
class SubjectRow:
    """One row of the table.

    Attributes:
        path: of the image, relative to the data set.
        subject: the person's name.
        label: index into `STAGES`; None where the table does not say.
        slice: position in the volume from 1 upwards; 0 when unknown.
        split: 'train' or 'test'; '' where the table does not say.
    """

    path: str
    subject: str
    label: int | None = None
    slice: int = 0
    split: str = ""


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
        for raw in csv.DictReader(text):
            cells = {key: (value or "").strip() for key, value in raw.items() if isinstance(key, str)}
            if any(cells.values()):  # Excel writes rows of commas below a table that was once longer
                yield _row(cells, where)


def _row(cells: dict[str, str], where: str) -> SubjectRow:
    for column in ("path", "subject"):
        if column not in cells:
            raise UserError(f"{where}: no column {column!r}; it needs path,subject and a row for every image.")
    path, subject, split = _posix(cells["path"]), cells["subject"], cells.get("split", "")
    if not subject:
        raise UserError(f"{where}: no subject for {path}; name one, or remove the file if people are unknown.")
    if split and split not in SPLITS:
        raise UserError(f"{where}: {path} has split {split!r}; expected train or test.")
    position = int(cells.get("slice") or 0)
    if not 0 <= position < 2**31:
        raise UserError(f"{where}: {path} has slice {position}; slices are counted from 1 upwards.")
    label = label_of(cells["label"]) if cells.get("label") else None
    return SubjectRow(path, subject, label, position, split)


def _posix(path: str) -> str:
    """A path as an image's is: folders divided by /, the split's folder called train or test."""
    parts = path.replace("\\", "/").split("/")
    return "/".join([SPLIT_FOLDERS.get(parts[0].lower(), parts[0]), *parts[1:]])


def subjects_csv(dataset: DataSet) -> str:
    """Write the table of a data set, `path,label,subject,slice,split`, in the order of its slices."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    columns = (dataset.paths, dataset.labels, dataset.subject, dataset.slice, dataset.split)
    for path, label, subject, position, split in zip(*columns, strict=True):
        writer.writerow([path, STAGES[label], subject, position, split])
    return buffer.getvalue()


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
