"""Cost of a model on any machine: multiply-adds of one answer, and its parameters.

Counted are convolutions and dense layers, as tables of published networks do; biases, batch
norm (folded into the convolutions on export), activations and pooling are left out.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alzedge.errors import UserError
from alzedge.model_file.read_write import read_tflite


@dataclass(frozen=True)
class Cost:
    """Multiply-adds of one answer and the number of weights and biases."""

    multiply_adds: int
    parameters: int


def count_cost(path: Path) -> Cost:
    """Count a `.tflite`, `.keras` or `.onnx` file of ours.

    Raises:
        UserError: a file of another type.
    """
    if path.suffix.lower() == ".tflite":
        return tflite_cost(read_tflite(path)[0])
    if path.suffix.lower() == ".keras":
        from alzedge.teacher.keras_file import load_model

        return keras_cost(load_model(path)[0])
    if path.suffix.lower() == ".onnx":
        return onnx_cost(path.read_bytes())
    raise UserError(f"{path}: expected a .keras, .tflite or .onnx file.")


def tflite_cost(flatbuffer: bytes) -> Cost:
    """Count a flatbuffer: parameters are the weights and biases of its convolutions and dense layers."""
    from ai_edge_litert import schema_py_generated as schema

    weighted = {
        schema.BuiltinOperator.CONV_2D: _conv,
        schema.BuiltinOperator.DEPTHWISE_CONV_2D: _depthwise,
        schema.BuiltinOperator.FULLY_CONNECTED: _dense,
    }
    model = schema.Model.GetRootAs(flatbuffer, 0)
    graph = model.Subgraphs(0)
    total = 0
    shapes: dict[int, list[int]] = {}
    for operator in map(graph.Operators, range(graph.OperatorsLength())):
        code = model.OperatorCodes(operator.OpcodeIndex())
        # Codes above 127 came later; old files know the other field only.
        count = weighted.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
        if count is None:
            continue
        inputs = [i for i in operator.InputsAsNumpy().tolist() if i >= 0]  # -1: no bias
        shapes |= {i: _shape(graph, i) for i in inputs[1:]}
        total += count(shapes[inputs[1]], math.prod(_shape(graph, operator.Outputs(0))))
    return Cost(total, sum(math.prod(shape) for shape in shapes.values()))


def _shape(graph: Any, tensor: int) -> list[int]:
    described = graph.Tensors(tensor)
    return [described.Shape(i) for i in range(described.ShapeLength())]


def _conv(kernel: list[int], outputs: int) -> int:
    return outputs * math.prod(kernel[1:])  # (out, rows, columns, in)


def _depthwise(kernel: list[int], outputs: int) -> int:
    return outputs * kernel[1] * kernel[2]  # (1, rows, columns, out)


def _dense(kernel: list[int], outputs: int) -> int:
    return outputs * kernel[-1]  # (out, in)


def keras_cost(model: Any) -> Cost:
    """Count a Keras model: parameters are all its weights, those of batch norm included."""
    return Cost(sum(map(_layer_multiply_adds, _layers(model.layers))), int(model.count_params()))


def _layers(layers: Iterable[Any]) -> Iterator[Any]:
    """Flatten layers: the layers of a model among them in its place."""
    for layer in layers:
        yield from _layers(layer.layers) if hasattr(layer, "layers") else [layer]


def _layer_multiply_adds(layer: Any) -> int:
    from keras import layers

    if isinstance(layer, layers.DepthwiseConv2D | layers.Conv2D):
        outputs = math.prod(layer.output.shape[1:])
        weights: tuple[int, ...] = layer.kernel.shape  # (rows, columns, in, out), depthwise: in is not summed over
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        return int(outputs * math.prod(weights[:2] if depthwise else weights[:3]))
    if isinstance(layer, layers.Dense):
        return int(math.prod(layer.output.shape[1:]) * layer.kernel.shape[0])
    return 0


def onnx_cost(model: bytes) -> Cost:
    """Count an ONNX model: parameters are the weights and biases of its convolutions and dense layers.

    Biases that are added by a node of their own are not counted.
    """
    import onnx

    loaded = onnx.shape_inference.infer_shapes(onnx.load_from_string(model))
    weights = {tensor.name: tuple(tensor.dims) for tensor in loaded.graph.initializer}
    shapes = {
        value.name: [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
        for value in [*loaded.graph.value_info, *loaded.graph.output]
    }
    total = 0
    used: dict[str, tuple[int, ...]] = {}
    for node in loaded.graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul") or node.input[1] not in weights:
            continue
        used |= {name: weights[name] for name in node.input[1:] if name in weights}
        outputs = math.prod(shapes[node.output[0]])
        kernel = weights[node.input[1]]
        # Conv (out, in / groups, rows, columns); Gemm and MatMul: in is the side that is not the output's.
        inner = math.prod(kernel[1:]) if node.op_type == "Conv" else math.prod(kernel) // shapes[node.output[0]][-1]
        total += outputs * inner
    return Cost(total, sum(math.prod(shape) for shape in used.values()))
