"""A classifier whose stages depend on age and sex alone, in a known way, with the bundled network behind all else."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.inference.classifier import Classifier, bundled_model
from alzedge.inference.measures.demographics import Coding
from alzedge.model_file.read_write import read_tflite


class ToldInterpreter:
    """Wraps an interpreter; any dementia is likelier with every year of age told, and for men."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped

    def __call__(
        self, inputs: NDArray[np.float32], demographics: NDArray[np.float32] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """See `alzedge.inference.interpreters.Interpreter`."""
        assert demographics is not None and demographics.shape == (len(inputs), 4)
        ill = 1 / (1 + np.exp(-(-1 + demographics[:, 0] + 0.5 * demographics[:, 3])))
        shares = np.stack([1 - ill, ill / 2, ill / 4, ill / 4], axis=1).astype(np.float32)
        return dict(self.wrapped(inputs)) | {"probabilities": shares}


def told_classifier() -> Classifier:
    """Its record is the bundled file's, without the rule for a person, and with the entry `demographics`."""
    record = read_tflite(bundled_model())[1] | {"demographics": Coding().to_dict(), "measures": None}
    return Classifier(ToldInterpreter(Classifier.load().interpreter), record)
