"""Work in a fresh process: thread pools can be set only once per process, and memory is only ever seen to grow."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from alzedge.errors import UserError

T = TypeVar("T")

# Thread pools that are read from the environment when a library is loaded.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def in_process(threads: int, function: Callable[..., T], *arguments: object) -> T:
    """Call a module's function in a process of its own and return what it returns.

    Args:
        threads: of the thread pools of the libraries it loads.
        function: not a method or a lambda; it and what it returns must be picklable.
        arguments: of the function.

    Raises:
        UserError: the process died, for instance for want of memory.
    """
    context = multiprocessing.get_context("spawn")
    with _thread_variables(threads), ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise UserError(
                "A process that measured a model died (ALZEDGE_DEBUG=1 shows its last words); "
                "benchmark fewer models, or with more memory."
            ) from error


@contextlib.contextmanager
def _thread_variables(threads: int) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
