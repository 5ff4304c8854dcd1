"""Keras models that end in probabilities, as exported files do."""

import keras
import numpy as np
from numpy.typing import NDArray

_BLOCK = 256  # slices at once


def with_probabilities(student: keras.Model) -> keras.Model:
    """Append a softmax to the logits; further outputs stay as they are.

    Args:
        student: images (N, rows, columns, 1) to logits (N, 4), or to a list that begins with them.

    Returns:
        Model from the same images to probabilities (N, 4), or to a list that begins with them.
    """
    logits, *others = student.outputs
    probabilities = keras.layers.Softmax(name="probabilities")(logits)
    outputs = [probabilities, *others] if others else probabilities
    return keras.Model(student.input, outputs, name=student.name)


def keras_probabilities(model: keras.Model, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Predict with a Keras model, 256 slices at once.

    Args:
        model: from `with_probabilities`.
        inputs: float32 (N, rows, columns, 1), preprocessed.

    Returns:
        float32 (N, 4), the model's first output.
    """
    blocks = [model.predict_on_batch(inputs[start : start + _BLOCK]) for start in range(0, len(inputs), _BLOCK)]
    return np.concatenate([np.asarray(block[0] if isinstance(block, list) else block) for block in blocks])
