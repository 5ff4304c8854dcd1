"""Keras models to TFLite flatbuffers, by TensorFlow's converter.

The converter's quantization is deprecated in favour of litert-quantizer (formerly ai-edge-quantizer), which was
measured and is not used (litert-quantizer 0.11 against TensorFlow 2.21; `tests/reference/compare_quantizers.py`
repeats it). On the 1,280 held-out slices of the Kaggle archive, student of recipe `cpu`, difference to Keras:

- int8 and int16x8: with its own calibration, a moving average of the ranges, mean 1.1e-1 and 1.1e-2; told to keep
  minimum and maximum, 1.25e-2 and 2.9e-3, which are the converter's figures to every digit.
- dynamic: mean 5.3e-3 from either, its file 3 % smaller, as it also quantizes layers of fewer than 1,024 weights.
  But it leaves every operator at version 1: tflite-runtime 2.14 loads the file and gives the wrong stage for 64 of 64
  slices, where it refuses the converter's file, which says fully-connected version 12.

Two more routes lead astray: `from_concrete_functions` with a Keras 3 model to track makes files that answer NaN, and
`from_keras_model` works only where the older tf_keras was imported. Hence all go by way of a SavedModel.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split
from alzedge.errors import UserError

Images = NDArray[np.float32]
# Writes a SavedModel of one image (1, rows, columns, 1) into a folder.
Save = Callable[[str], None]


def calibration_images(dataset: DataSet, split: Split, count: int, seed: int) -> NDArray[np.intp]:
    """Choose slices to calibrate on: from the training side only, evenly over the stages.

    Args:
        dataset, split: where from.
        count: how many; all training slices if there are fewer.
        seed: of the choice.

    Returns:
        Sorted indices into the data set.

    Raises:
        UserError: no slice is left, or one is of the test side or of a person there.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(split.train)
    # Deal round after round over the stages until there are enough.
    labels = dataset.labels[shuffled]
    turn = np.empty(len(shuffled), np.int64)
    for label in np.unique(labels):
        turn[labels == label] = np.arange((labels == label).sum())
    chosen: NDArray[np.intp] = np.sort(shuffled[np.lexsort((labels, turn))[:count]])
    if not len(chosen):
        raise UserError(f"{dataset.name} has no training slices to calibrate on; ask for at least one, of other data.")
    _refuse_test_slices(dataset, split, chosen)
    return chosen


def _refuse_test_slices(dataset: DataSet, split: Split, chosen: NDArray[np.intp]) -> None:
    tested = np.isin(chosen, split.test)
    if split.unseen_people:
        tested |= np.isin(dataset.subject[chosen], dataset.subject[split.test])
    if tested.any():
        raise UserError(
            f"{dataset.name}: {tested.sum()} of {len(chosen)} calibration slices belong to the test side of the "
            f"{split.name} split; take them from training people alone."
        )


def with_probabilities(student: keras.Model) -> keras.Model:
    """What a file shall answer: a softmax on the logits; further outputs stay as they are.

    Args:
        student: images (N, rows, columns, 1) to logits (N, 4), or to a list that begins with them.
    """
    logits, *others = student.outputs
    probabilities = keras.layers.Softmax(name="probabilities")(logits)
    outputs = [probabilities, *others] if others else probabilities
    return keras.Model(student.input, outputs, name=student.name)


def answers(model: keras.Model, inputs: Images) -> NDArray[np.float32]:
    """A Keras model's first output for preprocessed slices: float32 (N, 4) from `with_probabilities`."""
    blocks = [model.predict_on_batch(inputs[start : start + 256]) for start in range(0, len(inputs), 256)]
    return np.concatenate([np.asarray(block[0] if isinstance(block, list) else block) for block in blocks])


def to_float32(model: keras.Model) -> bytes:
    """Convert to a float32 flatbuffer of one image (1, rows, columns, 1).

    Args:
        model: to what the file shall answer; see `with_probabilities`.

    Raises:
        UserError: the temporary folder is full or cannot be written; so of all conversions here.
    """
    with _converter(saver(model)) as converter:
        return bytes(converter.convert())


def to_float16(model: keras.Model) -> bytes:
    """Convert to float16 weights, float32 input, output and arithmetic; see `to_float32`."""
    with _converter(saver(model)) as converter:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())


def to_dynamic(model: keras.Model) -> bytes:
    """Convert to int8 weights, activations quantized while they are computed, float32 input and output.

    Layers of fewer than 1,024 weights stay float32; see `to_float32`.
    """
    with _converter(saver(model)) as converter:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return bytes(converter.convert())


def to_int8(model: keras.Model, calibration: Images, float_io: bool = False) -> bytes:
    """Convert to whole numbers: int8 weights, activations, input and output; see `to_float32`.

    Args:
        calibration: float32 (N, rows, columns, 1), preprocessed; sets the ranges of activations.
        float_io: float32 input and output around the whole numbers.
    """
    with _calibrated(model, calibration, tf.lite.OpsSet.TFLITE_BUILTINS_INT8) as converter:
        if not float_io:
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


def to_int16x8(model: keras.Model, calibration: Images) -> bytes:
    """Convert to int8 weights and int16 activations, float32 input and output; see `to_int8`."""
    ops = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    with _calibrated(model, calibration, ops) as converter:
        return bytes(converter.convert())


def to_int8_as_trained(save: Save) -> bytes:
    """Convert a model that was trained with its quantization: its own ranges, int8 input and output.

    Args:
        save: writes the model; see `alzedge.export.convert.quantization_aware`.
    """
    with _converter(save) as converter:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


def saver(model: keras.Model) -> Save:
    """How a Keras 3 model is written for the converter."""
    one = keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32")
    return lambda folder: model.export(folder, format="tf_saved_model", input_signature=[one], verbose=False)


@contextlib.contextmanager
def _calibrated(model: keras.Model, calibration: Images, ops: Any) -> Iterator[Any]:
    def representative() -> Iterator[list[Images]]:
        for image in calibration:
            yield [image[np.newaxis]]

    with _converter(saver(model)) as converter:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [ops]
        yield converter


@contextlib.contextmanager
def _converter(save: Save) -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            save(folder)
        except tf.errors.OpError as error:  # how TensorFlow reports a full or unwritable disk
            reason = error.message.splitlines()[0]
            raise UserError(f"{folder} cannot be written ({reason}); free space there, or set TMPDIR.") from error
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.exclude_conversion_metadata = True  # it would make equal models differ in bytes
        yield converter
