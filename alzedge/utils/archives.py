"""Read-only view of the files in a folder or a zip archive, by relative name."""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from alzedge.errors import UserError
from alzedge.utils.files import GZIP_MAGIC, LFS_POINTER
from alzedge.utils.parsing import parsing, reason_of

# Of one image file; no slice of 208 x 176 pixels comes near it.
MAX_BYTES = 8 * 2**20

# Their unpacking stops where it is told to; bzip2's and LZMA's, in Python's zipfile, does not.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_OTHER_METHODS = {9: "deflate64", zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA", 93: "zstd", 95: "xz"}
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED = 1
# 7z, RAR, gzip, bzip2 and xz.
_OTHER_ARCHIVES = (b"7z\xbc\xaf", b"Rar!", GZIP_MAGIC, b"BZh", b"\xfd7zXZ")
_PIECE = 2**20


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
    check_source(source)
    if source.is_dir():
        return _open_folder(source)
    if source.suffix.lower() == ".parquet":
        raise UserError(f"{source} is a Parquet table; unpack its images into class folders and name the folder.")
    if not source.is_file():
        raise UserError(f"{source} is a pipe or a device; name a folder or a zip file.")
    _check_kind(source)
    with parsing(f"{source} is not a complete zip file", "download it again, or name the unpacked folder."):
        return _open_zip(source, zipfile.ZipFile(source))


def _check_kind(source: Path) -> None:
    """Refuse what no second download makes a zip file: an empty file, a pointer in its place, an archive of another kind."""
    with source.open("rb") as file:
        start = file.read(len(LFS_POINTER))
    if not start:
        raise UserError(f"{source} is empty; copy or download it again.")
    if start.startswith(LFS_POINTER):
        raise UserError(f"{source} is a pointer of Git LFS, not the file itself; run `git lfs pull`.")
    if start.startswith(_OTHER_ARCHIVES):
        raise UserError(f"{source} is an archive of another kind than zip; unpack it and name the folder.")


def check_source(source: Path) -> None:
    """Refuse a path where nothing is.

    Raises:
        UserError: nothing is there.
    """
    if not source.exists():
        raise UserError(f"{source}: no such file or folder; check the path.")


def _visible(name: str) -> bool:
    return not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def walk(top: Path, on_error: Callable[[OSError], None] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Folders below `top` and the sorted names of their ordinary files, both visible, `top` first.

    Symbolic links are followed, each folder is visited once, and pipes and devices are passed over.
    """
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(top, onerror=on_error, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in seen and status.st_ino:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(filter(_visible, folders))
        prefix = folder.rstrip("/")
        yield folder, sorted(name for name in names if _visible(name) and _may_be_read(f"{prefix}/{name}"))


def _may_be_read(path: str) -> bool:
    """False for pipes, sockets and devices, which would be waited for; a broken link is left to who opens it."""
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return True


def _open_folder(source: Path) -> FileTree:
    below = (
        (Path(folder).relative_to(source).as_posix(), name)
        for folder, names in walk(source)
        for name in names
        if (Path(folder) / name).is_file()
    )
    names = sorted(name if folder == "." else f"{folder}/{name}" for folder, name in below)

    def read(name: str, length: int) -> bytes:
        with (source / name).open("rb") as file:
            return file.read(length)

    return FileTree(source, tuple(names), read, lambda: None)


def _open_zip(source: Path, archive: zipfile.ZipFile) -> FileTree:
    entries = entries_of(archive, str(source))

    def read(name: str, length: int) -> bytes:
        return unpack(archive, entries[name], str(source), length)

    return FileTree(source, tuple(filter(_visible, sorted(entries))), read, archive.close)


def entries_of(archive: zipfile.ZipFile, source: str) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip archive by their names, with one / between folders, as not every tool writes it.

    Args:
        archive: the archive.
        source: how to call it in messages.

    Raises:
        UserError: an entry without a name, one name twice, or entries that share bytes.
    """
    entries: dict[str, zipfile.ZipInfo] = {}
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        whole = info.filename.replace("\\", "/")
        name = "/".join(part for part in whole.split("/") if part not in ("", "."))
        if not name and not whole.endswith("/"):
            raise UserError(f"{source} holds an entry without a name; make the zip again, or name the unpacked folder.")
        if info.header_offset < end:
            raise UserError(f"{source}: the entry {name} overlaps another; make the zip again from the files.")
        end = info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size
        if whole.endswith("/"):
            continue
        if name in entries:
            raise UserError(f"{source} holds the entry {name} twice; make the zip again, or name the unpacked folder.")
        entries[name] = info
    return entries


def unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: str, length: int) -> bytes:
    """The first `length` bytes of an entry, or all of it; no more is ever unpacked.

    Raises:
        UserError: damaged, encrypted, or compressed otherwise than by deflate.
    """
    name = info.filename
    if info.compress_type not in _METHODS:
        method = _OTHER_METHODS.get(info.compress_type, f"method {info.compress_type}")
        raise UserError(f"{source}: entry {name} is compressed with {method}; make the zip again with deflate.")
    if info.flag_bits & _ENCRYPTED:
        raise UserError(
            f"{source}: entry {name} is encrypted; unpack the archive with its password and name the folder."
        )
    try:
        with archive.open(info) as file:
            data = bytearray()
            while len(data) < length and (piece := file.read(min(_PIECE, length - len(data)))):
                data += piece
            return bytes(data)
    except Exception as error:  # zipfile raises nearly everything on damaged archives
        raise UserError(
            f"{source}: entry {name} cannot be unpacked ({reason_of(error)}); download the archive again."
        ) from error
