"""A student as converters like it: channels of equal range, batch norm and units of the last layers folded into weights."""

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from alzedge.student.model import FROM_DEMOGRAPHICS, FROM_IMAGE, JOINT, LOGITS
from alzedge.teacher.measures import MEASURES

_CONVOLUTIONS = 3
# Share of the way to equal ranges: half, as the next convolution's weights grow as far apart as the ranges come together;
# all of it before the average, whose dense layer has weights to spare.
_POWERS = (0.5, 0.5, 1.0)
# Of a channel's values: the largest few are outliers.
_QUANTILE = 0.9999
_LEAST = 1e-3
_BLOCK = 50


def plain(student: keras.Model) -> keras.Model:
    """Fold what stands before and behind the dense layers into their weights; answers stay but for rounding.

    The converter quantizes every layer on its own, and a dense layer whose outputs are years has enough steps, while
    a multiplication behind it adds an error of its own.

    Args:
        student: from `alzedge.student.model.build_student`.

    Returns:
        The same convolutions, then layers `average`, `hidden`, `logits` and, of a measuring student, `brain_volume` and
        `age`; between `hidden` and `logits` those where age and sex enter, if they do; `student` itself where nothing is to fold, as in a network of another kind.
    """
    names = {layer.name for layer in student.layers}
    if "norm_average" not in names and MEASURES[0] not in names:
        return student
    average, hidden = student.get_layer("average"), student.get_layer("hidden")
    kernel, bias = hidden.get_weights()
    if "norm_average" in names:
        kernel, bias = _without_norm(student.get_layer("norm_average"), kernel, bias)
    x = layers.Dense(hidden.units, activation="relu", name="hidden")
    outputs = [x(average.output)]
    x.set_weights([kernel, bias])
    heads = [layers.Dense(student.get_layer(LOGITS).units, name=LOGITS)]
    weights = [student.get_layer(LOGITS).get_weights()]
    for name in MEASURES if MEASURES[0] in names else ():
        scale = student.get_layer(name)
        kernel, bias = student.get_layer(f"{name}_standardized").get_weights()
        heads.append(layers.Dense(1, name=name))
        weights.append([kernel * np.float32(scale.scale), bias * np.float32(scale.scale) + np.float32(scale.offset)])
    stage = _joined(student, outputs[0]) if JOINT in names else outputs[0]
    made = [heads[0](stage), *(head(outputs[0]) for head in heads[1:])]
    for head, values in zip(heads, weights, strict=True):
        head.set_weights(values)
    return keras.Model(student.input, made if len(made) > 1 else made[0], name=student.name)


def _joined(student: keras.Model, hidden: keras.KerasTensor, told: bool = True) -> keras.KerasTensor:
    """The trained layers between `hidden` and the logits of a student that is told age and sex, on another `hidden`."""
    seen = _again(student.get_layer(FROM_IMAGE), hidden)
    if told:
        seen = layers.Add(name=f"{JOINT}_sum")([seen, student.get_layer(FROM_DEMOGRAPHICS).output])
    return layers.ReLU(name=JOINT)(seen)


def _again(dense: layers.Dense, inputs: keras.KerasTensor) -> keras.KerasTensor:
    """A copy of a dense layer, on other inputs."""
    copy = layers.Dense.from_config(dense.get_config())
    made = copy(inputs)
    copy.set_weights(dense.get_weights())
    return made


def untold(student: keras.Model) -> keras.Model:
    """The student as it answers for a person of whom nothing is told: of the image alone.

    Args:
        student: from `plain`; one of the image alone is returned as it is.
    """
    if len(student.inputs) == 1:
        return student
    stage = _joined(student, student.get_layer("hidden").output, told=False)
    logits, others = _again(student.get_layer(LOGITS), stage), list(student.outputs[1:])
    return keras.Model(student.inputs[0], [logits, *others] if others else logits, name=student.name)


def _without_norm(
    norm: layers.BatchNormalization, kernel: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the dense layer behind a batch norm that make the norm superfluous."""
    gamma, beta, mean, variance = (array.astype(np.float64) for array in norm.get_weights())
    factor = gamma / np.sqrt(variance + norm.epsilon)
    offset = beta - mean * factor
    return (kernel * factor[:, None]).astype(np.float32), (bias + offset @ kernel).astype(np.float32)


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
    seen = keras.Model(student.inputs[0], maps)
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
