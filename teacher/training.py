"""The training loop that teacher and student share: repeatable, and resumable after a kill."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.files import write_bytes
from alzedge.progress import OnStep, Step, quiet
from alzedge.recipe import TrainingRecipe

Batch = tuple[NDArray[Any], NDArray[Any]]
# (indices into the training images, epoch) -> inputs and targets
MakeBatch = Callable[[NDArray[np.intp], int], Batch]


def set_seed(seed: int) -> None:
    """Start a phase afresh: seed Python, NumPy and Keras, and make TensorFlow's operations repeatable.

    Keras' counters for layer names start again too, or the files of a resumed run would
    differ in names from those of an undisturbed one.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def cosine_schedule(recipe: TrainingRecipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Linear warm-up over the share `recipe.warmup` of all steps, then half a cosine to 0."""
    warmup = min(steps - 1, round(recipe.warmup * steps))
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=recipe.learning_rate, warmup_steps=warmup
    )


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Whole batches in `count` images.

    Raises:
        UserError: the batch is larger than the data.
    """
    if count < batch_size:
        raise UserError(f"batch_size {batch_size} is larger than the {count} training images; lower it in the recipe.")
    return count // batch_size


def fit(
    model: keras.Model,
    loss: keras.losses.Loss,
    recipe: TrainingRecipe,
    make_batch: MakeBatch,
    count: int,
    seed: int,
    checkpoint: Path,
    on_step: OnStep = quiet,
) -> list[float]:
    """Train `model` in place with AdamW.

    After each epoch weights and optimizer are written to `checkpoint`, whole or not at
    all; if the file is there already, training goes on behind it. Order and batches depend
    on seed and epoch alone, so a resumed run repeats an undisturbed one.

    Args:
        model: freshly built with the same seed.
        loss: for `model.compile`.
        recipe: epochs, batch size, learning rate, weight decay.
        make_batch: see `MakeBatch`.
        count: number of training images.
        seed: of the order of images.
        checkpoint: an `.npz` file.
        on_step: told about every step.

    Returns:
        Mean loss of each epoch.

    Raises:
        UserError: a batch larger than the data, or a loss that is not a number.
    """
    steps = steps_per_epoch(count, recipe.batch_size)
    schedule = cosine_schedule(recipe, recipe.epochs * steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    # No XLA: on the CPU its convolutions are several times slower than oneDNN's.
    model.compile(optimizer, loss, jit_compile=False)
    history = _restore(model, checkpoint)
    for epoch in range(len(history), recipe.epochs):
        order = np.random.default_rng([seed, epoch]).permutation(count)
        total = 0.0
        for step in range(steps):
            index = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            total += float(model.train_on_batch(*make_batch(index, epoch), return_dict=True)["loss"])
            mean = total / (step + 1)
            if not np.isfinite(mean):
                raise UserError(
                    f"The loss is {mean} in epoch {epoch + 1}; lower learning_rate in the recipe. "
                    "The last good epoch is kept."
                )
            on_step(Step(epoch + 1, recipe.epochs, epoch * steps + step + 1, recipe.epochs * steps, mean))
        history.append(mean)
        _save(model, checkpoint, history)
    return history


def _save(model: keras.Model, checkpoint: Path, history: list[float]) -> None:
    # One file of plain arrays: it is replaced in one step, and NumPy, unlike HDF5, reports
    # a full disk as the error it is.
    state = {f"state_{i:04d}": np.asarray(value) for i, value in enumerate(_state(model))}
    buffer = io.BytesIO()
    np.savez(buffer, history=np.array(history), **state)  # type: ignore[arg-type]
    write_bytes(checkpoint, buffer.getvalue())


def _restore(model: keras.Model, checkpoint: Path) -> list[float]:
    model.optimizer.build(model.trainable_variables)
    if not checkpoint.exists():
        return []
    with np.load(checkpoint) as saved:
        for i, variable in enumerate(_state(model)):
            variable.assign(saved[f"state_{i:04d}"])
        history: list[float] = saved["history"].tolist()
    return history


def _state(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
