"""What long work reports: one `Step` after another, to a callback."""

from collections.abc import Callable
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


def quiet(step: Step) -> None:
    """Show nothing."""
