"""Standard metadata of TensorFlow Lite, written into a flatbuffer.

Apps and tools that know nothing of AlzEdge read it: names, sizes, normalization, and which packed file holds the
labels. It is a flatbuffer of its own (identifier M001) in a buffer of the model that the model's list of metadata
calls TFLITE_METADATA. Tables and field numbers: `metadata_schema.fbs` of google-ai-edge/mediapipe, Apache-2.0.
"""

from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from alzedge import __version__
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.measures.demographics import DEMOGRAPHICS, Coding
from alzedge.model_file.read_tflite_metadata import METADATA_NAME
from alzedge.model_file.record import LABELS_ENTRY
from alzedge.stages import DISCLAIMER

# All that is used here has been in the schema since its first version.
_MIN_PARSER_VERSION = "1.0.0"
_GRAYSCALE, _RGB = np.uint8(2), np.uint8(1)
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = np.uint8(1), np.uint8(2)
_NORMALIZATION_OPTIONS = np.uint8(1)
_TENSOR_AXIS_LABELS = np.uint8(2)
_FLAT = 2  # dimensions of all that is no image
_RANGES = {
    schema.TensorType.FLOAT32: (0, 1),
    schema.TensorType.UINT8: (0, 255),
    schema.TensorType.INT8: (-128, 127),
    schema.TensorType.INT16: (0, 32767),
}

_MEASURES = {
    "brain_volume": "Normalized whole-brain volume (nWBV), a share of the intracranial volume.",
    "age": "Apparent age in years.",
}

# A table: its fields by number. Scalars are numpy's, so that their width is known.
_Table = dict[int, Any]


def add_metadata(flatbuffer: bytes, kind: str, preprocessing: Preprocessing, coding: Coding | None = None) -> bytes:
    """Put the standard metadata into a model, in place of any it has.

    Args:
        flatbuffer: one image, with or without demographics, to probabilities, with or without brain volume, age and a
            heat map.
        kind: the record's, for the model's name.
        preprocessing: the record's, for the sizes and the normalization.
        coding: the record's, for the ranges of demographics; None where they are no input.

    Returns:
        The new flatbuffer; equal input gives equal bytes.
    """
    model = flatbuffer_utils.read_model_from_bytearray(flatbuffer)
    graph = model.subgraphs[0]
    inputs = [
        _image(graph.tensors[index], preprocessing)
        if len(graph.tensors[index].shape) > _FLAT
        else _demographics(coding)
        for index in graph.inputs
    ]
    outputs = [_output(graph.tensors[index], _name_of(model, index)) for index in graph.outputs]
    content = _encode(_model(f"AlzEdge {kind}", inputs, outputs))
    _buffer(model).data = np.frombuffer(content, np.uint8)
    return pack(model)


def pack(model: Any) -> bytes:
    """Serialise a model object of `ai_edge_litert.tools.flatbuffer_utils` to a flatbuffer."""
    builder = _AlignedBuilder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _buffer(model: Any) -> Any:
    """Find the model's buffer of metadata, or add one."""
    name = METADATA_NAME.encode()
    model.metadata = model.metadata or []
    for entry in model.metadata:
        if entry.name == name:
            return model.buffers[entry.buffer]
    model.buffers.append(schema.BufferT())
    model.metadata.append(schema.MetadataT(name=name, buffer=len(model.buffers) - 1))
    return model.buffers[-1]


class _AlignedBuilder(flatbuffers.Builder):
    """Builder whose weights start at multiples of 16 bytes, as the schema of models asks and its generated Python code forgets."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:
        return int(super().StartVector(elemSize, numElems, 16 if elemSize == 1 else alignment))


def _model(name: str, inputs: list[_Table], outputs: list[_Table]) -> _Table:
    graph = {0: "student", 2: inputs, 3: outputs}
    description = f"Stage of dementia on an axial T1 brain-MRI slice. {DISCLAIMER}"
    return {
        0: name,
        1: description,
        2: __version__,
        3: [graph],
        4: "AlzEdge",
        5: "Apache-2.0",
        7: _MIN_PARSER_VERSION,
    }


def _image(tensor: Any, preprocessing: Preprocessing) -> _Table:
    _, rows, columns, channels = (int(size) for size in tensor.shape)
    shrink, white = preprocessing.shrink, preprocessing.to_dict()["divide_by"]
    description = f"Skull-stripped axial T1 slice, {columns * shrink} x {rows * shrink} pixels of 8-bit grey"
    if preprocessing.steps:
        description += f", after the steps {', '.join(preprocessing.steps)} of alzedge.imaging.steps"
    if shrink > 1:
        description += f", shrunk by the rounded mean of each {shrink} x {shrink} block"
    size = {0: np.uint32(columns), 1: np.uint32(rows)}
    image = {0: _GRAYSCALE if channels == 1 else _RGB, 1: size}
    normalization = {0: _floats(0), 1: _floats(white)}
    return {
        0: "image",
        1: f"{description}.",
        3: {0: _IMAGE_PROPERTIES, 1: image},
        4: [{0: _NORMALIZATION_OPTIONS, 1: normalization}],
        5: _stats(tensor),
    }


def _demographics(coding: Coding | None) -> _Table:
    coding = coding or Coding()
    low, high = coding.ranges()
    description = (
        f"Age and sex, all 0 where nothing is known: (years - {coding.mean:g}) / {coding.deviation:g} of "
        f"{coding.youngest:g} to {coding.oldest:g} years, 1 with a known age, 1 for a woman, 1 for a man."
    )
    stats = {0: high.astype("<f4"), 1: low.astype("<f4")}
    return {0: DEMOGRAPHICS, 1: description, 3: {0: _FEATURE_PROPERTIES, 1: {}}, 5: stats}


def _name_of(model: Any, index: int) -> str:
    """Name of an output in the model's signature; empty where it has none."""
    signatures = model.signatureDefs or []
    names = {entry.tensorIndex: entry.name for signature in signatures for entry in signature.outputs}
    name = names.get(index, b"")
    return str(name.decode() if isinstance(name, bytes) else name)


def _output(tensor: Any, name: str) -> _Table:
    table: _Table = {3: {0: _FEATURE_PROPERTIES, 1: {}}}
    if name in _MEASURES:
        return {0: name, 1: _MEASURES[name], **table}
    if len(tensor.shape) != _FLAT:
        return {0: "heat_map", 1: "Evidence for each stage by place, coarser than the image.", **table}
    labels = {0: LABELS_ENTRY, 1: "The stages, one a line, by severity.", 2: _TENSOR_AXIS_LABELS}
    return {0: "probability", 1: "Probabilities of the stages.", **table, 5: _stats(tensor), 6: [labels]}


def _stats(tensor: Any) -> _Table:
    low, high = _RANGES[tensor.type]
    return {0: _floats(high), 1: _floats(low)}


def _floats(value: float) -> Any:
    return np.array([value], "<f4")


def _encode(root: _Table) -> bytes:
    builder = flatbuffers.Builder()
    builder.Finish(_write(builder, root), b"M001")
    return bytes(builder.Output())


def _write(builder: flatbuffers.Builder, value: Any) -> int:
    """Write a string, an array, a list of such or a table, children first; returns where it is."""
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, np.ndarray):
        return int(builder.CreateNumpyVector(value))
    if isinstance(value, list):
        offsets = [_write(builder, item) for item in value]
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return int(builder.EndVector())
    written = {slot: item if isinstance(item, np.generic) else _write(builder, item) for slot, item in value.items()}
    builder.StartObject(max(value, default=-1) + 1)
    for slot, item in written.items():
        if isinstance(item, np.uint8):
            builder.PrependUint8Slot(slot, int(item), 0)
        elif isinstance(item, np.uint32):
            builder.PrependUint32Slot(slot, int(item), 0)
        else:
            builder.PrependUOffsetTRelativeSlot(slot, item, 0)
    return int(builder.EndObject())
