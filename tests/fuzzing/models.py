"""Parsers of model files: what is read is what was sealed, and what somebody else sealed is checked entry by entry."""

import io
import json
import random
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from fuzzing.campaign import Parser
from fuzzing.mutators import bytes_of, tree_of
from fuzzing.pictures import check
from helpers.asking import likely_slices

from alzedge.commands.record_text import record_text
from alzedge.errors import UserError
from alzedge.export.hub.card import model_card
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.classifier import Classifier
from alzedge.inference.interpreters import Interpreter
from alzedge.inference.sandbox import load_interpreter
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.kind import ModelKind, Role
from alzedge.model_file.read_tflite_metadata import standard_metadata
from alzedge.model_file.read_write import (
    read_keras_record,
    read_onnx,
    read_tflite,
    write_keras,
    write_onnx,
    write_tflite,
)
from alzedge.model_file.record import make_record


def parsers() -> dict[str, Parser]:
    """Parsers by name."""
    flatbuffer, record = read_tflite(bundled_model())
    whole = bundled_model().read_bytes()
    sealed = json.dumps({name: value for name, value in record.items() if name != "sha256"}).encode()
    return {
        "tflite": Parser((whole,), bytes_of, _read_whole, 0.5),
        "tflite_record": Parser((sealed,), _other_record, _read_record, 0.1),
        "tflite_flatbuffer": Parser((flatbuffer,), _other_numbers, _read_flatbuffer, 0.01),
        "tflite_metadata": Parser((flatbuffer,), _other_numbers, lambda _, data: standard_metadata(data)),
        "keras": Parser((_keras_file(),), bytes_of, _read_keras, 0.5),
        "onnx": Parser((_onnx_file(),), bytes_of, _read_onnx, 0.5),
    }


def _read_whole(folder: Path, data: bytes) -> None:
    """A file whose bytes were changed is refused, unless neither model nor record differs."""
    path = folder / "model.tflite"
    path.write_bytes(data)
    assert read_tflite(path) == read_tflite(bundled_model())


def _other_record(data: bytes, rng: random.Random) -> bytes:
    record = tree_of(json.loads(data), rng)
    return json.dumps(record | {"format": 1} if isinstance(record, dict) else record).encode()


def _read_record(folder: Path, data: bytes) -> None:
    """Everything that a command or the page makes of a record."""
    path = folder / "model.tflite"
    flatbuffer, _ = read_tflite(bundled_model())
    try:
        write_tflite(path, flatbuffer, json.loads(data))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError("without labels no file can be written.") from error
    _, record = read_tflite(path)
    classifier = Classifier(_interpreter(), record)
    assert record_text(path.name, record) and model_card(path) and repr(classifier)
    if classifier.preprocessing.input_shape == Preprocessing.from_dict(_bundled_record()["preprocessing"]).input_shape:
        answers = classifier.answers(_slices(), [0.0, np.nan, 40.0], 70, "F")
        for answer in [*answers, classifier.person(answers, 70, "F")]:
            if answer.unlikeness is not None or answer.probabilities is not None:
                check(answer)


def _other_numbers(data: bytes, rng: random.Random) -> bytes:
    """Offsets, sizes and types lie at both ends of the flatbuffer, weights between them."""
    return bytes_of(data, rng, 2000) if rng.random() < 0.3 else data[:-9000] + bytes_of(data[-9000:], rng, 9000)


def _read_flatbuffer(folder: Path, data: bytes) -> None:
    path = folder / "model.tflite"
    write_tflite(path, data, _bundled_record())
    interpreter, _ = load_interpreter(path)
    outputs = interpreter(
        np.zeros((1, *Preprocessing.from_dict(_bundled_record()["preprocessing"]).input_shape), np.float32)
    )
    assert outputs["probabilities"].shape == (1, 4)


def _keras_file() -> bytes:
    """An archive as Keras writes one; its layers are never built here."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {
            "metadata.json": "{}",
            "config.json": '{"class_name": "Functional"}',
            "model.weights.h5": "0" * 999,
        }.items():
            archive.writestr(name, content)
    return _written("model.keras", lambda path: write_keras(path, buffer.getvalue(), _made_record(Role.STUDENT)))


def _onnx_file() -> bytes:
    from onnx import TensorProto, helper

    node = helper.make_node("Identity", ["x"], ["y"])
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    model = helper.make_model(helper.make_graph([node], "g", [x], [y])).SerializeToString()
    return _written("model.onnx", lambda path: write_onnx(path, model, _made_record(Role.STUDENT)))


def _written(name: str, write: object) -> bytes:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        write(Path(folder) / name)  # type: ignore[operator]
        return (Path(folder) / name).read_bytes()


def _made_record(role: Role) -> dict[str, object]:
    return make_record(ModelKind(role), Preprocessing())


def _read_keras(folder: Path, data: bytes) -> None:
    path = folder / "model.keras"
    path.write_bytes(_keras_file())
    right = read_keras_record(path)
    path.write_bytes(data)
    assert read_keras_record(path, Role.STUDENT) == right


def _read_onnx(folder: Path, data: bytes) -> None:
    path = folder / "model.onnx"
    path.write_bytes(_onnx_file())
    right = read_onnx(path)
    path.write_bytes(data)
    assert read_onnx(path) == right


@cache
def _interpreter() -> Interpreter:
    return load_interpreter(bundled_model(), trusted=True)[0]


@cache
def _bundled_record() -> dict[str, object]:
    return read_tflite(bundled_model())[1]


@cache
def _slices() -> np.ndarray:
    return likely_slices(Classifier.load(), 3)
