"""What a run folder holds and how it came about, so that nothing is done twice.

`run.json` in the folder names the run (data, recipe name, seed) and lists each finished
phase with a key over everything it depends on and the SHA-256 of the files it wrote.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alzedge import __version__
from alzedge.errors import UserError
from alzedge.utils.files import remove_temporaries, write_json

_FILE = "run.json"
_WORK = ".work"
_LOCK = ".lock"


@dataclass(frozen=True)
class Ledger:
    """The finished phases of the run in `folder`.

    Attributes:
        folder: the run's output folder.
        identity: what makes it this run and no other.
        phases: `{phase: {"key": ..., "outputs": {relative path: SHA-256}, "seconds": ...}}`; the wall-clock time is that of
            the process that finished the phase, without what an interrupted one did before.
    """

    folder: Path
    identity: dict[str, Any]
    phases: dict[str, dict[str, Any]] = field(default_factory=dict)

    def perform(
        self, phase: str, depends: Any, inputs: list[Path], outputs: list[Path], action: Callable[[Path], None]
    ) -> bool:
        """Do a phase unless it is done.

        Args:
            phase: its name, unique in the run.
            depends: settings and data it depends on, as JSON values.
            inputs: files it reads; their content and order count.
            outputs: files it writes, in `folder`.
            action: does it. Receives the path stem of its checkpoints, which belong to
                this phase with exactly these dependencies and are removed afterwards.

        Returns:
            Whether anything had to be done.
        """
        read = [file_sha256(path) for path in inputs]
        key = hashlib.sha256(json.dumps([phase, __version__, depends, read], sort_keys=True).encode()).hexdigest()
        if self._is_done(phase, key, outputs):
            return False
        work = self.folder / _WORK
        work.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        action(work / f"{phase.replace('/', '-')}-{key[:16]}")
        written = {self._relative(path): file_sha256(path) for path in outputs}
        self.phases[phase] = {"key": key, "outputs": written, "seconds": round(time.perf_counter() - start, 1)}
        self._write()
        shutil.rmtree(work)
        return True

    def _is_done(self, phase: str, key: str, outputs: list[Path]) -> bool:
        entry = self.phases.get(phase)
        if entry is None or entry["key"] != key:
            return False
        written: dict[str, str] = entry["outputs"]
        return set(written) == set(map(self._relative, outputs)) and all(
            path.is_file() and file_sha256(path) == written[self._relative(path)] for path in outputs
        )

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _write(self) -> None:
        write_json(self.folder / _FILE, {"run": self.identity, "phases": self.phases})


def open_ledger(folder: Path, identity: dict[str, Any]) -> Ledger:
    """Open a run folder, or begin one in a new or empty folder.

    The folder is this process's until it ends: what it finds half-written there was left by
    a process that was killed.

    Raises:
        UserError: the folder belongs to another run, is in use, or holds something else.
    """
    _phases_of(folder, identity)  # refuses before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    _lock(folder)
    remove_temporaries(folder)
    ledger = Ledger(folder, identity, _phases_of(folder, identity))
    if not (folder / _FILE).exists():
        ledger._write()
    return ledger


def _phases_of(folder: Path, identity: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if not folder.exists() or all(path.name.startswith(".") for path in folder.iterdir()):
        return {}
    try:
        content = json.loads((folder / _FILE).read_text())
        found: dict[str, Any] = dict(content["run"])
        phases = {str(name): _phase(entry) for name, entry in content["phases"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder} exists and is not the folder of a run; choose another --out.") from error
    if found != identity:
        differs = ", ".join(f"{k} {found.get(k)} instead of {v}" for k, v in identity.items() if found.get(k) != v)
        raise UserError(f"{folder} belongs to another run ({differs}); choose another --out, or remove the folder.")
    return phases


def _phase(entry: dict[str, Any]) -> dict[str, Any]:
    seconds = {"seconds": float(entry["seconds"])} if "seconds" in entry else {}  # older versions did not time
    return {"key": entry["key"], "outputs": dict(entry["outputs"])} | seconds


def _lock(folder: Path) -> None:
    """Keep other processes out until this one ends; the operating system forgets a killed one's lock."""
    try:
        import fcntl
    except ImportError:  # Windows: two runs in one folder are not noticed there
        return
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)  # closed when the process ends
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise UserError(f"{folder} is in use by another alzedge; wait for it, or choose another --out.") from error


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
