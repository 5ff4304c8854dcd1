"""De-identification of a folder: file by file, in several processes, resumable, originals only read."""

import os
import tempfile
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from alzedge.deidentify.check import problems
from alzedge.deidentify.clean import Defacing, clean_file
from alzedge.deidentify.journal import REPORT, Outcome, Report, add, as_bits, check_destination, opened, report
from alzedge.deidentify.rules.pseudonyms import Pseudonyms
from alzedge.deidentify.rules.refusals import LeftOut
from alzedge.deidentify.series import find_faces
from alzedge.errors import UserError
from alzedge.utils.files import remove_temporaries
from alzedge.utils.processes import map_in_processes

_CONFLICT = "DICOM with the SOP Instance UID of another file but other content; find out which of them is right"
_FAILED = "clean, but not by the audit's reading of it, so it was not written; please report this"


@dataclass(frozen=True)
class _Task:
    """A file for a worker."""

    path: Path
    relative: str
    source: str
    destination: Path
    pseudonyms: Pseudonyms
    deface: Defacing | None


def deidentify(
    source: Path,
    destination: Path,
    pseudonyms: Pseudonyms,
    jobs: int = 1,
    deface: bool = False,
    on_file: Callable[[str, Outcome], None] = lambda path, outcome: None,
) -> Report:
    """De-identify a file or all files of a folder into a new folder.

    Files are written one by one, each whole and after its content was audited. A call that was interrupted goes on where
    it stopped; a file that changed since is done again.

    Args:
        source: file or folder; only read. Links to folders are not followed.
        destination: new or empty folder, or that of an earlier call with the same source and key.
        pseudonyms: of the key.
        jobs: processes.
        deface: whether to remove faces, by registration of each scan to the average head.
        on_file: called with the source path, which may be a name, and the outcome of each file.

    Returns:
        The report over all files, which is also written as `deidentification.json`.

    Raises:
        UserError: a folder that does not fit, or nothing that could be de-identified.
    """
    _check_folders(source, destination)
    check_destination(source, destination, pseudonyms, deface)
    destination.mkdir(parents=True, exist_ok=True)
    with opened(source, destination, pseudonyms, deface) as (done, journal):
        remove_temporaries(destination)
        (destination / REPORT).unlink(missing_ok=True)
        written = {outcome.path for outcome in done.values()} - {""}
        seen: dict[str, Outcome] = {}
        faces = _faces(source, done.keys(), pseudonyms, jobs) if deface else {}

        def tasks() -> Iterator[_Task]:
            for path, relative in _walk(source):
                token = _token(path, relative, pseudonyms)
                if token in done:
                    seen[token] = done[token]
                    on_file(relative, done[token])
                else:
                    wish = faces.get(path, Defacing()) if deface else None
                    yield _Task(path, relative, token, destination, pseudonyms, wish)

        for relative, outcome in map_in_processes(_process, tasks(), jobs):
            if outcome.path in written:
                outcome = replace(outcome, duplicate=True)
            written |= {outcome.path} - {""}
            seen[outcome.source] = outcome
            add(outcome, journal)
            on_file(relative, outcome)
    total = report(seen.values(), pseudonyms)
    if not total.written:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in total.left_out.most_common(3))
        raise UserError(f"{source}: nothing in it can be de-identified ({reasons or 'no files'}).")
    total.save(destination)
    return total


def _check_folders(source: Path, destination: Path) -> None:
    if not source.exists():
        raise UserError(f"{source}: no such file or folder; check the path.")
    inside = destination.resolve().is_relative_to(source.resolve())
    if inside or source.resolve().is_relative_to(destination.resolve()):
        raise UserError(
            "one of SRC and DST lies inside the other, which would mix originals and copies; name a DST elsewhere."
        )


def _walk(source: Path) -> Iterator[tuple[Path, str]]:
    """Files and their relative paths, a folder at a time, in order of names."""
    if not source.is_dir():
        yield source, source.name
        return
    folders = [source]
    while folders:
        folder = folders.pop()
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        for entry in ordered:
            if not entry.is_dir():
                path = Path(entry.path)
                yield path, path.relative_to(source).as_posix()
        folders += [Path(entry.path) for entry in reversed(ordered) if entry.is_dir(follow_symlinks=False)]


def _faces(source: Path, done: Container[str], pseudonyms: Pseudonyms, jobs: int) -> dict[Path, Defacing]:
    """Faces of all DICOM series; none are looked for where nothing is left to do."""
    if all(_token(path, relative, pseudonyms) in done for path, relative in _walk(source)):
        return {}
    return find_faces((path for path, _ in _walk(source)), jobs)


def _token(path: Path, relative: str, pseudonyms: Pseudonyms) -> str:
    """Stands for a file in the journal; changes when the file does."""
    try:
        status = path.stat()
    except OSError:  # a link to nothing
        return pseudonyms.token("original", relative)
    return pseudonyms.token("original", relative, str(status.st_size), str(status.st_mtime_ns))


def _process(task: _Task) -> tuple[str, Outcome]:
    """Clean one file, audit what came out, and write it."""
    try:
        clean = clean_file(task.path, task.relative, task.pseudonyms, task.deface)
        if problems(clean.path, clean.data, look_at_pixels=False):
            raise LeftOut(_FAILED)
        _write_new(task.destination / clean.path, clean.data)
    except LeftOut as error:
        return task.relative, Outcome(task.source, left_out=error.reason)
    outcome = Outcome(task.source, clean.path, clean.kind, kept=as_bits(clean.kept), removed=clean.removed)
    if clean.defacing is not None:
        outcome = replace(outcome, defaced=True, brain=clean.defacing[0], touched=clean.defacing[1])
    return task.relative, outcome


def _write_new(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, and never over another; one with this content may be there already.

    Raises:
        LeftOut: there is one with other content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".alzedge-tmp-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)  # or a power cut could leave the new name with nothing behind it
        temporary.chmod(0o644)
        _name(temporary, path)
    except FileExistsError:
        if path.read_bytes() != data:
            raise LeftOut(_CONFLICT) from None
    finally:
        temporary.unlink(missing_ok=True)


def _name(temporary: Path, path: Path) -> None:
    """Give a file its name; unlike a rename, a link never takes another file's place."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError from None
        temporary.replace(path)
