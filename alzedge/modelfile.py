"""Model files that explain themselves.

A `.tflite` file is a flatbuffer followed by a zip archive, the way TFLite's own metadata
packs associated files, so that interpreters read it as it is and `unzip` shows what is
inside: `labels.txt`, one class a line, and `alzedge.json`, the record. A `.keras` file is
a zip archive already and holds the same two entries.

The record says what a user or an auditor must know: format version, package version,
kind, labels, preprocessing, recipe, data set, split, calibration, metrics, licence,
disclaimer, and the SHA-256 of the model and the record together.
"""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from alzedge import __version__
from alzedge.errors import UserError
from alzedge.files import write_bytes
from alzedge.filetree import UNREADABLE_ZIP
from alzedge.preprocessing import Preprocessing
from alzedge.stages import DISCLAIMER, STAGES

Record = dict[str, Any]

FORMAT = 1
RECORD_ENTRY = "alzedge.json"
LABELS_ENTRY = "labels.txt"
_TFLITE_MAGIC = b"TFL3"
# A reproducible build has no clock; this is the oldest date a zip can hold.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def make_record(kind: str, preprocessing: Preprocessing, **entries: Any) -> Record:
    """The entries every record has, and those given."""
    return {
        "format": FORMAT,
        "alzedge": __version__,
        "kind": kind,
        "labels": list(STAGES),
        "preprocessing": preprocessing.to_dict(),
        "licence": "Apache-2.0",
        "disclaimer": DISCLAIMER,
        **entries,
    }


def write_tflite(path: Path, flatbuffer: bytes, record: Record) -> None:
    """Write a flatbuffer and its record as one `.tflite` file; equal input gives equal bytes."""
    write_bytes(path, _zipped(flatbuffer, _entries(flatbuffer, record)))


def read_tflite(path: Path) -> tuple[bytes, Record]:
    """Read a `.tflite` file of ours and verify it, before any interpreter sees it.

    Returns:
        The flatbuffer and its record.

    Raises:
        UserError: missing, not TFLite, not ours, of a newer format, or changed since export.
    """
    data = _read(path)
    if data[4:8] != _TFLITE_MAGIC:
        raise UserError(f"{path} is not a TensorFlow Lite model; name a .tflite file made by `alzedge export`.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            record = json.loads(archive.read(RECORD_ENTRY))
            end = min(info.header_offset for info in archive.infolist())
    except UNREADABLE_ZIP as error:
        raise UserError(
            f"{path} carries no AlzEdge record, so its labels and preprocessing are unknown or it is cut off; "
            "name a .tflite file made by `alzedge export`."
        ) from error
    _check(path, data[:end], record)
    return data[:end], record


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
    write_bytes(path, _zipped(b"", entries | _entries(_keras_model(entries), record)))


def read_keras_record(path: Path, kind: str | None = None) -> Record:
    """Read and verify the record of a `.keras` file of ours; see `read_tflite`.

    Raises:
        UserError: also when the file is of another kind than `kind`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(_read(path))) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
            record: Record = json.loads(entries[RECORD_ENTRY])
            model = _keras_model(entries)
    except UNREADABLE_ZIP as error:
        raise UserError(
            f"{path} is not a Keras model of ours; name a .keras file made by `alzedge train` or `alzedge distill`."
        ) from error
    _check(path, model, record)
    if kind is not None and record["kind"] != kind:
        raise UserError(f"{path} is a {record['kind']}, not a {kind}; name the {kind}'s .keras file.")
    return record


def read_record(path: Path) -> Record:
    """Read and verify the record of a `.tflite` or `.keras` file; see `read_tflite`."""
    if path.suffix == ".keras":
        return read_keras_record(path)
    return read_tflite(path)[1]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such model file; check the path.") from error
    except IsADirectoryError as error:
        raise UserError(f"{path} is a folder; name the model file in it.") from error


def _without_addresses(config: bytes) -> bytes:
    """Number Keras' `shared_object_id`s, which are memory addresses, in order of appearance."""
    numbers: dict[bytes, int] = {}

    def number(match: re.Match[bytes]) -> bytes:
        return match[1] + str(numbers.setdefault(match[2], len(numbers))).encode()

    return re.sub(rb'("shared_object_id": )(\d+)', number, config)


def _keras_model(entries: dict[str, bytes]) -> bytes:
    return entries["config.json"] + entries["model.weights.h5"]


def _entries(model: bytes, record: Record) -> dict[str, bytes]:
    sealed = record | {"sha256": _digest(model, record)}
    return {
        LABELS_ENTRY: ("\n".join(record["labels"]) + "\n").encode(),
        RECORD_ENTRY: (json.dumps(sealed, indent=1, allow_nan=False) + "\n").encode(),
    }


def _digest(model: bytes, record: Record) -> str:
    unsealed = {key: value for key, value in record.items() if key != "sha256"}
    canonical = json.dumps(unsealed, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(model + canonical).hexdigest()


def _zipped(prefix: bytes, entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO(prefix)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name, _NO_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # the same bytes on every operating system
            archive.writestr(info, data)
    return buffer.getvalue()


def _check(path: Path, model: bytes, record: Any) -> None:
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise UserError(f"{path} is of a format that AlzEdge {__version__} does not read; update alzedge.")
    if record.get("sha256") != _digest(model, record):
        raise UserError(f"{path} was changed or damaged after export (its SHA-256 differs); copy it again.")
    if record["labels"] != list(STAGES):
        raise UserError(f"{path} answers {record['labels']}, not the four stages; name another model file.")
