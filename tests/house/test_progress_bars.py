"""Progress on a terminal and in a log."""

import io
import sys

import pytest

from alzedge.commands.progress_bars import show_count, show_items, show_phases, show_steps
from alzedge.utils.progress import Step


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def open_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Stdout and stderr as a terminal; no fixture, because pytest puts its own streams back before the test."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def epochs_two_and_three() -> list[Step]:
    """The steps that a training resumed after the first of three epochs has still to do."""
    return [Step(epoch, 3, 2 * epoch - 1 + half, 6, loss=1 / epoch) for epoch in (2, 3) for half in (0, 1)]


def test_a_terminal_gets_a_bar_that_starts_where_the_work_does(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    with show_steps("pre-training") as on_step:
        for step in epochs_two_and_three():
            on_step(step)
    drawn = terminal.getvalue().split("\r")
    assert "pre-training" in drawn[1] and "| 2/6 " in drawn[1]
    assert "| 6/6 " in drawn[-1] and "3/3  loss 0.333" in drawn[-1]


def test_a_log_gets_a_line_per_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    with show_steps("pre-training") as on_step:
        for step in epochs_two_and_three():
            on_step(step)
    assert capsys.readouterr().out.splitlines() == ["pre-training: 2/3  loss 0.500", "pre-training: 3/3  loss 0.333"]


def test_items_pass_through_with_and_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    items = [str(number) for number in range(100)]
    assert list(show_items(items, "reading slices")) == items and "reading slices: 100%" in terminal.getvalue()
    assert (
        list(show_count(iter(items), "answering", io.StringIO())) == items and "answering: 100it" in terminal.getvalue()
    )
    before = terminal.getvalue()
    assert list(show_count(iter(items), "answering", terminal)) == items  # answers go to the terminal, no bar does
    assert list(show_count(iter(items[:60]), "answering", io.StringIO())) == items[:60]  # over at once
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert list(show_items(items, "reading slices")) == items
    assert terminal.getvalue() == before


def test_phases_are_named_and_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    with show_phases() as (on_phase, on_item):
        on_phase("comparing")
        for _ in range(3):
            on_item()
    drawn = terminal.getvalue()
    assert "comparing: " in drawn and not drawn.split("\r")[-1].strip()
