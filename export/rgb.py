"""The same network behind a whole colour image, for apps that know no other.

MediaPipe Tasks and the Task Library give an image classifier three channels of uint8 or float32 and nothing else
(`image_tensor_specs.cc` of google-ai-edge/mediapipe), and MediaPipe halves an image on the CPU by leaving out every
other pixel. So the shrinking moves into the model as an average pool, the first convolution gets zero weights for red
and blue, and whole-number models get a QUANTIZE at either end. On grey images, whose channels are equal, the numbers
behind are those of the model without colour: bit for bit in whole numbers, while in floating point the block means
are not rounded.
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from alzedge.errors import UserError
from alzedge.export.tflite_metadata import pack

_CHANNELS, _GREEN, _WHITE = 3, 1, 255


def to_rgb(flatbuffer: bytes, shrink: int) -> bytes:
    """Give a model of a shrunken grey image a whole one of red, green and blue.

    Args:
        flatbuffer: image (1, rows, columns, 1), float32 or int8, into a convolution; see `alzedge.export.convert`.
        shrink: of the model's `alzedge.preprocessing.Preprocessing`; the new model's is 1.

    Returns:
        The flatbuffer of image (1, rows * shrink, columns * shrink, 3), float32 or uint8, to outputs float32 or
        uint8. Its metadata must be added anew; see `alzedge.export.tflite_metadata.add_metadata`.

    Raises:
        UserError: something else than a convolution comes first.
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
    graph.outputs = [
        _to_unsigned(model, index) if graph.tensors[index].type == schema.TensorType.INT8 else index
        for index in graph.outputs
    ]
    model.signatureDefs = None  # it names the tensors of before
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
