"""Checkpoints: what a training writes after each epoch and resumes from."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.utils.files import write_bytes


@dataclass(frozen=True, eq=False)
class Progress:
    """Finished epochs of a training.

    Attributes:
        losses: mean training loss of each epoch.
        validation_losses: loss of each epoch on the validation images; empty without early stopping.
        best: weights of the epoch with the lowest validation loss; empty without early stopping.
    """

    losses: tuple[float, ...] = ()
    validation_losses: tuple[float, ...] = ()
    best: tuple[NDArray[Any], ...] = ()

    def with_loss(self, loss: float) -> "Progress":
        """Append the training loss of one more epoch."""
        return replace(self, losses=(*self.losses, loss))

    def with_validation(self, loss: float, weights: list[NDArray[Any]]) -> "Progress":
        """Append the validation loss of one more epoch, and keep its weights if it is the lowest."""
        better = loss < min(self.validation_losses, default=np.inf) or not self.best
        best = tuple(weights) if better else self.best
        return replace(self, validation_losses=(*self.validation_losses, loss), best=best)

    def epochs_since_best(self, epochs: int) -> int:
        """Count the epochs after the one with the lowest validation loss, of `epochs` in all."""
        return epochs - 1 - int(np.argmin(self.validation_losses)) if self.validation_losses else 0


def save(model: keras.Model, checkpoint: Path, progress: Progress) -> None:
    """Write weights, optimizer and progress to `checkpoint`, whole or not at all.

    One file of plain arrays: it is replaced in one step, and NumPy, unlike HDF5, reports a full
    disk as the error it is. Validation losses are stored under the name `unseen`.
    """
    arrays = {f"state_{i:04d}": np.asarray(value) for i, value in enumerate(_state(model))}
    arrays |= {f"best_{i:04d}": value for i, value in enumerate(progress.best)}
    arrays |= {"history": np.array(progress.losses), "unseen": np.array(progress.validation_losses)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_bytes(checkpoint, buffer.getvalue())


def restore(model: keras.Model, checkpoint: Path) -> Progress:
    """Restore the compiled `model` from `checkpoint`; without such a file it stays as it is."""
    model.optimizer.build(model.trainable_variables)
    if not checkpoint.exists():
        return Progress()
    with np.load(checkpoint) as saved:
        for i, variable in enumerate(_state(model)):
            variable.assign(saved[f"state_{i:04d}"])
        best = tuple(saved[name] for name in sorted(saved.files) if name.startswith("best_"))
        return Progress(tuple(saved["history"].tolist()), tuple(saved["unseen"].tolist()), best)


def _state(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
