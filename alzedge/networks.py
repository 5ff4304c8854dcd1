"""Model files as functions: preprocessed images in, named arrays out, whatever interpreter runs them."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError

_Floats = NDArray[np.float32]


class Network(Protocol):
    """A loaded model file."""

    def __call__(self, inputs: _Floats) -> dict[str, _Floats]:
        """Run the network on slices, one after the other, as on the device.

        Args:
            inputs: float32 (N, rows, columns, 1), preprocessed.

        Returns:
            `probabilities` (N, 4), rows sum to 1, and, from a file exported with one,
            `heat_map` (N, h, w, 4): evidence for each stage by place, coarser than the image.
        """


class TFLiteNetwork:
    """A flatbuffer in a LiteRT interpreter.

    Args:
        flatbuffer: verified by `alzedge.modelfile.read_tflite`.
        threads: of the interpreter.
    """

    def __init__(self, flatbuffer: bytes, threads: int = 1) -> None:
        self._interpreter = make_interpreter(flatbuffer, threads)
        self._input = self._interpreter.get_input_details()[0]
        outputs = self._interpreter.get_output_details()
        self._outputs = {"probabilities" if len(d["shape"]) == 2 else "heat_map": d for d in outputs}

    def __call__(self, inputs: _Floats) -> dict[str, _Floats]:
        """See `Network`."""
        quantized = _quantized(inputs, self._input)
        results = {n: np.empty((len(inputs), *d["shape"][1:]), np.float32) for n, d in self._outputs.items()}
        for row, one in enumerate(quantized):
            self._interpreter.set_tensor(self._input["index"], one[np.newaxis])
            self._interpreter.invoke()
            for name, detail in self._outputs.items():
                results[name][row] = _dequantized(self._interpreter.get_tensor(detail["index"])[0], detail)
        # int8 outputs are multiples of 1/256, so their sum is off by a few of them.
        results["probabilities"] /= results["probabilities"].sum(axis=1, keepdims=True)
        return results


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
