"""The standard metadata of TensorFlow Lite, read from a flatbuffer without its library.

`alzedge.export.convert.write_tflite_metadata` writes it and names its source. A flatbuffer (flatbuffers.dev/internals) is tables
that say where their fields are: a table begins with the distance back to a list of 16-bit offsets, one per field.
"""

import struct
from dataclasses import dataclass
from typing import Any

from alzedge.errors import UserError

METADATA_NAME = "TFLITE_METADATA"
_IMAGE_PROPERTIES, _NORMALIZATION_OPTIONS = 2, 1
_COLOUR_SPACES = {1: "RGB", 2: "GRAYSCALE"}


def standard_metadata(flatbuffer: bytes) -> dict[str, Any] | None:
    """What a model says about itself to apps that know nothing of AlzEdge.

    Args:
        flatbuffer: from `alzedge.model_file.read_write.read_tflite`.

    Returns:
        Name, description, version, author, license, min_parser_version, and of each of inputs and outputs what is
        known; None when the model carries no metadata.

    Raises:
        UserError: the metadata is damaged.
    """
    try:
        model = _root(flatbuffer)
        for entry in model.tables(6):
            if entry.text(0) == METADATA_NAME:
                return _described(_root(model.tables(4)[entry.number(1, "<I")].vector(0, 1)))
    except (struct.error, ValueError, IndexError) as error:
        raise UserError("The model's standard metadata is damaged; export it again.") from error
    return None


def _described(metadata: "_Table") -> dict[str, Any]:
    slots = {"name": 0, "description": 1, "version": 2, "author": 4, "license": 5, "min_parser_version": 7}
    graph = metadata.tables(3)[0]
    return {
        **{name: metadata.text(slot) for name, slot in slots.items()},
        "inputs": [_described_tensor(tensor) for tensor in graph.tables(2)],
        "outputs": [_described_tensor(tensor) for tensor in graph.tables(3)],
    }


def _described_tensor(tensor: "_Table") -> dict[str, Any]:
    found: dict[str, Any] = {"name": tensor.text(0), "description": tensor.text(1)}
    content, stats = tensor.table(3), tensor.table(5)
    if content.number(0, "<B") == _IMAGE_PROPERTIES:
        image = content.table(1)
        found["color_space"] = _COLOUR_SPACES.get(image.number(0, "<B"))
        found["width"], found["height"] = (image.table(1).number(slot, "<I") for slot in (0, 1))
    for unit in tensor.tables(4):
        if unit.number(0, "<B") == _NORMALIZATION_OPTIONS:
            found["mean"], found["std"] = (unit.table(1).floats(slot) for slot in (0, 1))
    found["min"], found["max"] = stats.floats(1), stats.floats(0)
    found["files"] = [file.text(0) for file in tensor.tables(6)]
    return {name: value for name, value in found.items() if value not in (None, [])}


@dataclass(frozen=True)
class _Table:
    """A table of a flatbuffer; at 0, an empty one. Reading outside of the data is struct.error or ValueError."""

    data: bytes
    at: int

    def _field(self, slot: int) -> int:
        """Where a field is; 0 when it has its default."""
        if not self.at:
            return 0
        offsets = self.at - _number(self.data, self.at, "<i")
        if 4 + 2 * slot >= _number(self.data, offsets, "<H"):
            return 0
        offset = _number(self.data, offsets + 4 + 2 * slot, "<H")
        return self.at + offset if offset else 0

    def number(self, slot: int, form: str) -> int:
        at = self._field(slot)
        return _number(self.data, at, form) if at else 0

    def _target(self, slot: int) -> int:
        at = self._field(slot)
        return at + _number(self.data, at, "<I") if at else 0

    def table(self, slot: int) -> "_Table":
        return _Table(self.data, self._target(slot))

    def vector(self, slot: int, width: int) -> bytes:
        at = self._target(slot)
        length = _number(self.data, at, "<I") * width if at else 0
        if at + 4 + length > len(self.data):
            raise ValueError("a vector is cut off")
        return self.data[at + 4 : at + 4 + length]

    def text(self, slot: int) -> str | None:
        return self.vector(slot, 1).decode() if self._field(slot) else None

    def floats(self, slot: int) -> list[float]:
        return [value for (value,) in struct.iter_unpack("<f", self.vector(slot, 4))]

    def tables(self, slot: int) -> list["_Table"]:
        first = self._target(slot) + 4
        offsets = struct.iter_unpack("<I", self.vector(slot, 4))
        return [_Table(self.data, first + 4 * place + offset) for place, (offset,) in enumerate(offsets)]


def _root(data: bytes) -> _Table:
    return _Table(data, _number(data, 0, "<I"))


def _number(data: bytes, at: int, form: str) -> int:
    if at < 0:
        raise ValueError("an offset points before the data")
    return int(struct.unpack_from(form, data, at)[0])
