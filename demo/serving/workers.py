"""Decoding in processes of their own, with little memory and time: a file made to be slow or large ends its worker only.

A decoder in C cannot be interrupted from within. So whatever is uploaded is decoded by workers whose memory and processor
time the operating system bounds (`resource.setrlimit`); one that reaches a bound is replaced.
"""

import contextlib
import functools
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, TimeoutError, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

from alzedge.errors import UserError

T = TypeVar("T")

# A head of 64 Mi voxels as 8-byte numbers is half of it.
_MEMORY = 3 * 2**29
# Processor time comes slowly on a busy machine.
_PATIENCE = 4
# Against memory that decoders never give back. All workers come to it at about the same time, and then everybody waits for
# new ones.
_TASKS = 2000


class Workers:
    """A pool of processes that decode; a `Call` of `alzedge.demo.answering.uploads`.

    Args:
        count: of processes.
        seconds: of processor time for a call that does not ask for more.
        memory: in bytes, on top of what a worker takes at its start.
    """

    def __init__(self, count: int, seconds: int, memory: int = _MEMORY) -> None:
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            context.set_forkserver_preload(["alzedge.demo.answering.uploads"])
        self._new_pool = functools.partial(ProcessPool, count, _TASKS, _bound_memory, (memory,), context)
        self._pool = self._new_pool()
        self._lock = threading.Lock()
        self._ended = False
        self._seconds = seconds

    def __call__(self, function: Callable[..., T], *arguments: object, seconds: int | None = None) -> T:
        """Call a function in a worker; see `alzedge.demo.answering.uploads.Call`.

        Raises:
            UserError: of the function, or because it took too much time or memory.
        """
        most = seconds or self._seconds
        try:
            try:
                return self._ask(most, function, *arguments)
            except BrokenProcessPool:  # perhaps by another call's worker
                return self._ask(most, function, *arguments)
        except (ProcessExpired, TimeoutError, BrokenProcessPool) as error:
            raise UserError(
                f"A file takes more than {most} s or too much memory to be read; export it again, uncompressed "
                "or smaller."
            ) from error
        except MemoryError as error:
            raise UserError("A file takes too much memory to be read; export it smaller.") from error
        except CancelledError as error:
            raise UserError("The server is about to end; ask again in a minute.") from error

    def _ask(self, most: int, function: Callable[..., T], *arguments: object) -> T:
        with self._lock:
            pool = self._whole_pool()
            future: Future[T] = pool.schedule(_bounded, (most, function, *arguments), timeout=_PATIENCE * most)
        deadline = time.monotonic() + 2 * _PATIENCE * most
        # A pool that breaks forgets what it had not yet handed to a worker.
        while not wait([future], timeout=1).done:
            if time.monotonic() > deadline:  # a worker died while it held the queue's lock (Pebble's issue 163)
                pool.stop()
            if not pool.active:
                raise CancelledError if self._ended else BrokenProcessPool
        return future.result()

    def _whole_pool(self) -> ProcessPool:
        """The pool, or a new one where the death of an idle worker broke it for good (Pebble's issue 153)."""
        if self._ended:
            raise CancelledError
        if not self._pool.active:
            _end(self._pool)
            self._pool = self._new_pool()
        return self._pool

    def start(self) -> None:
        """Start the workers before anybody waits for them."""
        self._pool.schedule(time.monotonic)

    def stop(self) -> None:
        """End the workers, whatever they do."""
        with self._lock:
            self._ended = True
            _end(self._pool)


@contextlib.contextmanager
def working(count: int, seconds: int) -> Iterator[Workers]:
    """Workers, ended with the block."""
    workers = Workers(count, seconds)
    try:
        yield workers
    finally:
        workers.stop()


def _end(pool: ProcessPool) -> None:
    pool.stop()
    with contextlib.suppress(TimeoutError):
        pool.join(1)


def _bounded(seconds: int, function: Callable[..., T], *arguments: object) -> T:
    """The worker's part: a call with so many seconds of processor time from now on."""
    with contextlib.suppress(ImportError):  # Windows: the parent's clock is the only bound
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime) + 1 + seconds)
    return function(*arguments)


def _bound_memory(memory: int) -> None:
    """Bound this process's memory, and keep it from writing a core."""
    with contextlib.suppress(ImportError, OSError):  # Windows and macOS: no such bound
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + memory)
        _limit(resource.RLIMIT_CORE, 0)


def _limit(kind: int, wanted: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
