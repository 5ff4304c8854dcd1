"""Contrastive pre-training of the encoder: SimCLR on unlabelled slices."""

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.progress import OnStep, quiet
from alzedge.recipe import Recipe
from alzedge.teacher.augment import apply_views, draw_views
from alzedge.teacher.heads import contrastive_model
from alzedge.teacher.losses import NTXent
from alzedge.teacher.resnet import resnet
from alzedge.teacher.training import Batch, fit, set_seed

_FIRST_VIEW, _SECOND_VIEW = 11, 12  # names of random streams


def pretrain(
    images: NDArray[np.float32],
    recipe: Recipe,
    checkpoint: Path,
    on_step: OnStep = quiet,
) -> tuple[keras.Model, list[float]]:
    """Train encoder and projection head with NT-Xent between two views of each image.

    Args:
        images: float32 (N, rows, columns, 1), preprocessed training slices.
        recipe: `teacher`, `pretrain`, `augment` and `seed` are used.
        checkpoint: see `alzedge.teacher.training.fit`.
        on_step: told about every step.

    Returns:
        The contrastive model (images to projections) and each epoch's loss.
    """
    set_seed(recipe.seed)
    model = contrastive_model(resnet(recipe.teacher, images.shape[1:]))

    def two_views(index: NDArray[np.intp], epoch: int) -> Batch:
        views = [
            apply_views(images[index], draw_views(recipe.augment, len(images), [recipe.seed, stream, epoch])[index])
            for stream in (_FIRST_VIEW, _SECOND_VIEW)
        ]
        return np.concatenate(views), np.zeros(2 * len(index), np.float32)

    loss = NTXent(recipe.pretrain.temperature)
    history = fit(model, loss, recipe.pretrain, two_views, len(images), recipe.seed, checkpoint, on_step)
    return model, history
