"""Work in a fresh process: thread pools can be set only once per process, and memory is only ever seen to grow."""

import contextlib
import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import TypeVar

from alzedge.errors import UserError
from alzedge.utils.processes import end_with_parent

T = TypeVar("T")

_PATIENCE = 0.5  # seconds until it is asked again whether the answer is still wanted
# The environment is the process's: two threads that set it at once would leave each other's values there.
_STARTING = threading.Lock()
# Thread pools that are read from the environment when a library is loaded.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def in_process(
    threads: int, function: Callable[..., T], *arguments: object, unwanted: threading.Event | None = None
) -> T:
    """Call a module's function in a process of its own, which ends with this one, and return what it returns.

    Args:
        threads: of the thread pools of the libraries it loads.
        function: not a method or a lambda; it and what it returns must be picklable.
        arguments: of the function.
        unwanted: set, by another thread, when nobody wants the answer any more.

    Raises:
        UserError: the process died, for instance for want of memory, or is unwanted.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    leash, held = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(leash, sender, function, arguments), daemon=True)
    with _STARTING, _thread_variables(threads):
        process.start()
    sender.close()  # ours; when the child's end closes too, there is nothing to wait for
    leash.close()
    try:
        while unwanted is not None and not receiver.poll(_PATIENCE):
            if unwanted.is_set():
                held.close()
        result, error = receiver.recv()
    except EOFError as gone:
        raise UserError(
            "A process of AlzEdge's died (ALZEDGE_DEBUG=1 shows its last words), probably for want of memory; "
            "do less at once."
        ) from gone
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()
        held.close()
    if error is not None:
        raise error
    answer: T = result
    return answer


def _answer(
    leash: Connection, sender: Connection, function: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    """The child's part."""
    end_with_parent(leash)
    outcome: tuple[object, Exception | None]
    try:
        outcome = function(*arguments), None
    except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
        error.add_note(traceback.format_exc())
        outcome = None, error
    with contextlib.suppress(BrokenPipeError):  # the caller was killed
        sender.send(outcome)


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
