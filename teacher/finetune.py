"""Fine-tuning of the whole teacher on the labels."""

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.progress import OnStep, quiet
from alzedge.recipe import Recipe
from alzedge.teacher.augment import apply_views, draw_views
from alzedge.teacher.heads import classifier
from alzedge.teacher.resnet import resnet
from alzedge.teacher.training import Batch, fit, set_seed

_VIEW = 21  # name of the random stream


def build_teacher(recipe: Recipe, input_shape: tuple[int, int, int]) -> keras.Model:
    """The untrained teacher: images (N, rows, columns, 1) to logits (N, 4)."""
    return classifier(resnet(recipe.teacher, input_shape), recipe.finetune.head_layer)


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of all layers that `source` and `target` share by name."""
    for layer in target.layers:
        if layer.weights and layer.name in {other.name for other in source.layers}:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def finetune(
    pretrained: keras.Model,
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    recipe: Recipe,
    checkpoint: Path,
    on_step: OnStep = quiet,
) -> tuple[keras.Model, list[float]]:
    """Fine-tune all layers with a linear head on top.

    Args:
        pretrained: the contrastive model of `alzedge.teacher.pretrain.pretrain`.
        images: float32 (N, rows, columns, 1), preprocessed training slices.
        labels: int64 (N,).
        recipe: `teacher`, `finetune`, `augment` and `seed` are used.
        checkpoint: see `alzedge.teacher.training.fit`.
        on_step: told about every step.

    Returns:
        The teacher (images to logits) and each epoch's loss.
    """
    set_seed(recipe.seed)
    model = build_teacher(recipe, images.shape[1:])
    copy_weights(pretrained, model)

    def batch(index: NDArray[np.intp], epoch: int) -> Batch:
        views = draw_views(recipe.augment, len(images), [recipe.seed, _VIEW, epoch])[index]
        return apply_views(images[index], views), labels[index]

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    history = fit(model, loss, recipe.finetune, batch, len(images), recipe.seed, checkpoint, on_step)
    return model, history
