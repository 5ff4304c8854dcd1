"""Model files that explain themselves; see `alzedge.model_file.record` for what they say.

A `.tflite` file is a flatbuffer followed by a zip archive, the way TFLite's own metadata
packs associated files, so that interpreters read it as it is and `unzip` shows what is
inside: `labels.txt`, one class a line, and `alzedge.json`, the record. A `.keras` file is
a zip archive already and holds the same two entries; so do the properties of a `.onnx`
file, and the folder `assets.extra` of a SavedModel.
"""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

from alzedge.errors import UserError
from alzedge.model_file.onnx_properties import add_properties, split_properties
from alzedge.model_file.record import (
    LABELS_ENTRY,
    MAX_BYTES,
    RECORD_ENTRY,
    Record,
    make_record,
    read_whole,
    seal,
    unseal,
)
from alzedge.utils.archives import UNREADABLE_ZIP
from alzedge.utils.files import write_bytes

# Who reads or writes a model file needs its record: one import for both.
__all__ = [
    "Record",
    "make_record",
    "read_folder_record",
    "read_keras_record",
    "read_onnx",
    "read_record",
    "read_tflite",
    "seal_folder",
    "write_keras",
    "write_onnx",
    "write_tflite",
]

_TFLITE_MAGIC = b"TFL3"
_SAVED_MODEL = "saved_model.pb"
_EXTRA = "assets.extra"  # where the SavedModel format lets its users put files of theirs
_OURS = (LABELS_ENTRY, RECORD_ENTRY)
# A reproducible build has no clock; this is the oldest date a zip can hold.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_tflite(path: Path, flatbuffer: bytes, record: Record) -> None:
    """Write a flatbuffer and its record as one `.tflite` file; equal input gives equal bytes."""
    # Not compressed: MediaPipe answers "Expected uncompressed zip archive." to anything else.
    write_bytes(path, _zipped(flatbuffer, seal(flatbuffer, record), zipfile.ZIP_STORED))


def read_tflite(path: Path) -> tuple[bytes, Record]:
    """Read a `.tflite` file of ours and verify it, before any interpreter sees it.

    Returns:
        The flatbuffer and its record.

    Raises:
        UserError: missing, not TFLite, not ours, of a newer format, or changed since export.
    """
    data = read_whole(path)
    if data[4:8] != _TFLITE_MAGIC:
        raise UserError(f"{path} is not a TensorFlow Lite model; name a .tflite file made by `alzedge export`.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            end = min(info.header_offset for info in archive.infolist())
            return data[:end], unseal(path, data[:end], _unpacked(archive, _OURS))
    except UNREADABLE_ZIP as error:
        raise UserError(
            f"{path} carries no AlzEdge record, so its labels and preprocessing are unknown or it is cut off; "
            "name a .tflite file made by `alzedge export`."
        ) from error


def write_keras(path: Path, archive: bytes, record: Record) -> None:
    """Write the bytes of a `.keras` archive with a record added.

    Its date and memory addresses are taken out: equal models give equal bytes.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    metadata = json.loads(entries["metadata.json"])
    metadata.pop("date_saved", None)
    entries["metadata.json"] = json.dumps(metadata).encode()
    entries["config.json"] = _without_addresses(entries["config.json"])
    write_bytes(path, _zipped(b"", entries | seal(_keras_model(entries), record), zipfile.ZIP_DEFLATED))


def read_keras_record(path: Path, kind: str | None = None) -> Record:
    """Read and verify the record of a `.keras` file of ours; see `read_tflite`.

    Raises:
        UserError: also when the file is of another kind than `kind`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(read_whole(path))) as archive:
            entries = _unpacked(archive, archive.namelist())
            record = unseal(path, _keras_model(entries), entries)
    except UNREADABLE_ZIP as error:
        raise UserError(
            f"{path} is not a Keras model of ours; name a .keras file made by `alzedge train` or `alzedge distill`."
        ) from error
    if kind is not None and record["kind"] != kind:
        raise UserError(f"{path} is a {record['kind']}, not a {kind}; name the {kind}'s .keras file.")
    return record


def write_onnx(path: Path, model: bytes, record: Record) -> None:
    """Write an ONNX model with labels and record among its properties; equal input gives equal bytes."""
    write_bytes(path, add_properties(model, seal(model, record)))


def read_onnx(path: Path) -> tuple[bytes, Record]:
    """Read and verify a `.onnx` file of ours; see `read_tflite`.

    Returns:
        The model, without the properties `write_onnx` added, and its record.
    """
    data = read_whole(path)
    try:
        model, properties = split_properties(data, _OURS)
        return model, unseal(path, model, properties)
    except (KeyError, ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is not an ONNX model with an AlzEdge record, or it is cut off; "
            "name a .onnx file made by `alzedge export`."
        ) from error


def seal_folder(folder: Path, record: Record) -> None:
    """Put labels and record into a SavedModel's folder; the SHA-256 covers all its other files."""
    for name, data in seal(_folder_model(folder), record).items():
        write_bytes(folder / _EXTRA / name, data)


def read_folder_record(folder: Path) -> Record:
    """Read and verify the record of a SavedModel's folder; see `read_tflite`."""
    if not (folder / _SAVED_MODEL).is_file():
        raise UserError(f"{folder} is a folder and no SavedModel; name the model file in it.")
    try:
        entries = {name: (folder / _EXTRA / name).read_bytes() for name in _OURS}
        return unseal(folder, _folder_model(folder), entries)
    except (FileNotFoundError, ValueError, RecursionError) as error:
        raise UserError(f"{folder} carries no AlzEdge record; name a SavedModel made by `alzedge export`.") from error


def read_record(path: Path) -> Record:
    """Read and verify the record of a `.tflite`, `.onnx` or `.keras` file or a SavedModel; see `read_tflite`."""
    if path.is_dir():
        return read_folder_record(path)
    if path.suffix == ".keras":
        return read_keras_record(path)
    return (read_onnx if path.suffix == ".onnx" else read_tflite)(path)[1]


def _without_addresses(config: bytes) -> bytes:
    """Number Keras' `shared_object_id`s, which are memory addresses, in order of appearance."""
    numbers: dict[bytes, int] = {}

    def number(match: re.Match[bytes]) -> bytes:
        return match[1] + str(numbers.setdefault(match[2], len(numbers))).encode()

    return re.sub(rb'("shared_object_id": )(\d+)', number, config)


def _keras_model(entries: dict[str, bytes]) -> bytes:
    return entries["config.json"] + entries["model.weights.h5"]


def _folder_model(folder: Path) -> bytes:
    """Name and SHA-256 of each file but ours, in order of names."""
    ours = {f"{_EXTRA}/{name}" for name in _OURS}
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    hashes = {name: hashlib.sha256(read_whole(folder / name)).hexdigest() for name in names if name not in ours}
    return json.dumps(hashes).encode()


def _unpacked(archive: zipfile.ZipFile, names: tuple[str, ...] | list[str]) -> dict[str, bytes]:
    """Entries of a zip by name; ValueError where they would unpack to more than a model file may have."""
    if sum(archive.getinfo(name).file_size for name in names) > MAX_BYTES:
        raise ValueError("a zip bomb")
    return {name: archive.read(name) for name in names}


def _zipped(prefix: bytes, entries: dict[str, bytes], compression: int) -> bytes:
    buffer = io.BytesIO(prefix)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name, _NO_TIME)
            info.compress_type = compression
            info.create_system = 3  # the same bytes on every operating system
            archive.writestr(info, data)
    return buffer.getvalue()
