"""Bulk answers by several processes, each with an interpreter of its own."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection

from alzedge.errors import UserError
from alzedge.inference.answering import Result, Workload, answerer
from alzedge.inference.inputs import Item

# Chunks under way or waiting to be taken, per process: enough that none waits for work.
_AHEAD = 4


def answer_in_processes(chunks: Iterable[list[Item]], workload: Workload) -> Iterator[Result]:
    """Answer for chunks in `workload.jobs` processes; results come in the order of the items.

    Processes are spawned, so that this also works beside threads and other interpreters; a
    script that calls it needs `if __name__ == "__main__":`. They end with this process,
    however it ends.

    Raises:
        UserError: the model cannot be loaded, or a process was ended from outside.
    """
    context = multiprocessing.get_context("spawn")
    leash, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workload.jobs, context, _start, (leash,))
    waiting: deque[Future[list[Result]]] = deque()
    try:
        for chunk in chunks:
            waiting.append(pool.submit(_answer, workload, chunk))
            if len(waiting) == _AHEAD * workload.jobs:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool:
        raise UserError(
            "one of the processes was ended by the system, probably for lack of memory; use fewer --jobs."
        ) from None
    finally:
        held.close()  # whatever is still under way is not wanted any more
        pool.shutdown(cancel_futures=True)
        leash.close()


def _start(leash: Connection) -> None:
    """What a process does first: leave Ctrl-C to its parent, and end when the parent lets go of the leash."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(leash,), daemon=True).start()


def _end_with_parent(leash: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        leash.recv_bytes()
    os._exit(0)


def _answer(workload: Workload, chunk: list[Item]) -> list[Result]:
    return answerer(workload)(chunk)
