"""The audit of a whole output folder, for whoever has to release it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from alzedge.deidentify.check import problems, unpack
from alzedge.deidentify.journal import FILES, FOLDER, LOCK, REPORT, RUN, Outcome, Report
from alzedge.deidentify.rules.refusals import LeftOut
from alzedge.errors import UserError
from alzedge.utils.processes import map_in_processes

# Shorter ones occur in every file by chance.
_SHORTEST, _SHORTEST_IN_PIXELS = 3, 6
# What may stand between attributes and pixels of a DICOM file: the pixel data's own tag.
_PIXELS = b"\xe0\x7f\x10\x00"


@dataclass(frozen=True)
class Audit:
    """Findings of an audit.

    Attributes:
        files: number of files read.
        found: number of files by problem.
        where: the first file of each problem, as far as its name may be shown.
    """

    files: int
    found: Counter[str]
    where: dict[str, str]


def audit_folder(
    folder: Path, values: tuple[str, ...] = (), jobs: int = 1, on_file: Callable[[], None] = lambda: None
) -> Audit:
    """Audit every file below a folder.

    Args:
        folder: written by `alzedge.deidentify.run.deidentify`.
        values: names, numbers and other texts that must not occur in it, in any case of letters.
        jobs: processes.
        on_file: called for each file.

    Raises:
        UserError: no such folder, or a value too short to be looked for.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name the DST of an earlier call.")
    if any(len(value) < _SHORTEST for value in values):
        raise UserError(f"a value to look for has fewer than {_SHORTEST} characters and would be found everywhere.")
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir())
    tasks: Iterator[tuple[Path, str]] = ((path, path.relative_to(folder).as_posix()) for path in paths)
    judge = partial(_judge, needles=tuple(needle for value in values for needle in _needles(value)))
    found, where = Counter[str](), dict[str, str]()
    if not (folder / REPORT).is_file():
        found["no report: the run was not finished, or the folder is not one of ours"] = 1
    for shown, problems_there in map_in_processes(judge, tasks, jobs):
        found.update(problems_there)
        where.update({problem: shown for problem in problems_there if problem not in where})
        on_file()
    return Audit(len(paths), found, where)


def _judge(task: tuple[Path, str], needles: tuple[bytes, ...]) -> tuple[str, list[str]]:
    """A file's name where it may be shown, and its problems."""
    path, relative = task
    data = path.read_bytes()
    own = relative in (RUN, FILES, LOCK, REPORT)
    found = _of_record(relative, data) if own else problems(relative, data)
    named = not own and "a file or folder name that is not a pseudonym" in found
    if needles and _occurs(needles, relative, data):
        found = [*found, "one of the values that must not occur"]
    return "a file whose name is not shown" if named else relative, found


def _needles(value: str) -> set[bytes]:
    """A value as it may stand in files, in small letters."""
    forms = {value, value.lower(), value.upper()}
    return {
        form.encode(encoding, "ignore").lower()
        for form in forms
        for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
    } - {b""}


def _occurs(needles: tuple[bytes, ...], relative: str, data: bytes) -> bool:
    texts = [relative.encode("utf-8", "surrogateescape"), data]
    if relative.endswith(".gz"):
        try:
            texts.append(unpack(data))
        except (LeftOut, OSError, ValueError):
            texts.append(b"")
    short = [texts[0]]
    if relative.endswith((".dcm", ".json")):
        short.append(data[: data.rfind(_PIXELS)] if relative.endswith(".dcm") else data)
    lower, lower_short = [text.lower() for text in texts], [text.lower() for text in short]
    return any(
        needle in text for needle in needles for text in (lower if len(needle) >= _SHORTEST_IN_PIXELS else lower_short)
    )


def _of_record(relative: str, data: bytes) -> list[str]:
    """Problems of our own records: keys that we do not write."""
    keys = {
        LOCK: set(),
        RUN: {"key", "source", "version", "deface"},
        FILES: {item.name for item in fields(Outcome)},
        REPORT: {item.name for item in fields(Report)},
    }[relative]
    try:
        texts = data.splitlines() if relative in (FILES, LOCK) else [data]
        fits = all(set(json.loads(text)) == keys for text in texts)
    except (ValueError, TypeError):
        fits = False
    return [] if fits else [f"a record in {FOLDER} or {REPORT} that this command did not write"]
