"""Room for uploads: bytes and files of everybody, counted while they arrive."""

import asyncio
import contextlib
import os
import time
from pathlib import Path

from alzedge.demo.answering.limits import Limits

# The folder is looked through this often at most, for as long as uploads come; meanwhile everything counts that arrives.
_EVERY_SECONDS = 5.0
FULL = "Too many uploads at the moment; try again in a few minutes"


class Full(Exception):
    """There is no room for more."""


class Storage:
    """The folder of uploads, and what it may hold.

    Args:
        folder: of uploads.
        limits: on bytes and files.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._measured, self._lock = -_EVERY_SECONDS, asyncio.Lock()
        self._bytes = self._files = 0  # found when the folder was last looked through
        self._new_bytes = self._new_files = 0  # arrived since then

    async def has_room(self, size: int) -> bool:
        """Say whether so many bytes more, and a file, may arrive."""
        async with self._lock:
            if time.monotonic() - self._measured >= _EVERY_SECONDS:
                new_bytes, new_files = self._new_bytes, self._new_files
                # In a thread: tens of thousands of files take a second, for which nobody else would be answered.
                self._bytes, self._files = await asyncio.to_thread(_measure, self._folder)
                self._new_bytes -= new_bytes
                self._new_files -= new_files
                self._measured = time.monotonic()
        return self._fits(size, 1)

    def count(self, size: int = 0, files: int = 0) -> None:
        """Count what has arrived: what was only promised takes no room, so that nobody keeps others out by promises.

        Args:
            size: bytes.
            files: begun.

        Raises:
            Full: there is no room for it.
        """
        if not self._fits(size, files):
            raise Full
        self._new_bytes += size
        self._new_files += files

    def _fits(self, size: int, files: int) -> bool:
        fits = self._bytes + self._new_bytes + size <= self._limits.stored_bytes
        return fits and self._files + self._new_files + files <= self._limits.stored_files


def _measure(folder: Path) -> tuple[int, int]:
    """Bytes and number of all files in a folder and below."""
    size = count = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # answered meanwhile
                size += os.lstat(f"{place}/{name}").st_size
                count += 1
    return size, count
