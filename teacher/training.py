"""The training loop that teacher and student share: repeatable, and resumable after a kill."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.files import replacing, write_json
from alzedge.recipe import TrainingRecipe

Batch = tuple[NDArray[Any], NDArray[Any]]
# (indices into the training images, epoch) -> inputs and targets
MakeBatch = Callable[[NDArray[np.intp], int], Batch]


@dataclass(frozen=True)
class Step:
    """How far training is, for a progress bar: `step` of `steps` over all epochs."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and Keras, and make TensorFlow's operations repeatable."""
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
    on_step: Callable[[Step], None] = lambda step: None,
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
        checkpoint: path ending in `.weights.h5`; the loss history lies beside it.
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
    history = _restore(model, checkpoint, steps)
    for epoch in range(len(history), recipe.epochs):
        order = np.random.default_rng([seed, epoch]).permutation(count)
        model.reset_metrics()
        mean_loss = 0.0
        for step in range(steps):
            index = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            mean_loss = float(model.train_on_batch(*make_batch(index, epoch), return_dict=True)["loss"])
            if not np.isfinite(mean_loss):
                raise UserError(
                    f"The loss is {mean_loss} in epoch {epoch + 1}; lower learning_rate in the recipe. "
                    "The last good epoch is kept."
                )
            on_step(Step(epoch + 1, recipe.epochs, epoch * steps + step + 1, recipe.epochs * steps, mean_loss))
        history.append(mean_loss)
        _save(model, checkpoint, history)
    return history


def discard_checkpoint(checkpoint: Path) -> None:
    """Remove a checkpoint that has served its purpose."""
    for path in (checkpoint, _history_path(checkpoint)):
        path.unlink(missing_ok=True)


def _history_path(checkpoint: Path) -> Path:
    return checkpoint.with_name(checkpoint.name.removesuffix(".weights.h5") + ".history.json")


def _save(model: keras.Model, checkpoint: Path, history: list[float]) -> None:
    # History first: a kill between the two leaves an older checkpoint and a longer
    # history, and the checkpoint's own step count says how much of it is valid.
    write_json(_history_path(checkpoint), history)
    with replacing(checkpoint) as temporary:
        model.save_weights(temporary, overwrite=True)


def _restore(model: keras.Model, checkpoint: Path, steps: int) -> list[float]:
    if not checkpoint.exists():
        return []
    model.optimizer.build(model.trainable_variables)
    model.load_weights(checkpoint)
    epochs = int(model.optimizer.iterations) // steps
    history: list[float] = json.loads(_history_path(checkpoint).read_text())
    return history[:epochs]
