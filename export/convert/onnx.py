"""Keras models as ONNX, byte for byte the same every time."""

import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.export.convert.contents import Contents, contents_of
from alzedge.export.convert.probabilities import PROBABILITIES
from alzedge.inference.measures.demographics import DEMOGRAPHICS

_IMAGES = 4  # dimensions


def to_onnx(model: keras.Model) -> bytes:
    """Convert by way of Keras and tf2onnx, and check the result.

    tf2onnx names tensors and unknown extents after counters of the process; they are named anew,
    in the order of the graph.

    Args:
        model: images, or `[images, demographics]`, to outputs of the file; see `alzedge.export.convert.probabilities.with_probabilities`.

    Returns:
        Model of opset 15 from `images` float32 (batch, rows, columns, 1), preprocessed, and `demographics` float32
        (batch, 4) where there are any, to
        `probabilities` float32 (batch, 4) and the model's further outputs by name.

    Raises:
        UserError: the ONNX checker refuses it.
    """
    nothing = [np.zeros((1, *one.shape[1:]), np.float32) for one in model.inputs]
    model(nothing[0] if len(nothing) == 1 else nothing)  # Keras exports only what was called
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of NumPy, about tf2onnx
            model.export(path, format="onnx", verbose=False)
        converted = onnx.load(path)
    _rename(converted.graph, _names(model))
    del converted.opset_import[1:]  # of operators that are not ONNX's own, and none is used
    converted.graph.name, converted.graph.doc_string = model.name, ""
    try:
        onnx.checker.check_model(converted, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise UserError(
            f"The ONNX checker refuses the conversion ({str(error).splitlines()[0]}); export as .tflite."
        ) from error
    return bytes(converted.SerializeToString(deterministic=True))


def onnx_contents(model: bytes) -> Contents:
    """Read the contents of an ONNX model."""
    loaded = onnx.load_from_string(model)
    constants = [(constant.name, onnx.numpy_helper.to_array(constant)) for constant in loaded.graph.initializer]
    operators = {node.op_type: loaded.opset_import[0].version for node in loaded.graph.node}
    counts = dict(Counter(node.op_type for node in loaded.graph.node))
    tensors: list[tuple[str, str, NDArray[Any] | None]] = [(name, array.dtype.name, array) for name, array in constants]
    return contents_of(model, tensors, operators=operators, operator_counts=counts)


def _names(model: keras.Model) -> list[str]:
    """Names of the outputs in the order of the graph: Keras flattens a dictionary by name."""
    return sorted(model.output) if isinstance(model.output, dict) else [PROBABILITIES]


def _rename(graph: onnx.GraphProto, outputs: list[str]) -> None:
    names = {
        given.name: "images" if len(given.type.tensor_type.shape.dim) == _IMAGES else DEMOGRAPHICS
        for given in graph.input
    }
    names |= {output.name: name for output, name in zip(graph.output, outputs, strict=True)}
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
        for place, output in enumerate(node.output):
            names.setdefault(output, f"{node.name}_{place}")
        for place, used in enumerate(node.input):
            names.setdefault(used, f"{node.name}_input_{place}")
        node.input[:] = [names[used] if used else "" for used in node.input]
        node.output[:] = [names[output] for output in node.output]
    for constant in graph.initializer:
        constant.name = names[constant.name]
    in_order = sorted(graph.initializer, key=lambda constant: constant.name)
    del graph.initializer[:]
    graph.initializer.extend(in_order)
    del graph.value_info[:]  # shapes between the nodes, which any reader infers
    for value in (*graph.input, *graph.output):
        value.name = names[value.name]
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
