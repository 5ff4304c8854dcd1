"""Probabilities from any model file through one function, so that all models are measured by the same code."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.classifier import Classifier
from alzedge.model_file.read_write import kind_of, read_record

# uint8 slices (N, 208, 176) -> float32 probabilities (N, 4)
Scorer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

_BATCH = 256


def load_scorer(path: Path, threads: int = 1) -> Scorer:
    """Load a `.tflite`, `.onnx` or `.keras` file of ours.

    A `.tflite` or `.onnx` file answers one slice at a time, as on the device; a `.keras` file in batches.

    Raises:
        UserError: no such file, not ours, damaged, or a model without answers.
    """
    if path.suffix.lower() in (".tflite", ".onnx"):
        return Classifier.load(path, threads).probabilities
    if path.suffix.lower() == ".keras":
        return _keras_scorer(path)
    raise UserError(f"{path}: expected a .keras, .tflite or .onnx file.")


def _keras_scorer(path: Path) -> Scorer:
    import keras

    from alzedge.teacher.keras_file import load_model

    if not kind_of(read_record(path)).gives_probabilities:
        raise UserError(f"{path} gives no probabilities; name a teacher or a student.")
    model, record = load_model(path)
    preprocessing = Preprocessing.from_dict(record["preprocessing"])

    def score(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        blocks = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
        logits = [model.predict_on_batch(preprocessing(block)) for block in blocks]
        return np.asarray(keras.ops.softmax(np.concatenate(logits)))

    return score
