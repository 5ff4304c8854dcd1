"""Work by several processes, in order, that end with this one."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import TypeVar

from alzedge.errors import UserError

T = TypeVar("T")
R = TypeVar("R")

# Items under way or waiting to be taken, per process: enough that none waits for work.
_AHEAD = 4


def map_in_processes(function: Callable[[T], R], items: Iterable[T], jobs: int) -> Iterator[R]:
    """Call a function for items in `jobs` processes, or in this one where 1 is enough; results come in the order of the items.

    Items are taken as they are needed, so there may be any number of them. Processes are spawned, so that this also
    works beside threads and interpreters; a script that calls it needs `if __name__ == "__main__":`. They end with
    this process, however it ends.

    Raises:
        UserError: a process was ended from outside.
    """
    if jobs == 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("spawn")
    leash, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(jobs, context, _start, (leash,))
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == _AHEAD * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise UserError(
            "one of the processes was ended by the system, probably for lack of memory; use fewer --jobs."
        ) from None
    finally:
        held.close()  # whatever is still under way is not wanted any more
        pool.shutdown(cancel_futures=True)
        leash.close()


def _start(leash: Connection) -> None:
    """First thing in a process: leave Ctrl-C to its parent, and end when the parent lets go of the leash."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(leash)


def end_with_parent(leash: Connection) -> None:
    """End this process when the other end of a pipe, which its parent alone holds, is closed."""

    def wait() -> None:
        with contextlib.suppress(EOFError, OSError):
            leash.recv_bytes()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
