"""Keras student to TFLite flatbuffers: float32, and full-integer int8."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from alzedge.dataset import DataSet, Split
from alzedge.errors import UserError
from alzedge.export.tflite_metadata import add_metadata
from alzedge.modelfile import make_record, write_tflite
from alzedge.networks import make_interpreter
from alzedge.recipe import Recipe
from alzedge.teacher.saving import load_model


def export_student(student: Path, output: Path, fmt: str, dataset: DataSet, split: Split, recipe: Recipe) -> None:
    """Convert one student to one format and write it with its record.

    Args:
        student: `.keras` file.
        output: `.tflite` file to write.
        fmt: 'float32' or 'int8'.
        dataset, split: give the calibration slices, from the training side.
        recipe: `export`, `preprocessing` and `seed` are used.
    """
    model, record = load_model(student)
    calibration, used = None, record["recipe"]
    if fmt == "float32":
        flatbuffer = to_float32(model)
    else:
        chosen = calibration_images(dataset, split, recipe.export.calibration_images, recipe.seed)
        flatbuffer = to_int8(model, recipe.preprocessing(dataset.images[chosen]))
        # Positions in the data set of the fingerprint: they tell its owner which slices, and others nothing.
        calibration = {"seed": recipe.seed, "slices": chosen.tolist()}
        used = used | {"export": recipe.to_dict()["export"]}
    provenance = {"recipe": used, "dataset": record["dataset"], "split": record["split"]}
    made = make_record(f"student-{fmt}", recipe.preprocessing, **provenance, calibration=calibration)
    write_tflite(output, add_metadata(flatbuffer, made["kind"], recipe.preprocessing), made)


def calibration_images(dataset: DataSet, split: Split, count: int, seed: int) -> NDArray[np.intp]:
    """Choose slices to calibrate on: from the training side only, evenly over the stages.

    Args:
        dataset, split: where from.
        count: how many; all training slices if there are fewer.
        seed: of the choice.

    Returns:
        Sorted indices into the data set.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(split.train)
    # Deal round after round over the stages until there are enough.
    labels = dataset.labels[shuffled]
    turn = np.empty(len(shuffled), np.int64)
    for label in np.unique(labels):
        turn[labels == label] = np.arange((labels == label).sum())
    chosen: NDArray[np.intp] = np.sort(shuffled[np.lexsort((labels, turn))[:count]])
    return chosen


def to_float32(student: keras.Model) -> bytes:
    """Convert to a float32 flatbuffer: one image (1, rows, columns, 1) to probabilities (1, 4)."""
    with _converter(student) as converter:
        return bytes(converter.convert())


def to_int8(student: keras.Model, calibration: NDArray[np.float32]) -> bytes:
    """Convert to a flatbuffer of whole numbers: int8 weights, activations, input and output.

    Args:
        student: images to logits.
        calibration: float32 (N, rows, columns, 1), preprocessed; sets the ranges of activations.

    Returns:
        The flatbuffer; one image (1, rows, columns, 1) to probabilities (1, 4).

    Raises:
        UserError: the converter left a floating-point tensor.
    """

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        for image in calibration:
            yield [image[np.newaxis]]

    with _converter(student) as converter:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        flatbuffer = bytes(converter.convert())
    _check_integer(flatbuffer)
    return flatbuffer


@contextlib.contextmanager
def _converter(student: keras.Model) -> Iterator[Any]:
    """TensorFlow's converter of the student with a softmax on top."""
    probabilities = keras.layers.Softmax(name="probabilities")(student.output)
    model = keras.Model(student.input, probabilities, name="student")
    # By way of a SavedModel: `from_keras_model` works only where the older tf_keras was imported.
    with tempfile.TemporaryDirectory() as folder:
        one = keras.InputSpec(shape=(1, *student.input_shape[1:]), dtype="float32")
        try:
            model.export(folder, format="tf_saved_model", input_signature=[one], verbose=False)
        except tf.errors.OpError as error:  # how TensorFlow reports a full or unwritable disk
            reason = error.message.splitlines()[0]
            raise UserError(f"{folder} cannot be written ({reason}); free space there, or set TMPDIR.") from error
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.exclude_conversion_metadata = True  # it would make equal models differ in bytes
        yield converter


def _check_integer(flatbuffer: bytes) -> None:
    details = make_interpreter(flatbuffer, threads=1).get_tensor_details()
    floats = [d["name"] for d in details if np.issubdtype(d["dtype"], np.floating)]
    if floats:
        raise UserError(
            f"The int8 conversion left floating-point tensors ({', '.join(floats[:3])}); export as float32."
        )
