"""Writing files so that nobody ever sees half of one."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alzedge.errors import UserError

# What `git clone` leaves in the place of a large file where Git LFS is not installed.
LFS_POINTER = b"version https://git-lfs"
# The first bytes of a gzip file.
GZIP_MAGIC = b"\x1f\x8b"
_TEMPORARY = ".alzedge-tmp-"


def remove_temporaries(folder: Path) -> None:
    """Remove what writers that were killed left behind in `folder` and below."""
    for path in folder.rglob(f"{_TEMPORARY}*"):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block succeeds.

    The temporary name keeps the suffix, because writers choose their format by it.
    When the block raises, `path` is as it was before.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is not an ordinary file; name another.")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY, suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # or a power cut could leave the new name with nothing behind it
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_own_folder(folder: Path, command: str) -> None:
    """Refuse a folder that holds anything but what an earlier call of this command left there.

    A run's folder has a `metrics.json` and a `benchmark.json` too, and must not be written to.

    Raises:
        UserError: it holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / f".alzedge-{command}").exists():
        raise UserError(f"{folder} is not empty and holds no earlier {command}; choose another --out.")


def mark_own_folder(folder: Path, command: str) -> None:
    """Mark a folder as this command's own; see `check_own_folder`."""
    text = f"The files beside this one are made by `alzedge {command}`, which replaces them.\n"
    write_text(folder / f".alzedge-{command}", text)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path`, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON to `path`, whole or not at all; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
