"""The properties of an ONNX model, read and written without the `onnx` package.

An ONNX file is one protobuf message, ModelProto (onnx.proto3: field 14, `metadata_props`, is a list of
StringStringEntryProto, key 1 and value 2). Messages are lists of tagged fields, and fields of a list may stand
anywhere and be appended to a finished message (protobuf.dev/programming-guides/encoding). Ours are the last ones, so
that the model before them stays byte for byte what its maker wrote.
"""

from collections.abc import Collection, Iterator

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_METADATA_PROPS = 14
_KEY, _VALUE = 1, 2


def add_properties(model: bytes, properties: dict[str, bytes]) -> bytes:
    """Append properties, whose values are UTF-8, to an ONNX model."""
    for key, value in properties.items():
        entry = _field(_KEY, key.encode()) + _field(_VALUE, value)
        model += _field(_METADATA_PROPS, entry)
    return model


def split_properties(data: bytes, keys: Collection[str]) -> tuple[bytes, dict[str, bytes]]:
    """Undo `add_properties`.

    Args:
        data: an ONNX file.
        keys: names of the properties that were added.

    Returns:
        The model without these properties, and the properties.

    Raises:
        ValueError: not a protobuf message, or the properties are not its last fields, each of them once.
    """
    properties: dict[str, bytes] = {}
    end = len(data)
    for start, number, content in _fields(data):
        found = {n: c for _, n, c in _fields(content)} if number == _METADATA_PROPS else {}
        key = found.get(_KEY, b"").decode()
        if key in keys and key not in properties:
            end = min(end, start)
            properties[key] = found.get(_VALUE, b"")
        elif properties:
            raise ValueError("something follows the properties")
    return data[:end], properties


def _fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Start, number and, where it has a length, content of each field of a message."""
    at = 0
    while at < len(data):
        start = at
        tag, at = _varint(data, at)
        kind, content = tag & 7, b""
        if kind == _VARINT:
            _, at = _varint(data, at)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            at += 8 if kind == _EIGHT_BYTES else 4
        elif kind == _LENGTH:
            length, begin = _varint(data, at)
            at = begin + length
            content = data[begin:at]
        else:
            raise ValueError(f"wire type {kind} at byte {start}")
        if at > len(data):
            raise ValueError(f"the field at byte {start} is cut off")
        yield start, tag >> 3, content


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of up to 64 bits, 7 in a byte, the lowest first; and the place behind it."""
    value = 0
    for place in range(10):
        if at + place >= len(data):
            raise ValueError("a number is cut off")
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number is too long")


def _field(number: int, content: bytes) -> bytes:
    return _encoded(number << 3 | _LENGTH) + _encoded(len(content)) + content


def _encoded(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
