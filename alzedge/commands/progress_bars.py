"""Progress bars on a terminal, a line per epoch elsewhere."""

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO, TypeVar

import click

from alzedge.utils.progress import OnStep, Step

T = TypeVar("T")
_AT_ONCE = 64


@contextlib.contextmanager
def show_steps(title: str) -> Iterator[OnStep]:
    """Show the steps of one long piece of work.

    On a terminal a bar with the time left; in a pipe or log one line per epoch.
    """
    if not sys.stdout.isatty():

        def on_line(step: Step) -> None:
            if step.step * step.epochs % step.steps == 0:  # an epoch is complete
                click.echo(f"{title}: {step}")

        yield on_line
        return
    bar: click._termui_impl.ProgressBar[str] | None = None

    def on_bar(step: Step) -> None:
        nonlocal bar
        if bar is None:
            # The bar starts where a resumed training does, so that the time left is right.
            bar = click.progressbar(length=step.steps, label=title, item_show_func=lambda item: item, width=24)
            bar.__enter__()
            bar.pos = step.step - 1
        bar.update(1, str(step))

    try:
        yield on_bar
    finally:
        if bar is not None:
            bar.__exit__(None, None, None)


def show_items(items: list[T], title: str) -> Iterable[T]:
    """Go through `items` with a bar on a terminal, and silently in a pipe or log."""
    if not sys.stdout.isatty():
        return items
    return _bar_over(items, title)


def show_count(items: Iterator[T], title: str, output: TextIO) -> Iterator[T]:
    """Go through a stream of unknown length, with a count on stderr where that is a terminal and `output` is not.

    Work that is over at once shows nothing.
    """
    yield from itertools.islice(items, _AT_ONCE)
    if not sys.stderr.isatty() or output.isatty():
        yield from items
        return
    with click.progressbar(items, label=title, file=sys.stderr, show_pos=True, width=24, update_min_steps=16) as bar:
        yield from bar


@contextlib.contextmanager
def show_phases() -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """Show the phases of work, and a count of what each has done, on a terminal; nothing in a pipe or log."""
    shown = sys.stderr.isatty()
    phase, count = "", 0

    def on_phase(title: str) -> None:
        nonlocal phase, count
        phase, count = title, 0
        if shown:
            click.echo(f"\r\033[K{title} ...", err=True, nl=False)

    def on_item() -> None:
        nonlocal count
        count += 1
        if shown and count % _AT_ONCE == 0:
            click.echo(f"\r\033[K{phase} {count}", err=True, nl=False)

    try:
        yield on_phase, on_item
    finally:
        if shown:
            click.echo("\r\033[K", err=True, nl=False)


def _bar_over(items: list[T], title: str) -> Iterator[T]:
    with click.progressbar(items, label=title, width=24) as bar:
        yield from bar
