"""Run an exported student with numpy, Pillow and a LiteRT interpreter alone."""

from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.modelfile import Record, read_tflite
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
        self._interpreter = make_interpreter(flatbuffer, threads)
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]

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

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities of the stages.

        Args:
            images: uint8 (N, 208, 176), as `alzedge.images.read_slice` returns them.

        Returns:
            float32 (N, 4), rows sum to 1.
        """
        inputs = _quantized(self.preprocessing(images), self._input)
        outputs = np.empty((len(inputs), len(self.labels)), np.float32)
        for row, one in enumerate(inputs):
            self._interpreter.set_tensor(self._input["index"], one[np.newaxis])
            self._interpreter.invoke()
            outputs[row] = _dequantized(self._interpreter.get_tensor(self._output["index"])[0], self._output)
        # int8 outputs are multiples of 1/256, so their sum is off by a few of them.
        outputs /= outputs.sum(axis=1, keepdims=True)
        return outputs


def make_interpreter(flatbuffer: bytes, threads: int) -> Any:
    """A LiteRT interpreter with its tensors allocated."""
    interpreter = _interpreter_class()(model_content=flatbuffer, num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


def _interpreter_class() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tflite_runtime.interpreter import Interpreter
        except ImportError as error:
            raise UserError("No LiteRT interpreter is installed; run `pip install ai-edge-litert`.") from error
        if int(np.__version__.split(".")[0]) >= 2:  # its last release was built for NumPy 1
            raise UserError(
                "tflite-runtime does not work with NumPy 2; run `pip install ai-edge-litert`, or `pip install 'numpy<2'`."
            ) from None
    return Interpreter


def _quantized(values: NDArray[np.float32], detail: dict[str, Any]) -> NDArray[Any]:
    dtype = detail["dtype"]
    if dtype == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(dtype)
    quantized: NDArray[Any] = np.clip(np.rint(values / np.float32(scale)) + zero_point, limits.min, limits.max).astype(
        dtype
    )
    return quantized


def _dequantized(values: NDArray[Any], detail: dict[str, Any]) -> NDArray[np.float32]:
    if detail["dtype"] == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    real: NDArray[np.float32] = (values.astype(np.float32) - zero_point) * np.float32(scale)
    return real
