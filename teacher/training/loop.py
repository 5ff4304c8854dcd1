"""The training loop that teacher and student share: repeatable, and resumable after a kill."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.errors import DivergedError, UserError
from alzedge.runs.recipe import TrainingRecipe
from alzedge.teacher.training.optimizers import make_optimizer
from alzedge.teacher.training.replicas import Batch, make_replicas, train_step, validation_loss
from alzedge.teacher.training.resume import restore, save
from alzedge.teacher.training.sampling import Draw
from alzedge.teacher.training.schedules import learning_rates
from alzedge.utils.progress import OnStep, Step, quiet

# (indices into the training images, epoch) -> inputs and targets
MakeBatch = Callable[[NDArray[np.intp], int], Batch]


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and Keras, and make TensorFlow's operations deterministic.

    Keras' counters for layer names start again too, or the files of a resumed run would differ in names from those
    of an uninterrupted one.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Count the whole batches in `count` images.

    Raises:
        UserError: the batch is larger than the data.
    """
    if count < batch_size:
        raise UserError(f"batch_size {batch_size} is larger than the {count} training images; lower it in the recipe.")
    return count // batch_size


@dataclass(frozen=True, eq=False)
class EarlyStopping:
    """Criterion that ends training when the loss on validation images has not fallen for a while.

    Attributes:
        index: int (N,), the validation images, which are not trained on.
        patience: number of epochs without a lower loss before training ends.
    """

    index: NDArray[np.intp]
    patience: int


def fit(
    model: keras.Model,
    loss: keras.losses.Loss,
    recipe: TrainingRecipe,
    make_batch: MakeBatch,
    draw: Draw,
    checkpoint: Path,
    on_step: OnStep = quiet,
    stopping: EarlyStopping | None = None,
    devices: int = 1,
) -> list[float]:
    """Train `model` in place.

    After each epoch weights and optimizer are written to `checkpoint`, whole or not at all; if the file exists,
    training goes on from it. Order and batches depend on seed and epoch alone, so a resumed training repeats an
    uninterrupted one to the bit.

    Args:
        model: freshly built with the same seed.
        loss: for `model.compile`.
        recipe: epochs, batch size, optimizer and schedule, precision.
        make_batch: see `MakeBatch`.
        draw: order of images in each epoch.
        checkpoint: an `.npz` file.
        on_step: called after every step.
        stopping: early stopping, which also keeps the weights of the epoch with the lowest validation loss.
        devices: number of devices that share each batch; equal to one device but for rounding.

    Returns:
        Mean loss of each epoch; an empty list, and the model as it was, for 0 epochs.

    Raises:
        UserError: a batch larger than the data.
        DivergedError: a loss that is not a number.
    """
    if not recipe.epochs:
        return []
    steps = steps_per_epoch(len(draw(0)), recipe.batch_size)
    replicas = make_replicas(model, recipe, devices)
    with replicas.distribute_strategy.scope() if devices > 1 else contextlib.nullcontext():
        optimizer = make_optimizer(recipe, learning_rates(recipe, recipe.epochs * steps))
        # TensorFlow without XLA: on the CPU its convolutions are several times slower than oneDNN's.
        replicas.compile(optimizer, loss, jit_compile=keras.backend.backend() == "jax")
        progress = restore(replicas, checkpoint)
    for epoch in range(len(progress.losses), recipe.epochs):
        if stopping and progress.epochs_since_best(epoch) > stopping.patience:
            break
        order = draw(epoch)
        total = 0.0
        for step in range(steps):
            index = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            total += train_step(replicas, make_batch(index, epoch), devices)
            mean = total / (step + 1)
            if not np.isfinite(mean):
                raise DivergedError(
                    f"The loss is {mean} in epoch {epoch + 1}; lower learning_rate in the recipe. "
                    "The last good epoch is kept."
                )
            on_step(Step(epoch + 1, recipe.epochs, epoch * steps + step + 1, recipe.epochs * steps, mean))
        progress = progress.with_loss(mean)
        if stopping:
            batches = _whole_batches(stopping.index, recipe.batch_size, devices)
            losses = [validation_loss(replicas, make_batch(index, 0), devices) for index in batches]
            progress = progress.with_validation(float(np.mean(losses)), replicas.get_weights())
        save(replicas, checkpoint, progress)
    model.set_weights(progress.best if stopping else replicas.get_weights())
    return list(progress.losses)


def _whole_batches(index: NDArray[np.intp], batch_size: int, devices: int) -> list[NDArray[np.intp]]:
    """Batches of one size, because NT-Xent depends on it; what is left over is left out."""
    size = min(batch_size, len(index) // devices * devices)
    return [index[start : start + size] for start in range(0, len(index) - size + 1, size)]
