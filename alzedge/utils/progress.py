"""Progress of long work, reported to callbacks: the library shows nothing, commands draw."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step done: `step` of `steps` in all, in `epoch` of `epochs`."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float | None = None

    def __str__(self) -> str:
        loss = "" if self.loss is None else f"  loss {self.loss:.3f}"
        return f"{self.epoch}/{self.epochs}{loss}"


OnStep = Callable[[Step], None]
# Called with the title of a phase; the context it returns lasts as long as the phase and gives what its steps go to.
OnPhase = Callable[[str], AbstractContextManager[OnStep]]


def quiet(step: Step) -> None:
    """Show nothing of a step."""


def quiet_phase(title: str) -> AbstractContextManager[OnStep]:
    """Show nothing of a phase and its steps."""
    return nullcontext(quiet)
