"""Model files as functions: preprocessed images in, named arrays out, whatever interpreter runs them."""

import re
import threading
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.inference.measures.demographics import COLUMNS
from alzedge.utils.chatter import without_chatter
from alzedge.utils.privacy import keep_private

_Floats = NDArray[np.float32]
# What LiteRT says of an operator, or a version of one, that is newer than itself.
_UNKNOWN_OPERATOR = re.compile(r"builtin opcode '(\w+)' version '(\d+)'")

_IMAGE, _FLAT = 4, 2  # dimensions of the inputs
# Outputs of a measuring student beside the probabilities.
MEASURES = ("brain_volume", "age")


class Interpreter(Protocol):
    """A loaded model file."""

    def __call__(self, inputs: _Floats, demographics: _Floats | None = None) -> dict[str, _Floats]:
        """Run the network on slices, one after the other, as on the device.

        Args:
            inputs: float32 (N, rows, columns, 1), preprocessed.
            demographics: float32 (N, 4), age and sex of the person on each slice, for a network that has them as a second
                input (see `alzedge.inference.measures.demographics`); None tells it nothing. Others leave them alone.

        Returns:
            `probabilities` (N, 4), rows sum to 1; from a measuring student `brain_volume` (N, 1), nWBV as a share, and
            `age` (N, 1) in years; from a file exported with one `heat_map` (N, h, w, 4): evidence for each stage
            by place, coarser than the image.
        """


class TFLiteInterpreter:
    """A flatbuffer in a LiteRT interpreter.

    Args:
        flatbuffer: verified by `alzedge.model_file.read_write.read_tflite`.
        threads: of the interpreter.

    Raises:
        UserError: no interpreter is installed, or it cannot run the model.
    """

    def __init__(self, flatbuffer: bytes, threads: int = 1) -> None:
        self._interpreter = make_interpreter(flatbuffer, threads)
        given = self._interpreter.get_input_details()
        self._input, self._told = _image_and_told([len(detail["shape"]) for detail in given], given)
        # An interpreter holds the slice that it is asked about: threads take turns.
        self._turn = threading.Lock()
        self._outputs = _outputs_by_name(self._interpreter)

    def __call__(self, inputs: _Floats, demographics: _Floats | None = None) -> dict[str, _Floats]:
        """See `Interpreter`."""
        channels = self._input["shape"][3]  # one, but three in files for apps that know colour images only
        quantized = _quantized(inputs, self._input)
        if channels > 1:
            quantized = quantized.repeat(channels, axis=3)
        told = None if self._told is None else _quantized(_told_or_nothing(demographics, len(inputs)), self._told)
        # Stacked as they come and dequantized together: on four numbers at a time NumPy's calls take longest.
        raw = {n: np.empty((len(inputs), *d["shape"][1:]), d["dtype"]) for n, d in self._outputs.items()}
        for row in range(len(inputs)):
            with self._turn:
                self._interpreter.set_tensor(self._input["index"], quantized[row : row + 1])
                if told is not None and self._told is not None:
                    self._interpreter.set_tensor(self._told["index"], told[row : row + 1])
                self._interpreter.invoke()
                for name, detail in self._outputs.items():
                    raw[name][row] = self._interpreter.get_tensor(detail["index"])[0]
        results = {name: _dequantized(values, self._outputs[name]) for name, values in raw.items()}
        # int8 outputs are multiples of 1/256, so their sum is off by a few of them.
        results["probabilities"] /= results["probabilities"].sum(axis=1, keepdims=True)
        return results


class OnnxInterpreter:
    """An ONNX model in onnxruntime.

    Args:
        model: verified by `alzedge.model_file.read_write.read_onnx`.
        threads: of the runtime.

    Raises:
        UserError: onnxruntime is not installed, or cannot run the model.
    """

    def __init__(self, model: bytes, threads: int = 1) -> None:
        onnxruntime = _onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4  # errors arrive as exceptions; the rest is chatter
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no class in common
            raise UserError(_cannot_run(_named("onnxruntime"), error)) from error
        given = self._session.get_inputs()
        self._input, self._told = _image_and_told([len(one.shape) for one in given], [one.name for one in given])
        self._outputs = {_name_of(o.name, o.shape): (o.name, o.shape[1:]) for o in self._session.get_outputs()}

    def __call__(self, inputs: _Floats, demographics: _Floats | None = None) -> dict[str, _Floats]:
        """See `Interpreter`."""
        told = _told_or_nothing(demographics, len(inputs))
        results = {name: np.empty((len(inputs), *shape), np.float32) for name, (_, shape) in self._outputs.items()}
        asked = [name for name, _ in self._outputs.values()]
        for row, one in enumerate(inputs):
            given = {self._input: one[np.newaxis]} | ({self._told: told[row : row + 1]} if self._told else {})
            answers = self._session.run(asked, given)
            for result, answer in zip(results.values(), answers, strict=True):
                result[row] = answer[0]
        return results


def _image_and_told(dimensions: list[int], inputs: list[Any]) -> tuple[Any, Any | None]:
    """The input of images and, where there is one, that of demographics, by the number of their dimensions."""
    known = dict(zip(dimensions, inputs, strict=True))
    if _IMAGE not in known or not {_IMAGE, _FLAT} >= set(dimensions) or len(known) < len(inputs):
        raise UserError(
            "The model's inputs are not a slice, with or without age and sex; name a file made by `alzedge export`."
        )
    return known[_IMAGE], known.get(_FLAT)


def _told_or_nothing(demographics: _Floats | None, count: int) -> _Floats:
    return np.zeros((count, len(COLUMNS)), np.float32) if demographics is None else demographics


def _outputs_by_name(interpreter: Any) -> dict[str, dict[str, Any]]:
    """Details of the outputs by name, from the file's signature; a file without one has no measures."""
    outputs = interpreter.get_output_details()
    if len(outputs) > 2:
        named = interpreter.get_signature_runner().get_output_details()
        return {_name_of(name, detail["shape"]): detail for name, detail in named.items()}
    return {_name_of("", detail["shape"]): detail for detail in outputs}


def _name_of(name: str, shape: Any) -> str:
    if len(shape) != 2:
        return "heat_map"
    return name if name in MEASURES else "probabilities"


def make_interpreter(flatbuffer: bytes, threads: int) -> Any:
    """A LiteRT interpreter with its tensors allocated.

    Raises:
        UserError: none is installed, or it cannot run the model.
    """
    interpreter_class, package = _interpreter_class()
    try:
        with without_chatter():
            interpreter = interpreter_class(model_content=flatbuffer, num_threads=threads)
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise UserError(_cannot_run(_named(package), error)) from error
    return interpreter


def runtime_of(suffix: str) -> str:
    """Name and version of what runs files of a suffix, '.tflite' or '.onnx'.

    Raises:
        UserError: it is not installed.
    """
    if suffix == ".onnx":
        _onnxruntime()
        return _named("onnxruntime")
    return _named(_interpreter_class()[1])


def _named(package: str) -> str:
    from importlib import metadata  # a quarter of the start-up of `alzedge predict`, which does without

    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:  # unpacked or built in place
        return package


def _onnxruntime() -> Any:
    keep_private()
    try:
        import onnxruntime  # type: ignore[import-untyped]
    except ImportError as error:
        raise UserError("ONNX files need onnxruntime; run `pip install onnxruntime`.") from error
    return onnxruntime


def _cannot_run(runtime: str, error: Exception) -> str:
    unknown = _UNKNOWN_OPERATOR.search(str(error))
    if unknown:
        name, version = unknown.groups()
        return (
            f"{runtime} does not know operator {name} in version {version}, which this model needs; "
            "run `pip install --upgrade ai-edge-litert`."
        )
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return f"{runtime} cannot run this model ({reason}); export it again."


def _interpreter_class() -> tuple[Any, str]:
    try:
        from ai_edge_litert.interpreter import Interpreter as LiteRT

        return LiteRT, "ai-edge-litert"
    except ImportError:
        try:
            from tflite_runtime.interpreter import Interpreter as TFLiteRuntime
        except ImportError as error:
            raise UserError("No LiteRT interpreter is installed; run `pip install ai-edge-litert`.") from error
        if int(np.__version__.split(".")[0]) >= 2:  # its last release was built for NumPy 1
            raise UserError(
                "tflite-runtime does not work with NumPy 2; run `pip install ai-edge-litert`, or `pip install 'numpy<2'`."
            ) from None
    return TFLiteRuntime, "tflite-runtime"


def _quantized(values: NDArray[np.float32], detail: dict[str, Any]) -> NDArray[Any]:
    dtype = detail["dtype"]
    if dtype == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(dtype)
    scaled = values / np.float32(scale)
    np.rint(scaled, out=scaled)
    scaled += zero_point
    np.clip(scaled, limits.min, limits.max, out=scaled)
    quantized: NDArray[Any] = scaled.astype(dtype)
    return quantized


def _dequantized(values: NDArray[Any], detail: dict[str, Any]) -> NDArray[np.float32]:
    if detail["dtype"] == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    real: NDArray[np.float32] = (values.astype(np.float32) - zero_point) * np.float32(scale)
    return real
