"""A model of version 0.1, which gives probabilities and nothing else."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.inference.classifier import Classifier


@dataclass(frozen=True)
class OnlyProbabilities:
    """Wraps an interpreter and keeps its probabilities alone."""

    wrapped: Any

    def __call__(self, inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """See `alzedge.inference.interpreters.Interpreter`."""
        return {"probabilities": self.wrapped(inputs)["probabilities"]}


def classifier_0_1() -> Classifier:
    """The bundled network without its measures, and a record without their rule and levels."""
    bundled = Classifier.load()
    record = {name: entry for name, entry in bundled.record.items() if name not in ("measures", "levels")}
    return Classifier(OnlyProbabilities(bundled.interpreter), record)
