"""Heads on the encoder: SimCLRv2's projection head and the linear classifier."""

from collections.abc import Callable

import keras
from keras import layers

from alzedge.stages import STAGES
from alzedge.teacher.networks.resnet import batch_norm

# Builds further heads on a hidden layer.
Further = Callable[[keras.KerasTensor], list[keras.KerasTensor]]

PROJECTION_LAYERS = 3
PROJECTION_SIZE = 128


def projection_head(
    features: keras.KerasTensor,
    layer_count: int = PROJECTION_LAYERS,
    *,
    layers_in_all: int = PROJECTION_LAYERS,
    size: int = PROJECTION_SIZE,
) -> list[keras.KerasTensor]:
    """Build SimCLRv2's projection head.

    The middle layers are dense (no bias), batch norm and ReLU at the features' width; the
    last is dense to the projection and batch norm without centre.

    Args:
        features: (N, width).
        layer_count: layers to build from the first on.
        layers_in_all: of the whole head: 3 in SimCLRv2, 2 in SimCLR.
        size: of the projection.

    Returns:
        The features followed by each layer's output.
    """
    outputs = [features]
    for j in range(layer_count):
        last = j == layers_in_all - 1
        x = layers.Dense(
            size if last else features.shape[-1],
            use_bias=False,
            kernel_initializer=_small_normal(),
            name=f"head_contrastive_nl_{j}_dense",
        )(outputs[-1])
        x = batch_norm(f"head_contrastive_nl_{j}_batch_normalization", center=not last)(x)
        outputs.append(x if last else layers.ReLU()(x))
    return outputs


def supervised_head(hidden: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """Build the linear classifier: (N, width) to logits (N, classes)."""
    return layers.Dense(classes, kernel_initializer=_small_normal(), name="head_supervised")(hidden)


def contrastive_model(encoder: keras.Model, layers_in_all: int = PROJECTION_LAYERS) -> keras.Model:
    """Join encoder and projection head: images to projections (N, 128)."""
    projections = projection_head(encoder.output, layers_in_all, layers_in_all=layers_in_all)[-1]
    return keras.Model(encoder.input, projections, name="contrastive")


def classifier(
    encoder: keras.Model, head_layer: int, further: Further | None = None, dropout: float = 0.0
) -> keras.Model:
    """Join encoder, the projection head's first `head_layer` layers and linear heads.

    Args:
        encoder: images to features.
        head_layer: number of layers of the projection head.
        further: builds the heads beside the classifier's on the same hidden layer; None: no others.
        dropout: share of the hidden layer that is left out in training.

    Returns:
        Model from images to logits (N, 4), in the order of `STAGES`, or to a list that begins with them.
    """
    hidden = projection_head(encoder.output, head_layer)[-1]
    if dropout:
        hidden = layers.Dropout(dropout, name="dropout")(hidden)
    logits = supervised_head(hidden, len(STAGES))
    outputs = logits if further is None else [logits, *further(hidden)]
    return keras.Model(encoder.input, outputs, name="teacher")


def _small_normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=0.01)
