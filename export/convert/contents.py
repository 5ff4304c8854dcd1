"""What a model file is made of, read from the file itself."""

import gzip
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.tools import flatbuffer_utils
from numpy.typing import NDArray

_MIN_RUNTIME = b"min_runtime_version"


@dataclass(frozen=True)
class Contents:
    """Contents of a model, without its record.

    Attributes:
        bytes, gzip_bytes: size as it is, and compressed by gzip at its best.
        tensors: how many tensors of each type, such as 'int8'.
        weights: how many numbers of each type in kernels, the constants of two dimensions or more.
        floats: names of the floating-point tensors that are neither input nor output; of joined ones the first name.
        operators: newest version needed of each operator; for ONNX the opset; empty where there are none.
        min_runtime: oldest TensorFlow Lite that knows these versions, as the converter says; else None.
        sparsity: share of zeros in kernels.
        values: largest number of different values in one slice of a kernel along its first axis, in TFLite one filter.
    """

    bytes: int
    gzip_bytes: int
    tensors: dict[str, int]
    weights: dict[str, int]
    floats: tuple[str, ...]
    operators: dict[str, int]
    min_runtime: str | None
    sparsity: float
    values: int


def tflite_contents(flatbuffer: bytes) -> Contents:
    """Contents of a TFLite flatbuffer."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(flatbuffer))
    graph = model.subgraphs[0]
    outside = {int(index) for index in (*graph.inputs, *graph.outputs)}
    tensors = [(t.name.decode().split(";")[0], flatbuffer_utils.type_to_name(t.type).lower(), t) for t in graph.tensors]
    operators: dict[str, int] = {}
    for index in sorted({operator.opcodeIndex for operator in graph.operators}):  # the list may hold unused ones
        name = flatbuffer_utils.opcode_to_name(model, index)
        operators[name] = max(model.operatorCodes[index].version, operators.get(name, 0))
    minimum = [model.buffers[entry.buffer].data for entry in model.metadata or [] if entry.name == _MIN_RUNTIME]
    return contents_of(
        flatbuffer,
        [(name, kind, _constant(model, tensor, kind)) for name, kind, tensor in tensors],
        floats=tuple(
            name for i, (name, kind, _) in enumerate(tensors) if kind.startswith("float") and i not in outside
        ),
        operators=operators,
        min_runtime=bytes(minimum[0]).rstrip(b"\0").decode() if minimum else None,
    )


def _constant(model: Any, tensor: Any, kind: str) -> NDArray[Any] | None:
    data = model.buffers[tensor.buffer].data
    if data is None or not len(data) or tensor.shape is None:
        return None
    return np.frombuffer(bytes(data), np.dtype(kind)).reshape(tensor.shape)


def contents_of(
    data: bytes,
    tensors: list[tuple[str, str, NDArray[Any] | None]],
    floats: tuple[str, ...] = (),
    operators: dict[str, int] | None = None,
    min_runtime: str | None = None,
) -> Contents:
    """Contents of a model of these bytes and tensors: name, type and, of constants, the numbers."""
    kernels = [array for _, _, array in tensors if array is not None and array.ndim >= 2]
    count: Counter[str] = Counter()
    for kernel in kernels:
        count[kernel.dtype.name] += kernel.size
    return Contents(
        bytes=len(data),
        gzip_bytes=len(gzip.compress(data, 9, mtime=0)),
        tensors=dict(Counter(kind for _, kind, _ in tensors)),
        weights=dict(count),
        floats=floats,
        operators=operators or {},
        min_runtime=min_runtime,
        sparsity=sum(int((kernel == 0).sum()) for kernel in kernels) / max(1, sum(count.values())),
        values=max((len(np.unique(part)) for kernel in kernels for part in kernel), default=0),
    )
