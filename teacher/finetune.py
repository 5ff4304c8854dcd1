"""Fine-tuning of the whole teacher on the labels."""

from functools import partial
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.runs.recipe import Recipe
from alzedge.runs.truths import Scales, Truths
from alzedge.teacher.measures import MEASURES, MeasuresLoss, joined, measure_heads
from alzedge.teacher.networks.backbones import build_encoder
from alzedge.teacher.networks.heads import classifier
from alzedge.teacher.training.augment import apply_views, draw_views
from alzedge.teacher.training.loop import EarlyStopping, fit, set_seed
from alzedge.teacher.training.replicas import Batch
from alzedge.teacher.training.sampling import (
    Draw,
    alternating,
    balanced,
    labelled_subset,
    shuffled,
    validation_subjects,
)
from alzedge.utils.progress import OnStep, quiet

_VIEW = 21  # name of the random stream


def build_teacher(recipe: Recipe, input_shape: tuple[int, int, int], scales: Scales | None = None) -> keras.Model:
    """Build an untrained teacher: images (N, rows, columns, 1) to logits (N, 4), and with `scales` to measures, too."""
    further = None if scales is None else partial(measure_heads, scales=scales)
    settings = recipe.finetune
    return classifier(build_encoder(recipe.teacher, input_shape), settings.head_layer, further, settings.dropout)


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
    truths: Truths | None = None,
) -> tuple[keras.Model, list[float]]:
    """Fine-tune all layers with linear heads on top, or the heads alone.

    Args:
        pretrained: the contrastive model of `alzedge.teacher.pretrain.pretrain`.
        images: float32 (N, rows, columns, 1), preprocessed training slices.
        labels: int64 (N,); images of unknown stage take part with `truths` only.
        recipe: `teacher`, `finetune`, `augment` and `seed` are used, with `truths` also `measures`.
        checkpoint: see `alzedge.teacher.training.loop.fit`.
        on_step: called after every step.
        people: str (N,), the person on each image: label shares and early stopping go by people.
        devices: see `fit`.
        truths: of the images, to learn brain volume and age beside the stage; None: the stage alone.

    Returns:
        The teacher (images to logits, or to `[logits, brain_volume, age]`) and each epoch's loss.

    Raises:
        UserError: the training images show one stage only; or see `fit`.
    """
    set_seed(recipe.seed)
    scales = None if truths is None else truths.scales()
    model = build_teacher(recipe, images.shape[1:], scales)
    copy_weights(pretrained, model)
    if recipe.finetune.frozen:
        for layer in model.layers:
            layer.trainable = layer.name.startswith(("head_supervised", *MEASURES))
    targets = labels if truths is None else truths.table()

    def batch(index: NDArray[np.intp], epoch: int) -> Batch:
        views = draw_views(recipe.augment, len(images), [recipe.seed, _VIEW, epoch])[index]
        return apply_views(images[index], views), targets[index]

    draw, stopping = _training_and_validation(
        labels, people, recipe, np.ones(len(labels), bool) if truths else labels >= 0
    )
    if scales is None:
        trained, loss = model, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    else:
        trained, loss = joined(model), MeasuresLoss(scales.deviations, recipe.measures.stage)
    history = fit(trained, loss, recipe.finetune, batch, draw, checkpoint, on_step, stopping, devices)
    model.trainable = True  # whoever loads the file decides anew
    return model, history


def _training_and_validation(
    labels: NDArray[np.int64], people: NDArray[np.str_], recipe: Recipe, usable: NDArray[np.bool_]
) -> tuple[Draw, EarlyStopping | None]:
    settings = recipe.finetune
    labelled = labelled_subset(people, labels, settings.label_percent)
    labelled = labelled[usable[labelled]]
    validation = np.zeros(len(labelled), np.bool_)
    if settings.patience:
        validation = validation_subjects(people[labelled], labels[labelled])
    stopping = EarlyStopping(labelled[validation], settings.patience) if validation.any() else None
    training = labelled[~validation]
    if len(np.unique(labels[training])) < 2:
        raise UserError(f"All {len(training)} training images show the same stage; a classifier needs two or more.")
    if settings.sampling == "shuffled":
        return shuffled(training, recipe.seed), stopping
    draw = balanced if settings.sampling == "balanced" else alternating
    return draw(training, labels[training], recipe.seed), stopping
