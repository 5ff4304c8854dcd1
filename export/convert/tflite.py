"""Keras models to TFLite flatbuffers, by TensorFlow's converter.

The converter's quantization is deprecated in favour of litert-quantizer (formerly ai-edge-quantizer), which was
measured and is not used (litert-quantizer 0.11 against TensorFlow 2.21; `tests/reference/compare_quantizers.py`
repeats it). On the 1,280 held-out slices of the Kaggle archive, student of recipe `cpu`, difference to Keras:

- int8 and int16x8: with its own calibration, a moving average of the ranges, mean 1.1e-1 and 1.1e-2; set to keep
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

from alzedge.errors import UserError
from alzedge.export.convert.probabilities import inputs_of
from alzedge.export.convert.rgb import with_float_demographics

Images = NDArray[np.float32]
# Writes a SavedModel of one image (1, rows, columns, 1), perhaps with demographics (1, 4), into a folder.
Save = Callable[[str], None]


def to_float32(model: keras.Model) -> bytes:
    """Convert to a float32 flatbuffer of one image (1, rows, columns, 1), and of demographics (1, 4) where the model has them.

    Args:
        model: images, or `[images, demographics]`, to outputs of the file; see `alzedge.export.convert.probabilities.with_probabilities`.

    Raises:
        UserError: the temporary folder is full or cannot be written; also in all other conversions here.
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


def to_int8(
    model: keras.Model, calibration: Images, float_io: bool = False, demographics: Images | None = None
) -> bytes:
    """Convert to integers throughout: int8 weights, activations, input and output; see `to_float32`.

    Demographics stay float32 outside: four numbers that apps write by hand, behind a QUANTIZE of the file's own.

    Args:
        calibration: float32 (N, rows, columns, 1), preprocessed; sets the ranges of activations.
        float_io: float32 input and output around the integers.
        demographics: float32 (N, 4), for a model that has them.
    """
    with _calibrated(model, calibration, tf.lite.OpsSet.TFLITE_BUILTINS_INT8, demographics) as converter:
        if not float_io:
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return with_float_demographics(bytes(converter.convert()))


def to_int16x8(model: keras.Model, calibration: Images, demographics: Images | None = None) -> bytes:
    """Convert to int8 weights and int16 activations, float32 input and output; see `to_int8`."""
    ops = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    with _calibrated(model, calibration, ops, demographics) as converter:
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
    """Writer of a Keras 3 model for the converter."""
    if len(model.inputs) == 1:
        signature = [keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32")]
    else:  # named, or TensorFlow would name and order them itself
        signature = [
            [keras.InputSpec(shape=(1, *one.shape[1:]), dtype="float32", name=one.name) for one in model.inputs]
        ]
    return lambda folder: model.export(folder, format="tf_saved_model", input_signature=signature, verbose=False)


@contextlib.contextmanager
def _calibrated(model: keras.Model, calibration: Images, ops: Any, demographics: Images | None = None) -> Iterator[Any]:
    given = inputs_of(model, calibration, demographics)

    def representative() -> Iterator[list[Images] | dict[str, Images]]:
        for row in range(len(calibration)):
            if isinstance(given, list):
                pairs = zip(model.inputs, given, strict=True)
                yield {tensor.name: values[row : row + 1] for tensor, values in pairs}
            else:
                yield [given[row : row + 1]]

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
