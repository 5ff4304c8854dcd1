"""Equal ranges for the channels of each convolution, so that int8 has as many steps for one as for another."""

import keras
import numpy as np
from numpy.typing import NDArray

_CONVOLUTIONS = 3
# Share of the way to equal ranges: half, as the next convolution's weights grow as far apart as the ranges come together;
# all of it before the average, whose dense layer has weights to spare.
_POWERS = (0.5, 0.5, 1.0)
# Of a channel's values: the largest few are outliers.
_QUANTILE = 0.9999
_LEAST = 1e-3
_BLOCK = 50


def equalized(student: keras.Model, images: NDArray[np.float32]) -> keras.Model:
    """Scale the channels of each convolution, and undo it in the next layer.

    An activation's int8 scale is that of its widest channel. A positive factor passes through ReLU, max-pool and average, so
    it may be moved from one layer's output to the next one's weights (Nagel et al. 2019, arXiv:1906.04721, section 4.1;
    there by the ranges of weights, here by those of activations). Answers stay but for rounding.

    Args:
        student: from `alzedge.student.model.build_student`, with batch norm on the average; not changed.
        images: float32 (N, rows, columns, 1), preprocessed training slices.

    Returns:
        A copy; `student` itself where it has no batch norm on the average.
    """
    if "norm_average" not in {layer.name for layer in student.layers}:
        return student
    copy = keras.models.clone_model(student)
    copy.set_weights(student.get_weights())
    for number, (power, widest) in enumerate(zip(_POWERS, _ranges(student, images), strict=True), start=1):
        factor = widest**-power
        factor /= np.exp(np.log(factor).mean())
        norm = copy.get_layer(f"norm{number}")
        gamma, beta, mean, variance = norm.get_weights()
        norm.set_weights([gamma * factor, beta * factor, mean, variance])
        _undo(copy, number, factor)
    return copy


def _undo(copy: keras.Model, number: int, factor: NDArray[np.float32]) -> None:
    if number < _CONVOLUTIONS:
        following = copy.get_layer(f"conv{number + 1}")
        (weights,) = following.get_weights()
        following.set_weights([weights / factor[:, None]])
        return
    norm = copy.get_layer("norm_average")
    gamma, beta, mean, variance = norm.get_weights()
    norm.set_weights([gamma, beta, mean * factor, (variance + norm.epsilon) * factor**2 - norm.epsilon])


def _ranges(student: keras.Model, images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The widest value of each channel behind each convolution's ReLU, but for outliers."""
    maps = [student.get_layer(f"relu{number}").output for number in range(1, _CONVOLUTIONS + 1)]
    seen = keras.Model(student.input, maps)
    starts = range(0, len(images), _BLOCK)
    blocks = [
        [
            np.quantile(np.asarray(one).reshape(-1, one.shape[-1]), _QUANTILE, axis=0)
            for one in seen.predict_on_batch(images[start : start + _BLOCK])
        ]
        for start in starts
    ]
    return [
        np.maximum(np.mean([block[i] for block in blocks], axis=0), _LEAST).astype(np.float32)
        for i in range(_CONVOLUTIONS)
    ]
