"""Loss curves for TensorBoard, always, and for Weights & Biases, on request."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from alzedge.utils.extras import require
from alzedge.utils.progress import OnStep, Step


@contextlib.contextmanager
def recorded(folder: Path, on_step: OnStep, wandb_name: str | None = None) -> Iterator[OnStep]:
    """Write each epoch's mean loss as the scalar `loss`, a few hundred bytes an epoch.

    Args:
        folder: of the event files, which `tensorboard --logdir FOLDER` shows.
        on_step: called after every step, too.
        wandb_name: name of a Weights & Biases run, kept in `folder` and not sent unless
            the environment variable WANDB_MODE is `online`.

    Yields:
        The callback to give to the training.

    Raises:
        UserError: Weights & Biases is asked for and not installed.
    """
    from tensorboard.summary import Writer  # needs NumPy alone, so that every backend of Keras has curves

    with contextlib.ExitStack() as stack:
        writer = Writer(str(folder))
        stack.callback(writer.close)
        run = None
        if wandb_name is not None:
            require("wandb")
            import wandb

            online = os.environ.get("WANDB_MODE") == "online"
            settings = wandb.Settings(mode="online" if online else "offline")
            run = stack.enter_context(wandb.init(project="alzedge", name=wandb_name, dir=folder, settings=settings))

        def record(step: Step) -> None:
            on_step(step)
            if step.step * step.epochs % step.steps == 0 and step.loss is not None:  # an epoch is complete
                writer.add_scalar("loss", step.loss, step.epoch)
                writer.flush()
                if run is not None:
                    run.log({"loss": step.loss}, step=step.epoch)

        yield record
