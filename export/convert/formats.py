"""Every format a student can be exported to: how it is made, asked, looked into and written.

What a format needs is imported when it is made: tfmot, tf_keras and onnx take seconds.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from alzedge.export.convert import tflite as convert
from alzedge.export.convert.contents import Contents, contents_of, tflite_contents
from alzedge.export.convert.tflite import Images
from alzedge.export.convert.write_tflite_metadata import add_metadata
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.interpreters import OnnxNetwork, TFLiteNetwork
from alzedge.model_file.read_write import Record, write_keras, write_onnx, write_tflite
from alzedge.runs.recipe import Recipe
from alzedge.utils.progress import OnStep


@dataclass(frozen=True, eq=False)
class Order:
    """What a format is made from.

    Attributes:
        path: the student's `.keras` file.
        student: images to logits.
        model: images to what the file shall answer.
        calibration: float32 (N, rows, columns, 1), preprocessed; empty for formats that are not calibrated.
        training: gives the training side alike, and a teacher, images to logits.
        recipe: settings.
        on_step: told about every step of training.
    """

    path: Path
    student: keras.Model
    model: keras.Model
    calibration: Images
    training: Callable[[], tuple[keras.Model, Images]]
    recipe: Recipe
    on_step: OnStep


@dataclass(frozen=True)
class Container:
    """A kind of file.

    Attributes:
        suffix: of its name; '' for a folder.
        answers: probabilities (N, 4) of the model for preprocessed slices, from what devices run it with.
        contents: what the model is made of.
        write: puts model and record into a file, whole or not at all.
    """

    suffix: str
    answers: Callable[[bytes, Images], Images]
    contents: Callable[[bytes], Contents]
    write: Callable[[Path, bytes, Record], None]


@dataclass(frozen=True)
class Format:
    """How a format is made, and whether it is calibrated, and trained further, on training slices."""

    container: Container
    make: Callable[[Order], bytes]
    calibrated: bool = False
    trained: bool = False


def _qat(order: Order) -> bytes:
    from alzedge.export.convert.quantization_aware import quantization_aware

    return quantization_aware(order.student, *order.training(), order.calibration, order.recipe, order.on_step)


def _pruned(order: Order) -> bytes:
    from alzedge.export.convert.sparse import prune

    student = prune(order.student, *order.training(), order.recipe, order.on_step)
    return convert.to_int8(convert.with_probabilities(student), order.calibration)


def _clustered(order: Order) -> bytes:
    from alzedge.export.convert.sparse import cluster

    student = cluster(order.student, *order.training(), order.recipe, order.on_step)
    return convert.to_int8(convert.with_probabilities(student), order.calibration)


def _onnx(order: Order) -> bytes:
    from alzedge.export.convert.onnx import to_onnx

    return to_onnx(order.model)


def _onnx_contents(model: bytes) -> Contents:
    from alzedge.export.convert.onnx import onnx_contents

    return onnx_contents(model)


def _saved_model(order: Order) -> bytes:
    from alzedge.export.convert.saved_model import to_saved_model

    return to_saved_model(order.model)


def _saved_model_answers(model: bytes, inputs: Images) -> Images:
    from alzedge.export.convert.saved_model import saved_model_answers

    return saved_model_answers(model, inputs)


def _saved_model_contents(model: bytes) -> Contents:
    from alzedge.export.convert.saved_model import saved_model_contents

    return saved_model_contents(model)


def _write_saved_model(folder: Path, model: bytes, record: Record) -> None:
    from alzedge.export.convert.saved_model import write_saved_model

    write_saved_model(folder, model, record)


def _read_keras(archive: bytes) -> keras.Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(archive)
        return keras.saving.load_model(path, compile=False)


def _keras_contents(archive: bytes) -> Contents:
    arrays = [(weight.path, np.asarray(weight)) for weight in _read_keras(archive).weights]
    return contents_of(archive, [(name, array.dtype.name, array) for name, array in arrays])


def _write_tflite(path: Path, flatbuffer: bytes, record: Record) -> None:
    preprocessing = Preprocessing.from_dict(record["preprocessing"])
    write_tflite(path, add_metadata(flatbuffer, record["kind"], preprocessing), record)


_TFLITE = Container(
    ".tflite", lambda model, inputs: TFLiteNetwork(model)(inputs)["probabilities"], tflite_contents, _write_tflite
)
_ONNX = Container(
    ".onnx", lambda model, inputs: OnnxNetwork(model)(inputs)["probabilities"], _onnx_contents, write_onnx
)
_SAVED_MODEL = Container("", _saved_model_answers, _saved_model_contents, _write_saved_model)
_KERAS = Container(
    ".keras",
    lambda archive, inputs: convert.answers(convert.with_probabilities(_read_keras(archive)), inputs),
    _keras_contents,
    write_keras,
)

FORMATS = {
    "float32": Format(_TFLITE, lambda order: convert.to_float32(order.model)),
    "float16": Format(_TFLITE, lambda order: convert.to_float16(order.model)),
    "dynamic": Format(_TFLITE, lambda order: convert.to_dynamic(order.model)),
    "int8": Format(_TFLITE, lambda order: convert.to_int8(order.model, order.calibration), calibrated=True),
    "int8-float-io": Format(
        _TFLITE, lambda order: convert.to_int8(order.model, order.calibration, float_io=True), calibrated=True
    ),
    "int16x8": Format(_TFLITE, lambda order: convert.to_int16x8(order.model, order.calibration), calibrated=True),
    "qat-int8": Format(_TFLITE, _qat, calibrated=True, trained=True),
    "pruned": Format(_TFLITE, _pruned, calibrated=True, trained=True),
    "clustered": Format(_TFLITE, _clustered, calibrated=True, trained=True),
    "onnx": Format(_ONNX, _onnx),
    "saved_model": Format(_SAVED_MODEL, _saved_model),
    "keras": Format(_KERAS, lambda order: order.path.read_bytes()),
}
