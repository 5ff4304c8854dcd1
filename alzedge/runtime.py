"""Run an exported student with numpy, Pillow and a LiteRT interpreter alone."""

from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.modelfile import Record
from alzedge.networks import Network
from alzedge.preprocessing import Preprocessing
from alzedge.trial import load_network


def bundled_model() -> Path:
    """Path of the int8 student that comes with the package."""
    path = Path(str(resources.files("alzedge").joinpath("models", "student_int8.tflite")))
    if not path.is_file():
        raise UserError(
            f"{path}: the bundled model is missing from this installation; reinstall alzedge or give --model."
        )
    return path


class Classifier:
    """An exported student, ready to answer.

    Attributes:
        record: what the file says about itself; see `alzedge.modelfile`.
        preprocessing: read from the file, the same code as in training.
    """

    def __init__(self, network: Network, record: Record) -> None:
        self.record = record
        self.preprocessing = Preprocessing.from_dict(record["preprocessing"])
        self.network = network

    @classmethod
    def load(cls, path: Path | None = None, threads: int = 1) -> "Classifier":
        """Load a `.tflite` or `.onnx` file made by `alzedge export`, or the bundled one.

        Raises:
            UserError: no such file, not ours, damaged, of no use to the runtime, or no runtime is installed.
        """
        return cls(*load_network(path or bundled_model(), threads, trusted=path is None))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return tuple(self.record["labels"])

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities of the stages.

        Args:
            images: uint8 (N, 208, 176), as `alzedge.images.read_slice` returns them.

        Returns:
            float32 (N, 4), rows sum to 1.
        """
        return self.network(self.preprocessing(images))["probabilities"]
