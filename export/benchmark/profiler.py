"""LiteRT's own profile of a model by operator.

The Python interface of ai-edge-litert 2.3 does not offer it: `Interpreter` has no profiler
(`experimental_force_delegate_node_profiling` only marks nodes for one attached in C++), nor do
`CompiledModel` and `ai_edge_litert.tools.benchmark_litert_model`, and the `benchmark_model` binary
is not in the wheel. The library in the wheel, `libLiteRt.so`, has it in its C interface
(`litert/c/litert_profiler.h` of google-ai-edge/LiteRT), which is called here through ctypes: a
compiled model with the runtime option `enable_profiling`, and the summary it writes. A C
interface is not checked when it is called: use a process of its own.
"""

import ctypes
import re
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from alzedge.errors import UserError
from alzedge.export.benchmark.results import OperatorTime
from alzedge.model_file.read_write import read_tflite

_WARM_UP = 20
_BLOCKS = 10
_CALLS = 20  # in a block
_CPU = 1  # kLiteRtHwAcceleratorCpu
_LAYOUT = 4096  # bytes for a LiteRtRankedTensorType, which is smaller
# [node type] [start] [first] [avg ms] [%] [cdf%] [mem KB] [times called] [name]
_ROW = re.compile(r"^\s*(\S.*?)\s+[\d.]+\s+[\d.]+\s+([\d.]+)\s+[\d.]+%\s+[\d.]+%\s+[\d.]+\s+\d+\s+\[", re.MULTILINE)


def profile_operators(path: Path) -> tuple[OperatorTime, ...]:
    """Time each operator of a `.tflite` file of ours as LiteRT runs it, with XNNPACK, on a black slice.

    Neighbours that XNNPACK fuses are one operator. LiteRT's clock counts whole microseconds, so an
    operator of less than one is shown as 0; its bookkeeping between operators is not in the times.

    Args:
        path: to the model.

    Returns:
        In the order of execution; microseconds are the median over 10 blocks of the mean over 20 calls.

    Raises:
        UserError: not ours, or this LiteRT has no profiler.
    """
    runtime = _Runtime(read_tflite(path)[0])
    blocks = [_ROW.findall(summary.split("Top by Computation Time")[0]) for summary in runtime.summaries()]
    if not blocks[0]:
        raise UserError("This LiteRT writes a profile of another form; run `pip install 'ai-edge-litert<2.4'`.")
    names = [name.removeprefix("Delegate/") for name, _ in blocks[0]]
    times = [1000 * median(float(mean) for _, mean in rows) for rows in zip(*blocks, strict=True)]
    total = sum(times) or 1.0
    return tuple(OperatorTime(name, time, time / total) for name, time in zip(names, times, strict=True))


class _Runtime:
    """A compiled model in LiteRT's C interface, left for the end of the process to clean up."""

    def __init__(self, flatbuffer: bytes) -> None:
        self._library = _load_library()
        self._flatbuffer = ctypes.create_string_buffer(flatbuffer, len(flatbuffer))  # must outlive the model
        self._environment, self._model, self._compiled = c_void_p(), c_void_p(), c_void_p()
        self._call("CreateEnvironment", 0, None, byref(self._environment))
        size = c_size_t(len(flatbuffer))
        self._call("CreateModelFromBuffer", self._environment, self._flatbuffer, size, byref(self._model))
        self._call("CreateCompiledModel", self._environment, self._model, self._options(), byref(self._compiled))
        self._inputs, self._outputs = self._buffers("Input"), self._buffers("Output")

    def summaries(self) -> list[str]:
        """Profile blocks of calls; for each the table of TFLite's `benchmark_model`."""
        profiler = c_void_p()
        self._call("CompiledModelGetProfiler", self._compiled, byref(profiler))
        self._run(_WARM_UP)
        return [self._summary(profiler) for _ in range(_BLOCKS)]

    def _summary(self, profiler: c_void_p) -> str:
        text = c_char_p()
        self._call("ResetProfiler", profiler)
        self._call("StartProfiler", profiler)
        self._run(_CALLS)
        self._call("StopProfiler", profiler)
        self._call("GetProfileSummary", profiler, self._compiled, byref(text))
        return (text.value or b"").decode(errors="replace")

    def _run(self, calls: int) -> None:
        counts = c_size_t(len(self._inputs)), c_size_t(len(self._outputs))
        for _ in range(calls):
            self._call(
                "RunCompiledModel", self._compiled, c_size_t(0), counts[0], self._inputs, counts[1], self._outputs
            )

    def _call(self, name: str, *arguments: Any) -> None:
        try:
            function = getattr(self._library, f"LiteRt{name}")
        except AttributeError as error:
            raise UserError(f"This LiteRT has no {name}; run `pip install 'ai-edge-litert>=2.3'`.") from error
        status = function(*arguments)
        if status:
            raise UserError(f"LiteRT cannot profile this model ({name} answers {status}); leave out --profile.")

    def _options(self) -> c_void_p:
        options, profiling = c_void_p(), c_void_p()
        self._call("CreateOptions", byref(options))
        self._call("SetOptionsHardwareAccelerators", options, c_int(_CPU))
        c = ctypes.CDLL(None)
        c.strdup.restype = c_void_p
        payload = c_void_p(c.strdup(b"enable_profiling = true\n"))
        release = ctypes.cast(c.free, c_void_p)
        self._call("CreateOpaqueOptions", b"runtime_options_string", payload, release, byref(profiling))
        self._call("AddOpaqueOptions", options, profiling)
        return options

    def _signature(self) -> c_void_p:
        signature = c_void_p()
        self._call("GetModelSignature", self._model, c_size_t(0), byref(signature))
        return signature

    def _buffers(self, side: str) -> Any:
        count = c_size_t()
        self._call(f"GetNumSignature{side}s", self._signature(), byref(count))
        return (c_void_p * count.value)(*(self._buffer(side, i) for i in range(count.value)))

    def _buffer(self, side: str, index: int = 0) -> c_void_p:
        """A buffer for one input or output; LiteRT fills in the tensor's type for us."""
        tensor, requirements, buffer = c_void_p(), c_void_p(), c_void_p()
        layout = ctypes.create_string_buffer(_LAYOUT)
        position = c_size_t(0), c_size_t(index)
        self._call(f"GetSignature{side}TensorByIndex", self._signature(), position[1], byref(tensor))
        self._call("GetRankedTensorType", tensor, layout)
        self._call(f"GetCompiledModel{side}BufferRequirements", self._compiled, *position, byref(requirements))
        self._call("CreateManagedTensorBufferFromRequirements", self._environment, layout, requirements, byref(buffer))
        return buffer


def _load_library() -> ctypes.CDLL:
    package = find_spec("ai_edge_litert")
    for folder in package.submodule_search_locations or [] if package else []:
        for library in Path(folder).glob("libLiteRt.*"):
            return ctypes.CDLL(str(library))
    raise UserError("Profiles need LiteRT's own library; run `pip install 'ai-edge-litert>=2.3'`.")
