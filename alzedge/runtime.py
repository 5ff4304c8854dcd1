"""Run an exported student with numpy, Pillow and a LiteRT interpreter alone."""

from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.modelfile import Record, read_tflite
from alzedge.networks import Network, TFLiteNetwork
from alzedge.preprocessing import Preprocessing


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

    def __init__(self, flatbuffer: bytes, record: Record, threads: int = 1) -> None:
        self.record = record
        self.preprocessing = Preprocessing.from_dict(record["preprocessing"])
        self.network: Network = TFLiteNetwork(flatbuffer, threads)

    @classmethod
    def load(cls, path: Path | None = None, threads: int = 1) -> "Classifier":
        """Load a `.tflite` file made by `alzedge export`, or the bundled one.

        Raises:
            UserError: no such file, not ours, damaged, or no interpreter is installed.
        """
        return cls(*read_tflite(path or bundled_model()), threads=threads)

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
