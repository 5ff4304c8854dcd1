"""Curves of a training for TensorBoard, always, and for Weights & Biases, when asked."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from alzedge.utils.extras import require
from alzedge.utils.progress import OnStep, Step


@contextlib.contextmanager
def recorded(folder: Path, show: OnStep, wandb_name: str | None = None) -> Iterator[OnStep]:
    """Write each epoch's mean loss as the scalar `loss`, a few hundred bytes an epoch.

    Args:
        folder: of the event files, `tensorboard --logdir FOLDER` shows them.
        show: told about every step, too.
        wandb_name: name of a Weights & Biases run, kept in `folder` and not sent unless
            the variable WANDB_MODE says `online`.

    Raises:
        UserError: Weights & Biases is asked for and not installed.
    """
    import tensorflow as tf

    with contextlib.ExitStack() as stack:
        writer = tf.summary.create_file_writer(str(folder))
        stack.callback(writer.close)
        run = None
        if wandb_name is not None:
            require("wandb")
            import wandb

            online = os.environ.get("WANDB_MODE") == "online"
            settings = wandb.Settings(mode="online" if online else "offline")
            run = stack.enter_context(wandb.init(project="alzedge", name=wandb_name, dir=folder, settings=settings))

        def on_step(step: Step) -> None:
            show(step)
            if step.step * step.epochs % step.steps == 0 and step.loss is not None:  # an epoch is complete
                with writer.as_default(step=step.epoch):
                    tf.summary.scalar("loss", step.loss)
                writer.flush()
                if run is not None:
                    run.log({"loss": step.loss}, step=step.epoch)

        yield on_step
