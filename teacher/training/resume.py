"""What a training writes after each epoch, and goes on from after a kill."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.utils.files import write_bytes


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        losses: mean training loss of each epoch.
        unseen: loss of each epoch on the images that watch; empty when none do.
        best: weights of the epoch with the lowest of these.
    """

    losses: list[float] = field(default_factory=list)
    unseen: list[float] = field(default_factory=list)
    best: list[NDArray[Any]] = field(default_factory=list)

    def watched(self, loss: float, weights: list[NDArray[Any]]) -> None:
        """Take note of one more epoch."""
        if loss < min(self.unseen, default=np.inf) or not self.best:
            self.best = weights
        self.unseen.append(loss)

    def waited(self, epochs: int) -> int:
        """Epochs since the best of these."""
        return epochs - 1 - int(np.argmin(self.unseen)) if self.unseen else 0


def save(model: keras.Model, checkpoint: Path, progress: Progress) -> None:
    """Write weights, optimizer and progress to `checkpoint`, whole or not at all.

    One file of plain arrays: it is replaced in one step, and NumPy, unlike HDF5, reports a full
    disk as the error it is.
    """
    arrays = {f"state_{i:04d}": np.asarray(value) for i, value in enumerate(_state(model))}
    arrays |= {f"best_{i:04d}": value for i, value in enumerate(progress.best)}
    arrays |= {"history": np.array(progress.losses), "unseen": np.array(progress.unseen)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_bytes(checkpoint, buffer.getvalue())


def restore(model: keras.Model, checkpoint: Path) -> Progress:
    """Bring the compiled `model` to where `checkpoint` was written; to the start when there is none."""
    model.optimizer.build(model.trainable_variables)
    if not checkpoint.exists():
        return Progress()
    with np.load(checkpoint) as saved:
        for i, variable in enumerate(_state(model)):
            variable.assign(saved[f"state_{i:04d}"])
        best = [saved[name] for name in sorted(saved.files) if name.startswith("best_")]
        return Progress(saved["history"].tolist(), saved["unseen"].tolist(), best)


def _state(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
