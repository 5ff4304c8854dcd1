"""Progress bars on a terminal, a line per epoch elsewhere; the only place where progress is drawn."""

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TextIO, TypeVar

import click

from alzedge.utils.progress import OnStep, Step

if TYPE_CHECKING:
    from tqdm import tqdm

T = TypeVar("T")
# Items that are over at once show nothing.
_AT_ONCE = 64


@contextlib.contextmanager
def show_steps(title: str) -> Iterator[OnStep]:
    """Show the steps of one long piece of work.

    On a terminal a bar with the time left; in a pipe or log one line per epoch.
    """
    if not sys.stdout.isatty():
        with show_lines(title) as on_line:
            yield on_line
        return
    with contextlib.ExitStack() as stack:
        bar: tqdm[Step] | None = None

        def on_step(step: Step) -> None:
            nonlocal bar
            if bar is None:
                # The bar starts where a resumed training does, so that the time left is right.
                bar = stack.enter_context(_bar(title, sys.stdout, total=step.steps, initial=step.step - 1))
            bar.set_postfix_str(str(step), refresh=False)
            bar.update()

        yield on_step


@contextlib.contextmanager
def show_lines(title: str) -> Iterator[OnStep]:
    """Print a line per epoch: for logs, and for one of several processes, whose bars would overwrite each other."""

    def on_line(step: Step) -> None:
        if step.step * step.epochs % step.steps == 0:  # an epoch is complete
            click.echo(f"{title}: {step}")

    yield on_line


def show_items(items: list[T], title: str) -> Iterable[T]:
    """Go through `items` with a bar on a terminal, and silently in a pipe or log."""
    return _bar(title, sys.stdout, items) if sys.stdout.isatty() else items


def show_count(items: Iterator[T], title: str, output: TextIO) -> Iterator[T]:
    """Go through a stream of unknown length, with a count on stderr where that is a terminal and `output` is not.

    Work that is over at once shows nothing.
    """
    yield from itertools.islice(items, _AT_ONCE)
    if not sys.stderr.isatty() or output.isatty():
        yield from items
        return
    for item in items:  # if there are any left
        yield from _bar(title, sys.stderr, itertools.chain([item], items), initial=_AT_ONCE)


@contextlib.contextmanager
def show_share(title: str) -> Iterator[Callable[[float], None]]:
    """Show the share that is done of one piece of work after another, on stderr where that is a terminal.

    Each bar goes when its work is done, so that it is in nobody's way.
    """
    if not sys.stderr.isatty():
        yield lambda share: None
        return
    bars: list[tqdm[None]] = []

    def on_share(share: float) -> None:
        if not bars and share < 1:
            bars.append(_bar(title, sys.stderr, total=100, leave=False))
        if bars:
            bars[0].update(round(100 * share) - bars[0].n)
        if bars and share >= 1:
            bars.pop().close()

    try:
        yield on_share
    finally:
        for bar in bars:
            bar.close()


@contextlib.contextmanager
def show_phases() -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """Show the phases of work, and a count of what each has done, on a terminal; nothing in a pipe or log."""
    if not sys.stderr.isatty():
        yield lambda title: None, lambda: None
        return
    with _bar("", sys.stderr, leave=False) as bar:

        def on_phase(title: str) -> None:
            bar.set_description_str(title, refresh=False)
            bar.reset()

        yield on_phase, lambda: bar.update() and None


def _bar(
    title: str,
    stream: TextIO,
    items: Iterable[T] | None = None,
    *,
    total: int | None = None,
    initial: int = 0,
    leave: bool = True,
) -> "tqdm[T]":
    from tqdm import tqdm  # when there is a terminal: elsewhere `alzedge predict` starts without

    return tqdm(items, desc=title, file=stream, total=total, initial=initial, leave=leave, dynamic_ncols=True)
