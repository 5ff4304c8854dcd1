"""A student as converters like it: batch norm and units on the last layers folded into the weights beside them."""

import keras
import numpy as np
from keras import layers

from alzedge.student.model import LOGITS
from alzedge.teacher.measures import MEASURES


def plain(student: keras.Model) -> keras.Model:
    """Fold what stands before and behind the dense layers into their weights; answers stay but for rounding.

    The converter quantizes every layer on its own, and a dense layer whose outputs are years has enough steps, while
    a multiplication behind it adds an error of its own.

    Args:
        student: from `alzedge.student.model.build_student`.

    Returns:
        The same convolutions, then layers `average`, `hidden`, `logits` and, of a measuring student, `brain_volume` and
        `age`; `student` itself where nothing is to fold, as in a network of another kind.
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
    made = [head(outputs[0]) for head in heads]
    for head, values in zip(heads, weights, strict=True):
        head.set_weights(values)
    return keras.Model(student.input, made if len(made) > 1 else made[0], name=student.name)


def _without_norm(
    norm: layers.BatchNormalization, kernel: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the dense layer behind a batch norm that make the norm superfluous."""
    gamma, beta, mean, variance = (array.astype(np.float64) for array in norm.get_weights())
    factor = gamma / np.sqrt(variance + norm.epsilon)
    offset = beta - mean * factor
    return (kernel * factor[:, None]).astype(np.float32), (bias + offset @ kernel).astype(np.float32)
