"""The campaign: every parser is given changed files in a process with limits, and only an answer or a sentence may come out."""

import multiprocessing
import random
import resource
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fuzzing.mutators import Mutate

from alzedge.errors import UserError

SECONDS, MEBIBYTES = 10.0, 512  # of one item; a head of 128 MiB takes some copies
_LONGEST = 2000  # characters of a sentence
_SILENCE = 60.0  # of a process whose item does not end


@dataclass(frozen=True)
class Parser:
    """A parser under test.

    Attributes:
        starts: files that are read.
        mutate: from a start to a changed file.
        read: reads a file, given a folder of its own and the bytes; raises UserError, or AssertionError for a wrong answer.
        share: of the campaign's items, less than 1 where one of them takes long.
    """

    starts: tuple[bytes, ...]
    mutate: Mutate
    read: Callable[[Path, bytes], object]
    share: float = 1.0


@dataclass(frozen=True)
class Failure:
    """Item of a parser that ended in neither an answer nor a sentence."""

    parser: str
    item: int
    what: str
    data: bytes


@dataclass(frozen=True)
class Tally:
    """Numbers of one parser: items answered and refused, the slowest in seconds, the most memory that one added in MiB."""

    answered: int
    refused: int
    seconds: float
    mebibytes: float
    failures: tuple[Failure, ...]


def item_of(parser: Parser, name: str, seed: int, number: int) -> bytes:
    """The bytes of an item; the same for the same parser, seed and number."""
    rng = random.Random(f"{name} {seed} {number}")
    return parser.mutate(rng.choice(parser.starts), rng)


def try_item(parser: Parser, folder: Path, data: bytes) -> str | None:
    """Read an item: None when it is answered, '' when it is refused, else what is wrong."""
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        verdict = _verdict_of(parser, folder, data)
    shown = [one for one in remarks if issubclass(one.category, RuntimeWarning | UserWarning)]
    if shown and not verdict:  # it would stand beside the answer or the sentence
        return f"a warning: {shown[0].message} ({Path(shown[0].filename).name}:{shown[0].lineno})"
    return verdict


def _verdict_of(parser: Parser, folder: Path, data: bytes) -> str | None:
    try:
        parser.read(folder, data)
    except UserError as error:
        told = str(error)  # commands escape what a terminal should not see, so names may hold anything
        return (
            "" if told.endswith(".") and len(told) <= _LONGEST else f"no short sentence: {told[:200]!r} of {len(told)}"
        )
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:200]} ({Path(where.filename).name}:{where.lineno})"
    return None


def campaign(make: Callable[[str], Parser], name: str, seed: int, count: int) -> Tally:
    """Try `count` items of a parser; a process that dies or hangs is a failure of its item, and the next one goes on.

    Args:
        make: from a name to a parser, a module's function.
        name, seed: of the campaign.
        count: of items.
    """
    answered = refused = 0
    seconds = mebibytes = 0.0
    failures: list[Failure] = []
    todo = 0
    while todo < count:
        ended = None
        for number, verdict, took, more in _in_process(make, name, seed, todo, count):
            todo, ended = number + 1, verdict
            answered, refused = answered + (verdict is None), refused + (verdict == "")
            seconds, mebibytes = max(seconds, took), max(mebibytes, more)
            if verdict:
                failures.append(Failure(name, number, verdict, item_of(make(name), name, seed, number)))
        if todo < count and ended != "":
            failures.append(Failure(name, todo, "the process died or hung", item_of(make(name), name, seed, todo)))
            todo += 1
    return Tally(answered, refused, seconds, mebibytes, tuple(failures))


_Verdict = tuple[int, str | None, float, float]


def _in_process(make: Callable[[str], Parser], name: str, seed: int, first: int, count: int) -> Iterator[_Verdict]:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, make, name, seed, first, count), daemon=True)
    process.start()
    sender.close()
    try:
        while receiver.poll(_SILENCE):
            told = receiver.recv()
            if isinstance(told, str):
                raise RuntimeError(f"the campaign itself failed: {told}")  # noqa: TRY004 - no type of an argument
            yield told
    except EOFError:
        pass
    finally:
        process.kill()
        process.join()


def _work(sender: Connection, make: Callable[[str], Parser], name: str, seed: int, first: int, count: int) -> None:
    signal.signal(signal.SIGALRM, _too_slow)
    try:
        parser = make(name)
        with TemporaryDirectory() as folder:
            for start in parser.starts:  # imports are no item's time and memory
                unread = try_item(parser, Path(folder), start)
                assert unread is None, f"a start is not read: {unread or 'refused'}"
            _limit()
            for number in range(first, count):
                sender.send(_measured(parser, Path(folder), item_of(parser, name, seed, number), number))
    except Exception:  # noqa: BLE001 - of the campaign, not of a parser
        sender.send(f"{name}\n{traceback.format_exc()}")


def _measured(parser: Parser, folder: Path, data: bytes, number: int) -> _Verdict:
    before, start = _peak(), time.process_time()
    signal.setitimer(signal.ITIMER_REAL, 4 * SECONDS)  # the machine may be busy
    try:
        verdict = try_item(parser, folder, data)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    took, more = time.process_time() - start, _peak() - before
    if not verdict and (took > SECONDS or more > MEBIBYTES):
        verdict = f"{took:.1f} s, {more:.0f} MiB"
    return number, verdict, took, more


def _too_slow(*_: Any) -> None:
    raise TimeoutError(f"over {4 * SECONDS:.0f} s")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _limit() -> None:
    """Bound this process to what it has and 2 GiB: more is a MemoryError, which is a failure too."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + 2**31
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
