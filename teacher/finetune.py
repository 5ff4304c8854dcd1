"""Fine-tuning of the whole teacher on the labels."""

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.runs.recipe import Recipe
from alzedge.teacher.networks.backbones import build_encoder
from alzedge.teacher.networks.heads import classifier
from alzedge.teacher.training.augment import apply_views, draw_views
from alzedge.teacher.training.loop import Watch, fit, set_seed
from alzedge.teacher.training.replicas import Batch
from alzedge.teacher.training.sampling import Draw, alternating, balanced, labelled_part, shuffled, watching_part
from alzedge.utils.progress import OnStep, quiet

_VIEW = 21  # name of the random stream


def build_teacher(recipe: Recipe, input_shape: tuple[int, int, int]) -> keras.Model:
    """The untrained teacher: images (N, rows, columns, 1) to logits (N, 4)."""
    return classifier(build_encoder(recipe.teacher, input_shape), recipe.finetune.head_layer)


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
    *,
    people: NDArray[np.str_],
    devices: int = 1,
) -> tuple[keras.Model, list[float]]:
    """Fine-tune all layers with a linear head on top, or the head alone.

    Args:
        pretrained: the contrastive model of `alzedge.teacher.pretrain.pretrain`.
        images: float32 (N, rows, columns, 1), preprocessed training slices.
        labels: int64 (N,).
        recipe: `teacher`, `finetune`, `augment` and `seed` are used.
        checkpoint: see `alzedge.teacher.training.loop.fit`.
        on_step: told about every step.
        people: str (N,), who is on each image: label shares and early stopping go by them.
        devices: see `fit`.

    Returns:
        The teacher (images to logits) and each epoch's loss.

    Raises:
        UserError: the images that train show one stage only; or see `fit`.
    """
    set_seed(recipe.seed)
    model = build_teacher(recipe, images.shape[1:])
    copy_weights(pretrained, model)
    if recipe.finetune.frozen:
        for layer in model.layers:
            layer.trainable = layer is model.layers[-1]

    def batch(index: NDArray[np.intp], epoch: int) -> Batch:
        views = draw_views(recipe.augment, len(images), [recipe.seed, _VIEW, epoch])[index]
        return apply_views(images[index], views), labels[index]

    draw, watch = _roles(labels, people, recipe)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    history = fit(model, loss, recipe.finetune, batch, draw, checkpoint, on_step, watch, devices)
    model.trainable = True  # whoever loads the file decides anew
    return model, history


def _roles(labels: NDArray[np.int64], people: NDArray[np.str_], recipe: Recipe) -> tuple[Draw, Watch | None]:
    """Who trains, in what order, and who watches."""
    settings = recipe.finetune
    part = labelled_part(people, labels, settings.label_percent)
    watching = np.zeros(len(part), np.bool_)
    if settings.patience:
        watching = watching_part(people[part], labels[part])
    watch = Watch(part[watching], settings.patience) if watching.any() else None
    part = part[~watching]
    if len(np.unique(labels[part])) < 2:
        raise UserError(f"All {len(part)} training images show the same stage; a classifier needs two or more.")
    if settings.sampling == "shuffled":
        return shuffled(part, recipe.seed), watch
    draw = balanced if settings.sampling == "balanced" else alternating
    return draw(part, labels[part], recipe.seed), watch
