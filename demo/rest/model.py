"""The served model: its name, its version, and what both protocols tell of it."""

from dataclasses import dataclass
from typing import Any

from alzedge.demo.rest.failure import Refusal
from alzedge.inference.classifier import Classifier
from alzedge.inference.interpreters import OnnxInterpreter
from alzedge.stages import DISCLAIMER

NAME = "alzedge"
# TensorFlow Serving's versions are numbers; a server has one model, and its hash tells which.
VERSION = "1"


@dataclass(frozen=True)
class Served:
    """The model that answers.

    Attributes:
        platform: that runs it.
        about: its kind, hash, labels, operating threshold, and the disclaimer.
    """

    platform: str
    about: dict[str, Any]

    @classmethod
    def of(cls, classifier: Classifier) -> "Served":
        """Describe a loaded model."""
        record = classifier.record
        return cls(
            "onnxruntime" if isinstance(classifier.interpreter, OnnxInterpreter) else "litert",
            {
                "kind": record["kind"],
                "sha256": record["sha256"],
                "labels": list(classifier.labels),
                "operating_threshold": classifier.threshold,
                "guarded": classifier.guard is not None,
                "disclaimer": DISCLAIMER,
            },
        )

    @staticmethod
    def check(name: str, version: str | None) -> None:
        """Refuse another model or version, in TensorFlow Serving's words.

        Raises:
            Refusal: 404.
        """
        if name != NAME or version not in (None, VERSION):
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise Refusal(404, f"Servable not found for request: {wanted}; this server has {NAME}, version {VERSION}")
