"""Read-only view of the files in a folder or a zip archive, by relative name."""

import lzma
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from alzedge.errors import UserError

# Of one image file; no slice of 208 x 176 pixels comes near it.
MAX_BYTES = 8 * 2**20

# What Python's zipfile raises, at one time or another, on damaged archives.
UNREADABLE_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    KeyError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True)
class FileTree:
    """Files of a folder or zip.

    Attributes:
        source: the folder or archive, as the user named it.
        names: relative POSIX names of all files, sorted; hidden and macOS files left out.
    """

    source: Path
    names: tuple[str, ...]
    _read: Callable[[str, int], bytes]
    _close: Callable[[], None]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def read(self, name: str, limit: int = MAX_BYTES) -> bytes:
        """Content of one file.

        Raises:
            UserError: the entry is larger than `limit` bytes, or damaged.
        """
        data = self.start(name, limit + 1)
        if len(data) > limit:
            raise UserError(f"{self.source}: {name} is too large, over {limit // 2**20} MiB; name another file.")
        return data

    def start(self, name: str, length: int) -> bytes:
        """The first `length` bytes of one file, or all of it.

        Raises:
            UserError: the entry is damaged.
        """
        return self._read(name, length)


def open_tree(source: Path) -> FileTree:
    """Open a folder or a zip archive.

    Raises:
        UserError: nothing is there, or it is neither folder nor zip.
    """
    if source.is_dir():
        return _open_folder(source)
    if not source.exists():
        raise UserError(f"{source}: no such file or folder; check the path.")
    try:
        return _open_zip(source, zipfile.ZipFile(source))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UserError(
            f"{source} is not a complete zip file; download it again, or name the unpacked folder."
        ) from error


def _visible(name: str) -> bool:
    return not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _open_folder(source: Path) -> FileTree:
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())

    def read(name: str, length: int) -> bytes:
        with (source / name).open("rb") as file:
            return file.read(length)

    return FileTree(source, tuple(filter(_visible, names)), read, lambda: None)


def _open_zip(source: Path, archive: zipfile.ZipFile) -> FileTree:
    names = sorted(info.filename for info in archive.infolist() if not info.is_dir())

    def read(name: str, length: int) -> bytes:
        try:
            with archive.open(name) as file:
                return file.read(length)  # bounded, whatever size a zip bomb unpacks to
        except UNREADABLE_ZIP as error:
            raise UserError(
                f"{source}: entry {name} cannot be unpacked ({error}); download the archive again."
            ) from error

    return FileTree(source, tuple(filter(_visible, names)), read, archive.close)
