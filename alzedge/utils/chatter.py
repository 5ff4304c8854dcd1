"""Silence for libraries of C++ that write remarks to the standard error."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator

_ONE_AT_A_TIME = threading.Lock()  # file descriptor 2 belongs to the whole process


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Keep LiteRT's "INFO: Created ... delegate" from stderr; all else that is written meanwhile follows.

    Its C++ writes straight to file descriptor 2 and has no setting for it. ALZEDGE_DEBUG=1 shows everything.
    """
    try:
        kept = -1 if os.environ.get("ALZEDGE_DEBUG") else os.dup(2)
    except OSError:  # a process without stderr
        kept = -1
    if kept < 0:
        yield
        return
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as buffer:
        os.dup2(buffer.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            buffer.seek(0)
            rest = b"".join(line for line in buffer if not line.startswith(b"INFO: "))
            if rest:
                os.write(kept, rest)
            os.close(kept)
