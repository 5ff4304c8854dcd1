"""The record of a run in its own folder: whose it is, and what became of each file; no name and no key is in it.

Files of the source appear as keyed tokens, so a run can be resumed and nobody without the key learns what it read.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TextIO

from alzedge import __version__
from alzedge.deidentify.rules.allow_list import ALLOWED
from alzedge.deidentify.rules.pseudonyms import Pseudonyms
from alzedge.errors import UserError
from alzedge.utils.files import write_json

FOLDER = ".alzedge-deidentify"
RUN, FILES, LOCK, REPORT = f"{FOLDER}/run.json", f"{FOLDER}/files.jsonl", f"{FOLDER}/lock", "deidentification.json"
_KEYWORDS = [allowed.keyword for allowed in ALLOWED]


@dataclass(frozen=True)
class Outcome:
    """Outcome for one source file.

    Attributes:
        source: keyed token of its path, size and time.
        path: where its clean content is, below the output folder; empty when it was left out.
        kind: kind of file; empty when it was left out.
        left_out: reason why it was left out; empty when it was not.
        duplicate: whether an equal file had been written already.
        kept: the surviving DICOM keywords, one bit each in the order of the allow-list, hexadecimal.
        removed: number of DICOM attributes that were not copied.
        defaced: whether a face was removed.
        brain: brain voxels of a defaced file.
        touched: those of them that were removed.
    """

    source: str
    path: str = ""
    kind: str = ""
    left_out: str = ""
    duplicate: bool = False
    kept: str = "0"
    removed: int = 0
    defaced: bool = False
    brain: int = 0
    touched: int = 0


@dataclass
class Report:
    """Sums over all files of a run: kept and left out.

    Attributes:
        version: of alzedge.
        key: a token by which runs with the same key are known; it does not tell the key.
        files: written files by kind.
        people: number of people.
        duplicates: files equal to one already written.
        left_out: number of files by reason.
        kept: number of DICOM files in which each attribute survived.
        removed: DICOM attributes that were not copied.
        defaced: files whose face was removed.
        brain: brain voxels of these.
        touched: those of them that were removed.
    """

    version: str
    key: str
    files: Counter[str] = field(default_factory=Counter)
    people: int = 0
    duplicates: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    removed: int = 0
    defaced: int = 0
    brain: int = 0
    touched: int = 0

    @property
    def written(self) -> int:
        """Number of files written."""
        return self.files.total()

    def save(self, folder: Path) -> None:
        """Write it into the output folder as JSON."""
        write_json(folder / REPORT, {item.name: getattr(self, item.name) for item in fields(self)})


def report(outcomes: Iterable[Outcome], pseudonyms: Pseudonyms) -> Report:
    """Add up outcomes."""
    total = Report(__version__, key_token(pseudonyms))
    people = set()
    for outcome in outcomes:
        if outcome.left_out:
            total.left_out[outcome.left_out] += 1
        elif outcome.duplicate:
            total.duplicates += 1
        else:
            total.files[outcome.kind] += 1
            total.kept.update(_keywords(outcome.kept))
            total.removed += outcome.removed
            total.defaced += outcome.defaced
            total.brain += outcome.brain
            total.touched += outcome.touched
            people.add(outcome.path.split("/")[0])
    total.people = len(people)
    return total


def key_token(pseudonyms: Pseudonyms) -> str:
    """By which runs with the same key know one another."""
    return pseudonyms.token("key")


def as_bits(kept: Iterable[str]) -> str:
    """Keywords as a hexadecimal number; see `Outcome.kept`."""
    return f"{sum(1 << _KEYWORDS.index(keyword) for keyword in kept):x}"


def _keywords(bits: str) -> list[str]:
    number = int(bits, 16)
    return [keyword for i, keyword in enumerate(_KEYWORDS) if number >> i & 1]


def check_destination(source: Path, destination: Path, pseudonyms: Pseudonyms, deface: bool) -> None:
    """Refuse an output folder that is not empty, unless it is a run's of the same source, key, version and wish to deface.

    Raises:
        UserError: it is something else's.
    """
    if destination.exists() and not destination.is_dir():
        raise UserError(f"{destination} is a file; name a folder that is new or empty.")
    if not destination.exists() or not any(destination.iterdir()):
        return
    try:
        found = json.loads((destination / RUN).read_text("utf-8"))
        key, run, version, defaced = (str(found[name]) for name in ("key", "source", "version", "deface"))
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"{destination} is not empty and not an unfinished run of this command; name a folder that is new or empty."
        ) from None
    if key != key_token(pseudonyms):
        raise UserError(f"{destination} was begun with another key; give that key, or name another folder.")
    if run != _run_token(source, pseudonyms):
        raise UserError(f"{destination} was begun from another SRC; name that one, or another folder.")
    if defaced != str(deface):
        raise UserError(f"{destination} was begun {'without' if deface else 'with'} --deface; name another folder.")
    if version != __version__:
        raise UserError(
            f"{destination} was begun by alzedge {version[:20]}; finish it with that, or name another folder."
        )


@contextlib.contextmanager
def opened(
    source: Path, destination: Path, pseudonyms: Pseudonyms, deface: bool
) -> Iterator[tuple[dict[str, Outcome], TextIO]]:
    """The outcomes so far by source token, and the journal to add to, which no other process may open meanwhile."""
    from filelock import FileLock, Timeout

    (destination / LOCK).parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(destination / LOCK, timeout=0):
            if not (destination / RUN).exists():
                run = {"key": key_token(pseudonyms), "source": _run_token(source, pseudonyms), "version": __version__}
                write_json(destination / RUN, {**run, "deface": deface})
            with (destination / FILES).open("a+", encoding="utf-8") as file:
                file.seek(0)
                text = file.read()
                whole = text[: text.rfind("\n") + 1]  # a process may have been killed as it wrote
                file.truncate(len(whole.encode()))
                yield {outcome.source: outcome for outcome in map(_outcome, whole.splitlines())}, file
    except Timeout:
        raise UserError(f"{destination} is being written by another process; wait for it.") from None


def add(outcome: Outcome, journal: TextIO) -> None:
    """Add an outcome to the journal."""
    journal.write(json.dumps(asdict(outcome)) + "\n")
    journal.flush()


def _outcome(line: str) -> Outcome:
    values: dict[str, Any] = json.loads(line)
    return Outcome(**values)


def _run_token(source: Path, pseudonyms: Pseudonyms) -> str:
    return pseudonyms.token("source", str(source.resolve()))
