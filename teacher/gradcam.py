"""Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391): where a teacher looks for a stage."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from PIL import Image

from alzedge.imaging.overlay import explanation_picture
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.stages import STAGES


def grad_cam(model: keras.Model, images: NDArray[np.float32], stage: int, rows: int = 1) -> NDArray[np.float32]:
    """Heat maps: activations of one layer, weighted by the mean gradient of the stage's logit, where positive (eq. 1 and 2).

    TensorFlow backend only: the gradient is taken with its tape.

    Args:
        model: any functional model from images to logits.
        images: float32 (N, rows, columns, 1), preprocessed.
        stage: index into `STAGES`.
        rows: the deepest layer whose map has as many rows is looked at; 1 is the last before
            the pooling, as in the paper, and more give a finer map of shallower features.

    Returns:
        float32 (N, h, w), 0 and more; h >= rows.
    """
    import tensorflow as tf

    maps_and_logits = keras.Model(model.input, [_deepest(model, rows).output, model.output])

    @tf.function  # as a graph it leaves out the kernels' gradients, which nobody needs
    def maps_and_gradient(inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            maps, logits = maps_and_logits(inputs, training=False)
            score = tf.reduce_sum(logits[:, stage])
        return maps, tape.gradient(score, maps)

    maps, gradient = maps_and_gradient(ops.convert_to_tensor(images))
    weights = ops.mean(gradient, axis=(1, 2), keepdims=True)
    return np.asarray(ops.relu(ops.sum(weights * maps, axis=-1)), np.float32)


def grad_cam_picture(
    model: keras.Model, image: NDArray[np.float32], pixels: NDArray[np.uint8], stage: int, rows: int = 1
) -> Image.Image:
    """The slice beside the slice under its heat map.

    Args:
        model, stage, rows: see `grad_cam`.
        image: float32 (rows, columns, 1), `pixels` preprocessed.
        pixels: uint8 (208, 176).
    """
    heat = grad_cam(model, image[None], stage, rows)[0]
    return explanation_picture(pixels, heat, f"Grad-CAM: {STAGES[stage]}")


def share_inside(heat: NDArray[np.float32], region: NDArray[np.bool_]) -> float:
    """Share of the heat that lies in a region; 0 for a map without heat.

    Args:
        heat: float32 (h, w), 0 and more.
        region: bool (208, 176).
    """
    wide = np.asarray(Image.fromarray(heat).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
    total = float(wide.sum())
    return float(wide[region].sum()) / total if total > 0 else 0.0


def _deepest(model: keras.Model, rows: int) -> Any:
    # A padded map is wider than the image it stands for.
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.ZeroPadding2D)]
    spatial = [layer for layer in layers if len(layer.output.shape) == 4]
    return [layer for layer in spatial if layer.output.shape[1] >= rows][-1]
