"""A data set's images one by one, for sets too large to hold: of each image some bytes are kept, of its name none."""

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from alzedge.data import kaggle
from alzedge.data.entries import PHANTOMS_FILE, Entry, check_sides, completed, entries_in, several_data_sets
from alzedge.data.subjects_csv import (
    SUBJECTS_FILE,
    SubjectRow,
    find_table,
    no_row,
    read_rows,
    two_rows,
    two_stages,
)
from alzedge.errors import UserError
from alzedge.utils.archives import open_tree, walk

TRAIN, TEST = 0, 1
_SIDES = {"train": TRAIN, "test": TEST, "": -1}
_SPLIT_OF = {side: split for split, side in _SIDES.items()}
_MAX_TABLE = 256 * 2**20
# How studies write people into file names: OASIS-1 to -3, ADNI, BIDS, and our phantoms.
_IDENTIFIER = re.compile(r"OAS[123]_?\d{4,5}|(?<!\d)\d{3}_S_\d{4,5}|sub-[A-Za-z0-9]+|phantom-\d+")


@dataclass(frozen=True)
class Source:
    """Files of a folder or zip.

    Attributes:
        path: as the user named it.
        names: relative POSIX names, in the same order each time.
        open: one file by its name.
    """

    path: Path
    names: Callable[[], Iterator[str]]
    open: Callable[[str], BinaryIO]

    @cached_property
    def table(self) -> "_Table | None":
        """The data set's `subjects.csv`; None where it has none."""
        name = find_table(self.names())
        return None if name is None else _read_table(self, name)


@dataclass(frozen=True, eq=False)
class Index:
    """Labels, sides and people of N images before their pixels are read, 19 bytes each.

    Attributes:
        key: uint64 (N,), the start of SHA-256 of each image's path.
        label: int8 (N,), index into `STAGES`.
        side: int8 (N,), `TRAIN` or `TEST` of the split as it came; -1 when it came without.
        subject: int32 (N,), index into `people`; -1 when unknown.
        slice: int32 (N,), position in the volume; 0 when unknown.
        people: names.
        known_by: source of the people; empty when unknown.
        synthetic: whether the slices are phantoms.
    """

    key: NDArray[np.uint64]
    label: NDArray[np.int8]
    side: NDArray[np.int8]
    subject: NDArray[np.int32]
    slice: NDArray[np.int32]
    people: tuple[str, ...]
    known_by: str
    synthetic: bool


def open_source(path: Path) -> Source:
    """Open a folder, whose names are walked and not held, or a zip, whose directory Python holds in memory.

    Raises:
        UserError: nothing is there, or it is neither folder nor zip.
    """
    if path.is_dir():
        return Source(path, lambda: _walk(path), lambda name: (path / name).open("rb"))
    tree = open_tree(path)
    return Source(path, lambda: iter(tree.names), lambda name: io.BytesIO(tree.read(name, _MAX_TABLE)))


def images_of(source: Source) -> Iterator[Entry]:
    """The images, always in the same order.

    Raises:
        UserError: an image lies in no class folder, and no table has its label.
    """
    table = source.table
    return entries_in(source.path, source.names(), lambda name: None if table is None else table.labelled(name))


def index_images(source: Source) -> Index:
    """Find the images and, if anything says so, who is on them.

    People come from a `subjects.csv`, from the Kaggle archive's file names, or from a study's
    identifier in every file name (`OAS1_0001`, `002_S_0295`, `sub-01`, `phantom-001`).

    Raises:
        UserError: see `alzedge.data.loading.list_entries`.
    """
    table = source.table
    synthetic = any(Path(n).name == PHANTOMS_FILE for n in source.names())
    if table is not None:
        return _index(source, table.look_up, SUBJECTS_FILE, synthetic)
    try:
        who = kaggle.subjects_from_names(entry.path for entry in images_of(source))
    except UserError:
        pass
    else:
        return _index(
            source,
            lambda entry: replace(entry, subject=who[entry.path][0], slice=who[entry.path][1]),
            kaggle.KNOWN_BY,
            synthetic,
        )
    if all(identifier(entry.name) for entry in images_of(source)):
        return _index(
            source, lambda entry: replace(entry, subject=identifier(entry.name)), "identifiers in file names", synthetic
        )
    return _index(source, lambda entry: entry, "", synthetic)


def identifier(name: str) -> str:
    """The person a study wrote into a file's name or folders; empty when there is none."""
    match = _IDENTIFIER.search(name)
    return match.group() if match else ""


def path_key(path: str) -> int:
    """The first 8 bytes of the path's SHA-256: two of a million paths agree with probability 3e-8."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "little")


def _walk(top: Path) -> Iterator[str]:
    for folder, names in walk(top):
        below = Path(folder).relative_to(top).as_posix()
        prefix = "" if below == "." else f"{below}/"
        for name in names:
            yield prefix + name


def _index(source: Source, complete: Callable[[Entry], Entry], known_by: str, synthetic: bool) -> Index:
    columns = _Columns(source.path, one_stage_each=known_by == SUBJECTS_FILE)
    for entry in images_of(source):
        columns.add(complete(entry))
    # A rare stage may have too few people for both sides of a clean split.
    check_sides(source.path, columns.classes)
    rows = np.frombuffer(bytes(columns.rows), _ROW)
    arrays = {name: rows[name].copy() for name in _ROW.names or ()}
    if len(np.unique(arrays["key"])) < len(rows):
        raise several_data_sets(source.path)
    return Index(**arrays, people=tuple(columns.people), known_by=known_by, synthetic=synthetic)


_ROW = np.dtype([("key", "<u8"), ("label", "i1"), ("side", "i1"), ("subject", "<i4"), ("slice", "<i4")])


@dataclass
class _Columns:
    """Rows of an `Index` while it grows."""

    source: Path
    one_stage_each: bool
    rows: bytearray = field(default_factory=bytearray)
    people: dict[str, int] = field(default_factory=dict)
    first_label: list[int] = field(default_factory=list)
    classes: set[tuple[str, int]] = field(default_factory=set)

    def add(self, entry: Entry) -> None:
        subject = -1
        if entry.subject:
            subject = self.people.setdefault(entry.subject, len(self.people))
            if subject == len(self.first_label):
                self.first_label.append(entry.label)
            if self.one_stage_each and self.first_label[subject] != entry.label:
                other = self.first_label[subject]
                raise two_stages(str(self.source), entry.subject, label=entry.label, other_label=other, path=entry.path)
        row = np.array((path_key(entry.path), entry.label, _SIDES[entry.split], subject, entry.slice), _ROW)
        self.rows += row.tobytes()
        self.classes.add((entry.split, entry.label))


@dataclass(frozen=True, eq=False)
class _Table:
    """A `subjects.csv`, by the key of the path, which is relative to the table's folder."""

    name: str
    folder: str
    rows: NDArray[np.void]
    people: tuple[str, ...]

    def labelled(self, name: str) -> Entry | None:
        """The image of a file outside of class folders; None where the table has no label of it."""
        path = name.removeprefix(self.folder)
        stored = self._row(path)
        return None if stored is None or stored["label"] < 0 else Entry(name, path, int(stored["label"]), "")

    def _row(self, path: str) -> Any:
        at = int(np.searchsorted(self.rows["key"], np.uint64(path_key(path))))
        return self.rows[at] if at < len(self.rows) and int(self.rows["key"][at]) == path_key(path) else None

    def look_up(self, entry: Entry) -> Entry:
        stored = self._row(entry.path)
        if stored is None:
            raise no_row(self.name, entry.path)
        label, split = int(stored["label"]), _SPLIT_OF[int(stored["side"])]
        row = SubjectRow(
            entry.path, self.people[stored["subject"]], None if label < 0 else label, int(stored["slice"]), split
        )
        return completed(entry, row, self.name)


def _read_table(source: Source, name: str) -> _Table:
    where = f"{source.path}: {name}"
    people: dict[str, int] = {}
    rows = bytearray()
    with source.open(name) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        for row in read_rows(text, where):
            subject = people.setdefault(row.subject, len(people))
            label = -1 if row.label is None else row.label
            values = (path_key(row.path), label, _SIDES[row.split], subject, row.slice)
            rows += np.array(values, _ROW).tobytes()
    table = np.unique(np.frombuffer(bytes(rows), _ROW))
    if len(np.unique(table["key"])) < len(table):
        raise two_rows(where, "the same path")
    return _Table(where, name[: -len(Path(name).name)], table, tuple(people))
