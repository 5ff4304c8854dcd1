"""Every format a student can be exported to: how it is made, evaluated, inspected and written.

A module that only one format needs is imported when that format is made: tfmot, tf_keras and onnx take seconds.
Their properties that need no library are in `alzedge.export.convert.format_traits`.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from alzedge.export.convert import tflite
from alzedge.export.convert.contents import Contents, contents_of, tflite_contents
from alzedge.export.convert.probabilities import keras_outputs, with_probabilities
from alzedge.export.convert.tflite import Images
from alzedge.export.convert.write_tflite_metadata import add_metadata
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.interpreters import OnnxInterpreter, TFLiteInterpreter
from alzedge.inference.measures.demographics import Coding
from alzedge.model_file.read_write import Record, write_keras, write_onnx, write_tflite
from alzedge.runs.recipe import Recipe
from alzedge.utils.progress import OnStep


@dataclass(frozen=True, eq=False)
class ConversionInput:
    """Input of a conversion.

    Attributes:
        path: the student's `.keras` file.
        student: images to logits.
        model: images to the outputs of the file; see `alzedge.export.convert.probabilities.with_probabilities`.
        float32: `model` as float32 flatbuffer.
        calibration: float32 (N, rows, columns, 1), preprocessed slices to calibrate on.
        demographics: float32 (N, 4), beside them; None for a student of the image alone.
        training: loads a teacher, images to logits, and the preprocessed training side; called by formats that train.
        recipe: `compress`, `augment`, `distill.temperature` and `seed` are used by formats that train.
        on_step: called after every step of training.
    """

    path: Path
    student: keras.Model
    model: keras.Model
    float32: bytes
    calibration: Images
    demographics: Images | None
    training: Callable[[], tuple[keras.Model, Images]]
    recipe: Recipe
    on_step: OnStep


@dataclass(frozen=True)
class Container:
    """A kind of file.

    Attributes:
        outputs: by name, for preprocessed slices and demographics, from the interpreter that devices use; `probabilities`
            (N, 4) is one.
        contents: tensors, weights and operators of the model.
        write: writes model and record to a path, whole or not at all.
    """

    outputs: Callable[[bytes, Images, Images | None], dict[str, Images]]
    contents: Callable[[bytes], Contents]
    write: Callable[[Path, bytes, Record], None]


@dataclass(frozen=True)
class Format:
    """A format: its container, and the conversion to the bytes of the model without record."""

    container: Container
    convert: Callable[[ConversionInput], bytes]


def _to_int8(given: ConversionInput, float_io: bool = False) -> bytes:
    return tflite.to_int8(given.model, given.calibration, float_io, given.demographics)


def _to_qat_int8(given: ConversionInput) -> bytes:
    from alzedge.export.convert.quantization_aware import quantization_aware

    return quantization_aware(given.student, *given.training(), given.calibration, given.recipe, given.on_step)


def _to_pruned(given: ConversionInput) -> bytes:
    from alzedge.export.convert.sparse import prune

    student = prune(given.student, *given.training(), given.recipe, given.on_step)
    return tflite.to_int8(with_probabilities(student), given.calibration)


def _to_clustered(given: ConversionInput) -> bytes:
    from alzedge.export.convert.sparse import cluster

    student = cluster(given.student, *given.training(), given.recipe, given.on_step)
    return tflite.to_int8(with_probabilities(student), given.calibration)


def _to_onnx(given: ConversionInput) -> bytes:
    from alzedge.export.convert.onnx import to_onnx

    return to_onnx(given.model)


def _onnx_contents(model: bytes) -> Contents:
    from alzedge.export.convert.onnx import onnx_contents

    return onnx_contents(model)


def _to_saved_model(given: ConversionInput) -> bytes:
    from alzedge.export.convert.saved_model import to_saved_model

    return to_saved_model(given.model)


def _saved_model_outputs(model: bytes, inputs: Images, demographics: Images | None) -> dict[str, Images]:
    from alzedge.export.convert.saved_model import saved_model_outputs

    return saved_model_outputs(model, inputs, demographics)


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
    described = add_metadata(flatbuffer, record["kind"], preprocessing, Coding.read(record))
    write_tflite(path, described, record)


_TFLITE = Container(lambda model, *inputs: TFLiteInterpreter(model)(*inputs), tflite_contents, _write_tflite)
_ONNX = Container(lambda model, *inputs: OnnxInterpreter(model)(*inputs), _onnx_contents, write_onnx)
_SAVED_MODEL = Container(_saved_model_outputs, _saved_model_contents, _write_saved_model)
_KERAS = Container(
    lambda archive, *inputs: keras_outputs(with_probabilities(_read_keras(archive)), *inputs),
    _keras_contents,
    write_keras,
)

FORMATS = {
    "float32": Format(_TFLITE, lambda given: given.float32),
    "float16": Format(_TFLITE, lambda given: tflite.to_float16(given.model)),
    "dynamic": Format(_TFLITE, lambda given: tflite.to_dynamic(given.model)),
    "int8": Format(_TFLITE, _to_int8),
    "int8-float-io": Format(_TFLITE, lambda given: _to_int8(given, float_io=True)),
    "int16x8": Format(_TFLITE, lambda given: tflite.to_int16x8(given.model, given.calibration, given.demographics)),
    "qat-int8": Format(_TFLITE, _to_qat_int8),
    "pruned": Format(_TFLITE, _to_pruned),
    "clustered": Format(_TFLITE, _to_clustered),
    "onnx": Format(_ONNX, _to_onnx),
    "saved_model": Format(_SAVED_MODEL, _to_saved_model),
    "keras": Format(_KERAS, lambda given: given.path.read_bytes()),
}
