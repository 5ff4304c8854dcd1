"""What `alzedge predict` is asked about: slices and volumes in files, folders and zip archives.

Items come one by one and in a fixed order: paths as they are named; within a folder or archive
first its own files by name, then its sub-folders by name. The DICOM files of one folder are one
item, in the place of the first of them. Hidden files and other kinds of file are passed over.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from alzedge.errors import UserError
from alzedge.imaging.file_types import ARCHIVE, DICOM, IMAGE, Start, kind_of, read_start
from alzedge.utils.archives import open_tree

PROBLEM = "problem"
_ZIP_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True)
class Item:
    """One slice or volume, not yet read.

    Attributes:
        name: its path, as told to the user.
        kind: `image`, `nifti`, `dicom`, or `problem`.
        files: paths, or entries of `archive`; more than one for a DICOM series.
        archive: the zip archive that holds them.
        problem: the sentence why there is nothing to read.
    """

    name: str
    kind: str
    files: tuple[str, ...] = ()
    archive: str | None = None
    problem: str | None = None


def find_items(paths: Iterable[Path]) -> Iterator[Item]:
    """All items of files, folders and zip archives; see the module for their order.

    A path that is absent, unreadable or holds nothing gives an item of kind `problem`.
    """
    for path in paths:
        empty = True
        for item in _at(path):
            empty = False
            yield item
        if empty:
            yield _problem(
                path, "no slices or volumes in it; expected JPEG, PNG, NIfTI (.nii, .nii.gz) or DICOM files."
            )


def sentence(error: Exception, path: Path | str) -> str:
    """What to tell of an error on the way to `path`."""
    if isinstance(error, OSError):
        return f"{error.filename or path}: {error.strerror or error}; check the path and its permissions."
    return str(error)


def _problem(path: Path | str, sentence: str) -> Item:
    return Item(str(path), PROBLEM, problem=f"{path}: {sentence}")


def _unreadable(path: Path | str, error: OSError) -> Item:
    return Item(str(error.filename or path), PROBLEM, problem=sentence(error, path))


def _at(path: Path) -> Iterator[Item]:
    try:
        if path.is_dir():
            yield from _in_folder(path)
        elif not path.exists():
            yield _problem(path, "no such file; check the path.")
        elif read_start(str(path), 4) == _ZIP_MAGIC or path.suffix.lower() == ".zip":
            yield from _in_archive(str(path))
        else:  # the decoder says what is wrong with a file of another kind
            yield Item(str(path), _kind_by_content(path), (str(path),))
    except OSError as error:
        yield _unreadable(path, error)


def _kind_by_content(path: Path) -> str:
    return kind_of(path.name, lambda _, length: read_start(str(path), length)) or IMAGE


def _in_folder(top: Path) -> Iterator[Item]:
    failures: list[OSError] = []
    for folder, folders, names in os.walk(top, onerror=failures.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        names.sort()  # in place, and paths one by one: of a hundred thousand files only the names are kept
        files = (f"{folder.rstrip('/')}/{name}" for name in names if not name.startswith("."))
        for item in _grouped(folder, files, read_start):
            if item.kind == ARCHIVE:
                yield from _in_archive(item.name)
            else:
                yield item
        while failures:
            yield _unreadable(top, failures.pop())
    while failures:
        yield _unreadable(top, failures.pop())


def _in_archive(path: str) -> Iterator[Item]:
    try:
        with open_tree(Path(path)) as tree:
            folders: dict[str, list[str]] = {}
            for name in tree.names:
                folders.setdefault(name.rpartition("/")[0], []).append(name)
            for folder in sorted(folders, key=lambda name: name.split("/") if name else []):
                for item in _grouped(folder, folders[folder], tree.start):
                    if item.kind != ARCHIVE:
                        yield Item(f"{path}/{item.name}".rstrip("/"), item.kind, item.files, path, item.problem)
    except UserError as error:
        yield Item(path, PROBLEM, problem=str(error))


def _grouped(folder: str, files: Iterable[str], start: Start) -> Iterator[Item]:
    """The items among the files of one folder; zip archives are named, not opened."""
    series: list[str] = []
    waiting: list[Item] = []
    for file in files:
        try:
            kind = kind_of(file, start)
        except OSError as error:
            waiting.append(_unreadable(file, error))
            continue
        if kind == DICOM:
            series.append(file)
        elif kind is not None and series:
            waiting.append(Item(file, kind, (file,)))
        elif kind is not None:
            yield Item(file, kind, (file,))
    if series:
        yield Item(series[0] if len(series) == 1 else folder, DICOM, tuple(series))
    yield from waiting
