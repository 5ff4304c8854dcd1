"""The same network behind a whole colour image, for apps that know no other.

MediaPipe Tasks and the Task Library give an image classifier three channels of uint8 or float32 and nothing else
(`image_tensor_specs.cc` of google-ai-edge/mediapipe), and MediaPipe halves an image on the CPU by leaving out every
other pixel. So the shrinking moves into the model as an average pool, the first convolution gets zero weights for red
and blue, and integer models get a QUANTIZE at either end. On grey images, whose channels are equal, the numbers
behind are those of the model without colour: bit for bit in integers (where the input's scale is not 1/255, but
for ties, which QUANTIZE rounds away from zero), while in floating point the block means are not rounded. A table of
greys (`alzedge.imaging.steps.lookup_of`) moves in too, as a CAST and a GATHER.

By the same means integer files get their second input, age and sex, back as float32.
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.export.convert.write_tflite_metadata import pack
from alzedge.inference.measures.demographics import DEMOGRAPHICS

_CHANNELS, _GREEN, _WHITE = 3, 1, 255
_FLAT = 2  # dimensions of demographics


def to_rgb(flatbuffer: bytes, shrink: int, lookup: NDArray[np.uint8] | None = None) -> bytes:
    """Give a model of a shrunken grey image a whole one of red, green and blue.

    Args:
        flatbuffer: image (1, rows, columns, 1), float32 or int8, into a convolution; see `alzedge.export.convert.tflite`.
        shrink: of the model's `alzedge.imaging.preprocessing.Preprocessing`; the new model's is 1.
        lookup: uint8 (256,), the grey that its steps map each grey to; None when it has no steps. The new model's has none.

    Returns:
        The flatbuffer of image (1, rows * shrink, columns * shrink, 3), float32 or uint8, to outputs float32 or
        uint8. Its metadata must be added anew; see `alzedge.export.convert.write_tflite_metadata.add_metadata`.

    Raises:
        UserError: the first operator is not a convolution of one channel.
    """
    model = flatbuffer_utils.read_model_from_bytearray(flatbuffer)
    graph = model.subgraphs[0]
    first, image = graph.operators[0], graph.tensors[graph.inputs[0]]
    if _code(model, first) != schema.BuiltinOperator.CONV_2D or image.shape[3] != 1:
        raise UserError("Only a model whose first step is a convolution of grey images can be given colour.")
    weights = graph.tensors[first.inputs[1]]
    grey = model.buffers[weights.buffer].data
    # One value of one channel after the other; a value may be several bytes.
    values = np.asarray(grey).reshape(int(np.prod(weights.shape)), 1, -1)
    coloured = np.zeros((len(values), _CHANNELS, values.shape[2]), np.uint8)
    coloured[:, _GREEN] = values[:, 0]
    model.buffers[weights.buffer].data = coloured.reshape(-1)
    for tensor in (image, weights):
        tensor.shape = [*tensor.shape[:3], _CHANNELS]
    if image.type == schema.TensorType.INT8:
        graph.inputs = [_from_pixels(model, index) for index in graph.inputs]
    if shrink > 1:
        graph.inputs = [_pool(model, index, shrink) for index in graph.inputs]
    if lookup is not None:
        graph.inputs = [_look_up(model, index, lookup) for index in graph.inputs]
    graph.outputs = [
        _to_unsigned(model, index) if graph.tensors[index].type == schema.TensorType.INT8 else index
        for index in graph.outputs
    ]
    model.signatureDefs = None  # it names the tensors of before
    return pack(model)


def with_float_demographics(flatbuffer: bytes) -> bytes:
    """Put a QUANTIZE before an int8 input of demographics (1, 4), so that it is float32 outside.

    A flatbuffer without such an input is returned as it is.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(flatbuffer))
    graph = model.subgraphs[0]
    inner = [
        int(index)
        for index in graph.inputs
        if len(graph.tensors[index].shape) == _FLAT and graph.tensors[index].type == schema.TensorType.INT8
    ]
    if not inner:
        return flatbuffer
    outer = _tensor(model, list(graph.tensors[inner[0]].shape), schema.TensorType.FLOAT32, None)
    graph.tensors[outer].name = DEMOGRAPHICS
    _operator(model, schema.BuiltinOperator.QUANTIZE, 1, outer, inner[0], first=True)
    graph.inputs = [outer if index == inner[0] else index for index in graph.inputs]
    for entry in (entry for signature in model.signatureDefs or [] for entry in signature.inputs):
        entry.tensorIndex = outer if entry.tensorIndex == inner[0] else entry.tensorIndex
    return pack(model)


def _code(model: Any, operator: Any) -> int:
    return int(flatbuffer_utils.get_builtin_code_from_operator_code(model.operatorCodes[operator.opcodeIndex]))


def _from_pixels(model: Any, inner: int) -> int:
    """Quantize pixels into an int8 tensor; returns the uint8 tensor of the pixels, whose real values are x / 255."""
    pixels = schema.QuantizationParametersT(scale=[1 / _WHITE], zeroPoint=[0])
    return _quantize(model, inner, pixels, into=True)


def _to_unsigned(model: Any, inner: int) -> int:
    """Shift an int8 tensor; returns the uint8 tensor of the same real values."""
    old = model.subgraphs[0].tensors[inner].quantization
    moved = schema.QuantizationParametersT(scale=old.scale, zeroPoint=[int(old.zeroPoint[0]) + 128])
    return _quantize(model, inner, moved, into=False)


def _quantize(model: Any, inner: int, quantization: Any, into: bool) -> int:
    shape = list(model.subgraphs[0].tensors[inner].shape)
    outer = _tensor(model, shape, schema.TensorType.UINT8, quantization)
    ends = (outer, inner) if into else (inner, outer)
    _operator(model, schema.BuiltinOperator.QUANTIZE, 1, *ends, first=into)
    return outer


def _pool(model: Any, inner: int, shrink: int) -> int:
    """Put an average pool before a tensor; returns its input. Of uint8 it rounds as `Preprocessing` does."""
    old = model.subgraphs[0].tensors[inner]
    batch, rows, columns, channels = (int(size) for size in old.shape)
    outer = _tensor(model, [batch, rows * shrink, columns * shrink, channels], old.type, old.quantization)
    operator = _operator(model, schema.BuiltinOperator.AVERAGE_POOL_2D, 2, outer, inner, first=True)
    operator.builtinOptionsType = schema.BuiltinOptions.Pool2DOptions
    operator.builtinOptions = schema.Pool2DOptionsT(
        padding=schema.Padding.VALID, strideW=shrink, strideH=shrink, filterWidth=shrink, filterHeight=shrink
    )
    return outer


def _look_up(model: Any, inner: int, lookup: NDArray[np.uint8]) -> int:
    """Put a table of greys before a tensor of pixels, uint8 or of 0 to 1 in float32; returns the new input."""
    old = model.subgraphs[0].tensors[inner]
    shape, kind, quantization = list(old.shape), old.type, old.quantization
    real = kind == schema.TensorType.FLOAT32
    table = _constant(model, lookup / np.float32(_WHITE) if real else lookup, kind, quantization)
    greys = _tensor(model, shape, schema.TensorType.INT32, None)
    gather = _operator(model, schema.BuiltinOperator.GATHER, 1, table, inner, first=True)
    gather.inputs = [table, greys]
    gather.builtinOptionsType, gather.builtinOptions = schema.BuiltinOptions.GatherOptions, schema.GatherOptionsT()
    outer = _tensor(model, shape, kind, quantization)
    cast_from = _tensor(model, shape, kind, None) if real else outer
    cast = _operator(model, schema.BuiltinOperator.CAST, 1, cast_from, greys, first=True)
    cast.builtinOptionsType = schema.BuiltinOptions.CastOptions
    cast.builtinOptions = schema.CastOptionsT(inDataType=kind, outDataType=schema.TensorType.INT32)
    if real:  # CAST cuts off, so half a grey value is added
        scaled = _tensor(model, shape, kind, None)
        _with_constant(model, schema.BuiltinOperator.ADD, scaled, 0.5, cast_from, schema.AddOptionsT())
        _with_constant(model, schema.BuiltinOperator.MUL, outer, _WHITE, scaled, schema.MulOptionsT())
    return outer


def _with_constant(model: Any, code: int, source: int, value: float, target: int, options: Any) -> None:
    number = _constant(model, np.array([value], np.float32), schema.TensorType.FLOAT32, None)
    operator = _operator(model, code, 1, source, target, first=True)
    operator.inputs = [source, number]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
    operator.builtinOptions = options


def _constant(model: Any, values: NDArray[Any], kind: int, quantization: Any) -> int:
    data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(schema.BufferT(data=data))
    index = _tensor(model, list(values.shape), kind, quantization)
    model.subgraphs[0].tensors[index].buffer = len(model.buffers) - 1
    return index


def _tensor(model: Any, shape: list[int], kind: int, quantization: Any) -> int:
    tensors = model.subgraphs[0].tensors
    tensors.append(schema.TensorT(shape=shape, type=kind, name=f"rgb_{len(tensors)}", quantization=quantization))
    return len(tensors) - 1


def _operator(model: Any, code: int, version: int, source: int, target: int, first: bool) -> Any:
    model.operatorCodes.append(schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=version))
    operator = schema.OperatorT(opcodeIndex=len(model.operatorCodes) - 1, inputs=[source], outputs=[target])
    operators = model.subgraphs[0].operators
    operators.insert(0 if first else len(operators), operator)
    return operator
