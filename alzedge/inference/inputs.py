"""The inputs of `alzedge predict`: slices and volumes in files, folders and zip archives.

Items come one by one and in a fixed order: paths as they are named; within a folder or archive
first its own files by name, then its sub-folders by name. The DICOM files of one folder are one
item, in the place of the first of them; an Analyze pair is one, and so is a session's folder of OASIS-1, and the volume in
a folder of `alzedge prepare`, with all that lies below it. Hidden files and other kinds of file are passed over.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from alzedge.errors import UserError
from alzedge.imaging.analyze import pair_of
from alzedge.imaging.file_types import ANALYZE, ARCHIVE, DICOM, IMAGE, NIFTI, Start, kind_of, read_start
from alzedge.imaging.foreign_files import OTHER_BYTES, foreign_by_name, kind_of_other
from alzedge.imaging.picture_files import KINDS
from alzedge.utils.archives import open_tree, walk

PROBLEM = "problem"
_ZIP_MAGIC = b"PK\x03\x04"
_NOTHING = (
    f"no slices or volumes in it; expected {KINDS} images, NIfTI (.nii, .nii.gz), Analyze (.hdr, .img) or DICOM files."
)


@dataclass(frozen=True)
class Item:
    """One slice or volume, not yet read.

    Attributes:
        name: its path, as the user reads it.
        kind: `image`, `nifti`, `analyze`, `dicom`, or `problem`.
        files: paths, or entries of `archive`; more than one for a DICOM series and an Analyze pair, the header first.
        archive: the zip archive that holds them.
        problem: the sentence why there is nothing to read.
        notes: what was chosen, sentences without a full stop.
    """

    name: str
    kind: str
    files: tuple[str, ...] = ()
    archive: str | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()


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
            yield _problem(path, _NOTHING)


def sentence(error: Exception, path: Path | str) -> str:
    """The sentence for an error on the way to `path`."""
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
        elif not path.is_file():
            yield _problem(path, "a pipe or a device, not a file; name a file or a folder of files.")
        elif read_start(str(path), 4) == _ZIP_MAGIC or path.suffix.lower() == ".zip":
            yield from _in_archive(str(path))
        else:
            yield _of_file(path)
    except OSError as error:
        yield _unreadable(path, error)


def _of_file(path: Path) -> Item:
    kind = kind_of(path.name, lambda _, length: read_start(str(path), length))
    if kind == ANALYZE:
        return _pair(str(path), lambda name: Path(name).is_file())
    if kind is None:
        foreign = foreign_by_name(path.name) or kind_of_other(read_start(str(path), OTHER_BYTES))
        if foreign:
            return _problem(path, f"{foreign}.")
    return Item(str(path), kind or IMAGE, (str(path),))  # the decoder says what is wrong with a file of another kind


def _pair(file: str, exists: Callable[[str], bool]) -> Item:
    """The item of an Analyze pair, named by its header, or the problem that one file of it is missing."""
    try:
        files = pair_of(file, exists)
    except UserError as error:
        return Item(file, PROBLEM, problem=str(error))
    return Item(files[0], ANALYZE, files)


def _in_folder(top: Path) -> Iterator[Item]:
    from alzedge.preparation.scans import find_scan, oasis_scan, prepared_volume

    failures: list[OSError] = []
    session = "\0"  # the folder of one scan whose sub-folders are being gone through; they are part of its item
    for folder, names in walk(top, failures.append):
        if folder.startswith(session):
            continue
        if (volume := prepared_volume(Path(folder))) is not None:
            session = f"{folder.rstrip('/')}/"
            yield Item(str(volume), NIFTI, (str(volume),))
            continue
        if oasis_scan(Path(folder)) is not None:
            found = find_scan(Path(folder))
            session = f"{folder.rstrip('/')}/"
            yield Item(folder, found.kind, found.files, notes=found.notes)
            continue
        # Paths one by one: of a hundred thousand files only the names are kept.
        files = (f"{folder.rstrip('/')}/{name}" for name in names)
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
            empty = True
            for name in tree.names:
                folders.setdefault(name.rpartition("/")[0], []).append(name)
            for folder in sorted(folders, key=lambda name: name.split("/") if name else []):
                for item in _grouped(folder, folders[folder], tree.start):
                    empty = False
                    if item.kind == ARCHIVE:
                        yield _problem(f"{path}/{item.name}", "a zip archive in a zip archive; unpack the outer one.")
                    else:
                        problem = item.problem
                        if problem is not None and problem.startswith(f"{item.name}: "):
                            problem = f"{path}/{problem}"
                        yield Item(f"{path}/{item.name}".rstrip("/"), item.kind, item.files, path, problem)
            if empty:
                yield _problem(path, _NOTHING)
    except (UserError, OSError) as error:
        yield Item(path, PROBLEM, problem=sentence(error, path))


def _grouped(folder: str, files: Iterable[str], start: Start) -> Iterator[Item]:
    """The items among the files of one folder; zip archives are named, not opened."""
    series: list[str] = []
    waiting: list[Item] = []
    files = list(files)
    there = set(files)
    seen: set[str] = set()  # files of Analyze pairs
    for file in files:
        try:
            kind = kind_of(file, start)
        except (UserError, OSError) as error:
            waiting.append(Item(file, PROBLEM, problem=sentence(error, file)))
            continue
        foreign = foreign_by_name(file) if kind is None else None
        if foreign:
            waiting.append(_problem(file, f"{foreign}."))
        if kind == DICOM:
            series.append(file)
        if kind in (None, DICOM) or file in seen:
            continue
        item = _pair(file, there.__contains__) if kind == ANALYZE else Item(file, str(kind), (file,))
        seen.update(item.files if kind == ANALYZE else ())
        if series or item.kind == PROBLEM:
            waiting.append(item)
        else:
            yield item
    if series:
        yield Item(series[0] if len(series) == 1 else folder, DICOM, tuple(series))
    yield from waiting
