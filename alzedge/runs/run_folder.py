"""The folder of a run: its finished phases, so that nothing is done twice.

`run.json` in the folder names the run (data, recipe name, seed) and lists each finished
phase with a key over everything it depends on and the SHA-256 of the files it wrote.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from alzedge import __version__
from alzedge.errors import UserError
from alzedge.utils.files import remove_temporaries, write_json

_FILE = "run.json"
_WORK = ".work"
_LOCK = ".lock"


@dataclass(frozen=True)
class FinishedPhase:
    """One phase that is done.

    Attributes:
        key: SHA-256 over its name, what it depends on and the content of the files it read.
        outputs: SHA-256 of the files it wrote, by path relative to the run's folder.
        seconds: wall-clock time of the process that finished it, without what an interrupted one did before; None in
            folders of older versions.
    """

    key: str
    outputs: dict[str, str]
    seconds: float | None = None

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> "FinishedPhase":
        """Read an entry of `run.json`; KeyError, TypeError or ValueError where it is none."""
        seconds = float(entry["seconds"]) if "seconds" in entry else None
        return cls(str(entry["key"]), dict(entry["outputs"]), seconds)

    def to_dict(self) -> dict[str, Any]:
        """As `run.json` holds it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class RunFolder:
    """The folder of one run, and the phases finished in it so far; `perform` adds to them.

    Args:
        path: the folder.
        identity: what makes it this run and no other, as JSON values.
        phases: finished before, by name.
        lock: of the folder; held until this object is gone.
    """

    def __init__(
        self,
        path: Path,
        identity: dict[str, Any],
        phases: dict[str, FinishedPhase] | None = None,
        lock: FileLock | None = None,
    ) -> None:
        self.path = path
        self.identity = identity
        self._phases = dict(phases or {})
        self._lock = lock

    @property
    def phases(self) -> dict[str, FinishedPhase]:
        """The finished phases by name; a copy."""
        return dict(self._phases)

    def perform(
        self, phase: str, depends: Any, inputs: list[Path], outputs: list[Path], action: Callable[[Path], None]
    ) -> bool:
        """Perform a phase unless it is done.

        Args:
            phase: its name, unique in the run.
            depends: settings and data it depends on, as JSON values.
            inputs: files it reads; their content and order count.
            outputs: files it writes, in the folder.
            action: does it. Receives the path stem of its checkpoints, which belong to
                this phase with exactly these dependencies and are removed afterwards.

        Returns:
            Whether anything had to be done.
        """
        read = [file_sha256(path) for path in inputs]
        key = hashlib.sha256(json.dumps([phase, __version__, depends, read], sort_keys=True).encode()).hexdigest()
        if self._is_done(phase, key, outputs):
            return False
        work = self.path / _WORK
        work.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        action(work / f"{phase.replace('/', '-')}-{key[:16]}")
        written = {self._relative(path): file_sha256(path) for path in outputs}
        self._phases[phase] = FinishedPhase(key, written, round(time.perf_counter() - start, 1))
        self.write()
        shutil.rmtree(work)
        return True

    def _is_done(self, phase: str, key: str, outputs: list[Path]) -> bool:
        finished = self._phases.get(phase)
        if finished is None or finished.key != key:
            return False
        return set(finished.outputs) == set(map(self._relative, outputs)) and all(
            path.is_file() and file_sha256(path) == finished.outputs[self._relative(path)] for path in outputs
        )

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()

    def write(self) -> None:
        """Write `run.json`."""
        phases = {name: phase.to_dict() for name, phase in self._phases.items()}
        write_json(self.path / _FILE, {"run": self.identity, "phases": phases})


def open_run_folder(path: Path, identity: dict[str, Any]) -> RunFolder:
    """Open the folder of a run, or begin one in a new or empty folder.

    The folder is the caller's as long as the result lives: what is found half-written there was left by a process
    that was killed.

    Raises:
        UserError: the folder belongs to another run, is in use, or holds something else.
    """
    _finished_phases(path, identity)  # refuses before anything is written
    path.mkdir(parents=True, exist_ok=True)
    lock = _lock(path)
    remove_temporaries(path)
    run_folder = RunFolder(path, identity, _finished_phases(path, identity), lock)
    if not (path / _FILE).exists():
        run_folder.write()
    return run_folder


def _finished_phases(path: Path, identity: dict[str, Any]) -> dict[str, FinishedPhase]:
    if not path.exists() or all(entry.name.startswith(".") for entry in path.iterdir()):
        return {}
    try:
        content = json.loads((path / _FILE).read_text())
        there: dict[str, Any] = dict(content["run"])
        phases = {str(name): FinishedPhase.from_dict(entry) for name, entry in content["phases"].items()}
    except Exception as error:  # whatever json and our own reading raise: deep nesting, huge numbers, wrong types
        raise UserError(f"{path} exists and is not the folder of a run; choose another --out.") from error
    if there != identity:
        differs = ", ".join(f"{k} {there.get(k)} instead of {v}" for k, v in identity.items() if there.get(k) != v)
        raise UserError(f"{path} belongs to another run ({differs}); choose another --out, or remove the folder.")
    return phases


def _lock(path: Path) -> FileLock:
    """Keep other processes out; the operating system forgets a killed one's lock."""
    lock = FileLock(path / _LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise UserError(f"{path} is in use by another alzedge; wait for it, or choose another --out.") from error
    return lock


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
