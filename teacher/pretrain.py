"""Contrastive pre-training of the encoder: SimCLR on unlabelled slices."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from alzedge.runs.recipe import Recipe
from alzedge.teacher.networks.backbones import build_encoder
from alzedge.teacher.networks.heads import contrastive_model
from alzedge.teacher.training.augment import apply_views, draw_views
from alzedge.teacher.training.loop import EarlyStopping, fit, set_seed
from alzedge.teacher.training.losses import NTXent
from alzedge.teacher.training.replicas import Batch
from alzedge.teacher.training.sampling import draw_partners, shuffled, validation_subjects
from alzedge.teacher.training.simclr_augment import random_view
from alzedge.utils.progress import OnStep, quiet

_STREAMS = (11, 12)  # names of the first and the second view's random numbers
_PARTNERS = 13


def pretrain(
    images: NDArray[np.float32],
    recipe: Recipe,
    checkpoint: Path,
    on_step: OnStep = quiet,
    *,
    people: NDArray[np.str_],
    places: NDArray[np.int64] | None = None,
    devices: int = 1,
) -> tuple[keras.Model, list[float]]:
    """Train encoder and projection head with NT-Xent between two views of each image.

    Args:
        images: float32 (N, rows, columns, 1), preprocessed training slices.
        recipe: `teacher`, `pretrain`, `augment` and `seed` are used.
        checkpoint: see `alzedge.teacher.training.loop.fit`.
        on_step: called after every step.
        people: str (N,), the person on each image: validation subjects of early stopping are not trained on.
        places: int64 (N,), position of each slice in the volume, for `pretrain.reach`; None: unknown.
        devices: see `fit`; negatives come from the batches of all of them.

    Returns:
        The contrastive model (images to projections) and each epoch's loss.

    Raises:
        UserError: too few people for early stopping; or see `fit`.
    """
    set_seed(recipe.seed)
    model = contrastive_model(build_encoder(recipe.teacher, images.shape[1:]), recipe.pretrain.projection_layers)

    reach, position = recipe.pretrain.reach, np.zeros(len(images), np.int64) if places is None else places

    def two_views(index: NDArray[np.intp], epoch: int) -> Batch:
        other = index
        if reach:
            other = draw_partners(people, position, reach, [recipe.seed, _PARTNERS, epoch])[index]
        first = _view(images, index, recipe, [recipe.seed, _STREAMS[0], epoch])
        second = _view(images, other, recipe, [recipe.seed, _STREAMS[1], epoch])
        return side_by_side(first, second, devices), np.zeros(2 * len(index), np.float32)

    validation = np.zeros(len(images), np.bool_)
    if recipe.pretrain.patience:
        # Pre-training must not use labels.
        validation = validation_subjects(people, np.zeros(len(images), np.int64))
    stopping = EarlyStopping(np.flatnonzero(validation), recipe.pretrain.patience) if validation.any() else None
    draw = shuffled(np.flatnonzero(~validation), recipe.seed)
    loss = NTXent(recipe.pretrain.temperature)
    history = fit(model, loss, recipe.pretrain, two_views, draw, checkpoint, on_step, stopping, devices)
    return model, history


def _view(images: NDArray[np.float32], index: NDArray[np.intp], recipe: Recipe, seed: list[int]) -> Any:
    settings = recipe.pretrain
    if settings.views == "mri":
        return apply_views(images[index], draw_views(recipe.augment, len(images), seed)[index])
    drawn = [
        random_view(images[i], np.random.default_rng([*seed, int(i)]), settings.crop_area, settings.jitter)
        for i in index
    ]
    return np.stack(drawn)


def side_by_side(first: NDArray[np.float32], second: NDArray[np.float32], parts: int) -> Any:
    """Join two views of N images to one batch (2N, ...), each part of which holds both views of its images.

    Data-parallel training splits a batch into as many contiguous parts as there are devices.
    """
    if parts == 1:
        return ops.concatenate([first, second])
    pairs = zip(np.array_split(first, parts), np.array_split(second, parts), strict=True)
    return np.concatenate([view for pair in pairs for view in pair])
