"""Keras models that end in probabilities, as exported files do."""

import keras
import numpy as np
from numpy.typing import NDArray

from alzedge.inference.measures.demographics import COLUMNS
from alzedge.teacher.measures import MEASURES

# Names of the outputs of a file.
PROBABILITIES, HEAT_MAP = "probabilities", "heat_map"
_BLOCK = 256  # slices at once


def with_probabilities(student: keras.Model) -> keras.Model:
    """Append a softmax to the logits; further outputs stay as they are.

    Args:
        student: images (N, rows, columns, 1), or `[images, demographics]`, to logits (N, 4), or to a list that begins with
            them: brain volume and age of a measuring student, and a heat map at the end of one that has it.

    Returns:
        Model from the same inputs to probabilities (N, 4), or to a dictionary of outputs by `output_names`.
    """
    logits, *others = student.outputs
    probabilities = keras.layers.Softmax(name=PROBABILITIES)(logits)
    names = output_names(student)
    outputs = dict(zip(names, [probabilities, *others], strict=True)) if others else probabilities
    return keras.Model(student.input, outputs, name=student.name)


def output_names(student: keras.Model) -> list[str]:
    """Names of a file's outputs, in the order of the student's: probabilities, brain_volume, age, heat_map."""
    others = list(student.outputs[1:])
    heat_map = [HEAT_MAP] if others and len(others[-1].shape) == 4 else []
    return [PROBABILITIES, *MEASURES[: len(others) - len(heat_map)], *heat_map]


def keras_outputs(
    model: keras.Model, inputs: NDArray[np.float32], demographics: NDArray[np.float32] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Predict with a Keras model, 256 slices at once.

    Args:
        model: from `with_probabilities`.
        inputs: float32 (N, rows, columns, 1), preprocessed.
        demographics: float32 (N, 4), for a model that has them as a second input; None tells it nothing.

    Returns:
        Its outputs by name: `probabilities` (N, 4) and what else it has.
    """
    given = inputs_of(model, inputs, demographics)
    starts = range(0, len(inputs), _BLOCK)
    blocks = [
        model.predict_on_batch(keras.tree.map_structure(lambda array, at=start: array[at : at + _BLOCK], given))
        for start in starts
    ]
    named = [block if isinstance(block, dict) else {PROBABILITIES: block} for block in blocks]
    return {name: np.concatenate([np.asarray(block[name]) for block in named]) for name in named[0]}


def inputs_of(
    model: keras.Model, inputs: NDArray[np.float32], demographics: NDArray[np.float32] | None
) -> NDArray[np.float32] | list[NDArray[np.float32]]:
    """Inputs as a Keras model takes them: the images alone, or `[images, demographics]`; see `keras_outputs`."""
    if len(model.inputs) == 1:
        return inputs
    return [inputs, np.zeros((len(inputs), len(COLUMNS)), np.float32) if demographics is None else demographics]


def keras_probabilities(
    model: keras.Model, inputs: NDArray[np.float32], demographics: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Probabilities of a Keras model, float32 (N, 4); see `keras_outputs`."""
    return keras_outputs(model, inputs, demographics)[PROBABILITIES]
