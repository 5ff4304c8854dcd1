"""Answers from any model file through one function, so that all models are measured by the same code."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.classifier import Classifier
from alzedge.inference.measures.demographics import COLUMNS, Coding
from alzedge.inference.measures.operating_point import OperatingPoint
from alzedge.inference.measures.readings import Readings
from alzedge.metrics.people.evidence import Asked
from alzedge.metrics.people.person_answers import rule_of
from alzedge.model_file.read_write import kind_of, read_record

# uint8 slices (N, 208, 176) -> float32 probabilities (N, 4), nothing being told of the people
Scorer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
# Rows of a data set -> answers for them.
Asker = Callable[[DataSet, NDArray[np.intp]], Asked]
_Outputs = dict[str, NDArray[np.float32]]
_Told = NDArray[np.float32] | None

_BATCH = 256
_PROBABILITIES = "probabilities"
# Outputs of a measuring model beside the stages, each (N, 1), in this order.
_MEASURES = ("brain_volume", "age")


def load_scorer(path: Path, threads: int = 1) -> Scorer:
    """Load a `.tflite`, `.onnx` or `.keras` file of ours.

    A `.tflite` or `.onnx` file answers one slice at a time, as on the device; a `.keras` file in batches.

    Raises:
        UserError: no such file, not ours, damaged, or a model without answers.
    """
    outputs = _load_outputs(path, threads)
    return lambda images: outputs(images, None)[_PROBABILITIES]


def load_asker(path: Path) -> Asker:
    """Load a file as `load_scorer` does, with whatever it measures, its rule for people and its threshold.

    A file that has age and sex as a second input is told those of the data set, where they are known.
    """
    outputs, record = _load_outputs(path, 1), read_record(path)
    rule, point, coding = rule_of(record), OperatingPoint.read(record), Coding.read(record)

    def ask(dataset: DataSet, rows: NDArray[np.intp]) -> Asked:
        told = None if coding is None else coding.of_people(dataset.age[rows], dataset.sex[rows])
        found = outputs(dataset.images[rows], told)
        measures = (found[name].astype(np.float64).reshape(-1) if name in found else None for name in _MEASURES)
        readings = Readings(found[_PROBABILITIES].astype(np.float64), dataset.height[rows], *measures)
        return Asked(readings, rule, None if point is None else point.threshold)

    return ask


def _load_outputs(path: Path, threads: int) -> Callable[[NDArray[np.uint8], _Told], _Outputs]:
    if path.suffix.lower() in (".tflite", ".onnx"):
        classifier = Classifier.load(path, threads)
        return lambda images, told: classifier.interpreter(classifier.preprocessing(images), told)
    if path.suffix.lower() == ".keras":
        return _keras_outputs(path)
    raise UserError(f"{path}: expected a .keras, .tflite or .onnx file.")


def _keras_outputs(path: Path) -> Callable[[NDArray[np.uint8], _Told], _Outputs]:
    import keras

    from alzedge.teacher.keras_file import load_model

    if not kind_of(read_record(path)).gives_probabilities:
        raise UserError(f"{path} gives no probabilities; name a teacher or a student.")
    model, record = load_model(path)
    preprocessing = Preprocessing.from_dict(record["preprocessing"])

    def score(images: NDArray[np.uint8], told: _Told) -> _Outputs:
        said = np.zeros((len(images), len(COLUMNS)), np.float32) if told is None else told
        blocks = []
        for start in range(0, len(images), _BATCH):
            shown = preprocessing(images[start : start + _BATCH])
            given = shown if len(model.inputs) == 1 else [shown, said[start : start + _BATCH]]
            blocks.append(_parts(model.predict_on_batch(given)))
        logits, *measures = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        found = {_PROBABILITIES: np.asarray(keras.ops.softmax(logits))}
        return found | dict(zip(_MEASURES, measures, strict=False))

    return score


def _parts(outputs: object) -> list[NDArray[np.float32]]:
    """Logits, then whatever is measured, of a model with one output, a list of them, or a dictionary."""
    if isinstance(outputs, dict):
        stages = [value for name, value in outputs.items() if name not in _MEASURES]
        outputs = [*stages, *(outputs[name] for name in _MEASURES if name in outputs)]
    parts = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [part for part in map(np.asarray, parts) if part.ndim == 2]  # a heat map has four
