"""Teacher networks: SimCLRv2's ResNet, and published ones of `keras.applications` to compare it with."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import applications, layers

from alzedge.errors import UserError
from alzedge.runs.recipe import TeacherRecipe
from alzedge.teacher.networks.resnet import resnet

# As in the ResNet. Published networks keep 0.99 or 0.999, made for ImageNet's hundred thousands of steps: after a few hundred their
# moving averages are still those of the start, and a network that has learned answers one class.
_MOMENTUM = 0.9


@dataclass(frozen=True)
class _Published:
    """A network of `keras.applications`.

    Attributes:
        build: constructor of `keras.applications`.
        scale, offset: from an input of 0 to 1 to the range its published weights were trained on.
        least: the smallest number of rows and columns that it takes.
    """

    build: Callable[..., keras.Model]
    scale: float
    offset: float | list[float]
    least: int = 32


_PUBLISHED = {
    # Means of blue, green and red over ImageNet; the three channels of a grey slice are equal, so their order is free.
    "vgg19": _Published(applications.VGG19, 255.0, [-103.939, -116.779, -123.68]),
    "efficientnet-b1": _Published(applications.EfficientNetB1, 255.0, 0.0),
    "efficientnet-b7": _Published(applications.EfficientNetB7, 255.0, 0.0),
    "inception-resnet-v2": _Published(applications.InceptionResNetV2, 2.0, -1.0, 75),
    "mobilenet": _Published(applications.MobileNet, 2.0, -1.0),
    "mobilenet-v2": _Published(applications.MobileNetV2, 2.0, -1.0),
    "mobilenet-v3-small": _Published(applications.MobileNetV3Small, 255.0, 0.0),
}


def build_encoder(recipe: TeacherRecipe, input_shape: tuple[int, int, int]) -> keras.Model:
    """Build the teacher without heads.

    Args:
        recipe: network and initial weights.
        input_shape: rows, columns and channels (1) of float32 images, 0 to 1.

    Returns:
        Model from (N, rows, columns, 1) to features (N, width).

    Raises:
        UserError: images too small for the network, or weights that cannot be had or do not fit.
    """
    if recipe.architecture not in _PUBLISHED:
        return resnet(recipe, input_shape)
    network = _PUBLISHED[recipe.architecture]
    rows, columns, _ = input_shape
    if min(rows, columns) < network.least:
        raise UserError(
            f"{recipe.architecture} takes images of {network.least} x {network.least} and more, and these have "
            f"{rows} x {columns}; lower preprocessing.shrink in the recipe."
        )
    images = keras.Input(input_shape, name="images")
    x = layers.Concatenate(name="grey_to_rgb")([images, images, images])
    x = layers.Rescaling(network.scale, network.offset, name="as_published")(x)
    published = _with_weights(network, recipe, x)
    return keras.Model(images, published.output, name="encoder")


def _with_weights(network: _Published, recipe: TeacherRecipe, x: Any) -> keras.Model:
    weights = None if recipe.weights == "none" else recipe.weights
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of each layer without weights; then comes the error
            model = network.build(include_top=False, pooling="avg", input_tensor=x, weights=weights)
    except (OSError, ValueError, KeyError) as error:
        if weights is None:
            raise
        reason = str(error).splitlines()[0].split(". ")[0]
        raise UserError(
            f"The weights {recipe.weights} of {recipe.architecture} cannot be had or do not fit ({reason}); "
            "name a file of this network without its top, or none."
        ) from error
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    return model
