"""A student that measures, before there is one: made-up rules in a record, and an interpreter that reckons from brightness."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.inference.classifier import Classifier
from alzedge.inference.measures.discriminant import Discriminant
from alzedge.inference.measures.norm import NormativeCurve
from alzedge.inference.measures.quantities import BrainVolume
from alzedge.inference.measures.regression import Regression
from alzedge.inference.measures.rule import Measures, PersonRule
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_tflite

_Floats = NDArray[np.float32]


def numbers(*values: float) -> NDArray[np.float64]:
    return np.array(values, np.float64)


# nWBV falls from 0.84 at 20 to 0.70 at 90, by about 0.025 either way.
NORM = NormativeCurve((18.0, 94.0), 240, numbers(0.785, -0.065, -0.022, 0), numbers(-3.7, 0.1), (0.004, -0.006))
_VOLUME = Regression(numbers(0.02), numbers(0.97), np.array([[2e-4]]), numbers(3e-4), 0.77, 0.004, (1.8, 1.7))
_AGE = Regression(numbers(3.0), numbers(0.9), np.array([[60.0]]), numbers(40.0), 55.0, 600.0, (1.8, 1.7))
_ILL = Discriminant(
    np.array([[-1.2, 0.77]]), np.array([[0.4, 0.71]]), np.array([[1.4, -0.015], [-0.015, 0.0011]]),
    np.array([[0.5, 0.0003]]), 0.9, -0.1, numbers(0.4, -0.8), np.array([[0.85, 0.9, 0.95], [0.72, 0.8, 0.9]]),
)  # fmt: skip
MEASURES = Measures(230, None, PersonRule((0,), numbers(20.0), _VOLUME, _AGE, _ILL), numbers(0.7, 0.28, 0.02), NORM)
VOLUME = BrainVolume(0.706, 0.684, 0.729, 8.2)


def measuring_record() -> dict[str, Any]:
    """The bundled file's record with made-up rules; its hash is not that of any file."""
    return read_tflite(bundled_model())[1] | {"measures": MEASURES.to_dict()}


@dataclass(frozen=True)
class MeasuringInterpreter:
    """Wraps an interpreter and adds measures that fall and rise with the mean of the input."""

    wrapped: Any

    def __call__(self, inputs: _Floats) -> dict[str, _Floats]:
        mean = inputs.mean(axis=(1, 2, 3))[:, np.newaxis]
        outputs = dict(self.wrapped(inputs))
        return outputs | {"brain_volume": 0.82 - 0.4 * mean, "age": 40 + 150 * mean}


def measuring_classifier(guarded: bool = True) -> Classifier:
    """A classifier whose file measures, with the bundled network behind it."""
    return Classifier(MeasuringInterpreter(Classifier.load().interpreter), measuring_record(), guarded)
