"""A log that nobody can fill, and that names no upload: long lines are cut, and of too many only their number is told."""

import hashlib
import re
import time
from typing import TextIO

_LONGEST = 300
_LINES, _SECONDS = 60, 60.0
# An upload lies in a folder of its own, see `alzedge.demo.serving.uploading`; its name may be somebody's.
_UPLOADED = re.compile(r"([/\\][0-9a-f]{32})[/\\].*")


def without_names(line: str) -> str:
    """A line with what follows an upload's folder, its file's name, replaced by a short hash of both."""
    return _UPLOADED.sub(lambda found: f"{found[1]}/<{hashlib.sha256(found[0].encode()).hexdigest()[:8]}>", line)


class ShortLines:
    """A text stream before another one.

    Args:
        stream: to write to.
        lines: at most, in so many seconds.
        seconds: after which the count begins anew.
    """

    def __init__(self, stream: TextIO, lines: int = _LINES, seconds: float = _SECONDS) -> None:
        self._stream, self._most, self._seconds = stream, lines, seconds
        self._begun, self._written, self._left_out = time.monotonic(), 0, 0
        self._line = ""

    def write(self, text: str) -> int:
        """Take text; whole lines are written."""
        *lines, rest = text.split("\n")
        for line in lines:
            self._write_line(self._line + line[: _LONGEST + 1])
            self._line = ""
        self._line = (self._line + rest[: _LONGEST + 1])[: _LONGEST + 1]
        return len(text)

    def flush(self) -> None:
        """Write what is there, but for a line that has not ended."""
        self._stream.flush()

    def isatty(self) -> bool:
        """False: colours would be cut in two."""
        return False

    def fileno(self) -> int:
        """The descriptor of the stream behind."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:
        """Of the stream behind."""
        return self._stream.encoding

    def _write_line(self, line: str) -> None:
        line = without_names(line)
        now = time.monotonic()
        if now - self._begun > self._seconds:
            if self._left_out:
                self._stream.write(f"... and {self._left_out} more lines\n")
            self._begun, self._written, self._left_out = now, 0, 0
        if self._written >= self._most:
            self._left_out += 1
            return
        self._written += 1
        self._stream.write(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}...")
        self._stream.write("\n")
