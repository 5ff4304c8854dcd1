"""The record: what a model file says about itself, sealed to the model with a SHA-256.

It says what a user or an auditor must know: format version, package version, kind, labels,
preprocessing, recipe, data set, split, calibration, metrics, licence, disclaimer, and the
SHA-256 of the model and the record together.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alzedge import __version__
from alzedge.errors import UserError
from alzedge.model_file.kind import ModelKind
from alzedge.model_file.record_schema import problem_of
from alzedge.stages import DISCLAIMER, STAGES
from alzedge.utils.files import LFS_POINTER
from alzedge.utils.parsing import printable

if TYPE_CHECKING:  # it imports NumPy, and a file that is refused is refused without
    from alzedge.imaging.preprocessing import Preprocessing

Record = dict[str, Any]

FORMAT = 1
RECORD_ENTRY = "alzedge.json"
LABELS_ENTRY = "labels.txt"
MAX_BYTES = 512 * 2**20


def make_record(kind: ModelKind, preprocessing: "Preprocessing", **entries: Any) -> Record:
    """The entries every record has, and those given."""
    return {
        "format": FORMAT,
        "alzedge": __version__,
        "kind": str(kind),
        "labels": list(STAGES),
        "preprocessing": preprocessing.to_dict(),
        "licence": "Apache-2.0",
        "disclaimer": DISCLAIMER,
        **entries,
    }


def kind_of(record: Record) -> ModelKind:
    """Kind of the file that a record is of.

    Raises:
        UserError: unknown to this version.
    """
    return ModelKind.parse(record["kind"])


def seal(model: bytes, record: Record) -> dict[str, bytes]:
    """The two entries, by name, that make a model a file of ours: labels and the record with its SHA-256."""
    sealed = record | {"sha256": _digest(model, record)}
    return {
        LABELS_ENTRY: _lines(record["labels"]),
        RECORD_ENTRY: (json.dumps(sealed, indent=1, allow_nan=False) + "\n").encode(),
    }


def unseal(path: Path, model: bytes, entries: dict[str, bytes]) -> Record:
    """Verify the two entries beside a model; returns the record.

    Raises:
        UserError: of a newer format, changed since export, not about the four stages, or not in the form of a record.
        KeyError, ValueError, RecursionError: an entry is missing or is not JSON.
    """
    record = json.loads(entries[RECORD_ENTRY])
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise UserError(f"{path} is of a format that AlzEdge {__version__} does not read; update alzedge.")
    if record.get("sha256") != _digest(model, record):
        raise UserError(f"{path} was changed or damaged after export (its SHA-256 differs); copy it again.")
    if record.get("labels") != list(STAGES) or entries[LABELS_ENTRY] != _lines(STAGES):
        raise UserError(f"{path} answers {record.get('labels')}, not the four stages; name another model file.")
    problem = problem_of(record)
    if problem is not None:
        raise UserError(f"{path}: its record is not as AlzEdge writes it ({printable(problem)}); export it again.")
    if not isinstance(record.get("preprocessing"), dict) or not isinstance(record.get("kind"), str):
        raise UserError(f"{path} does not say how to prepare its images; export it again.")
    return record


def check_model_file(path: Path) -> None:
    """Refuse what cannot be a model file, before anything is read.

    Raises:
        UserError: no such file, a folder, or larger than `MAX_BYTES`.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder; name the model file in it.")
    if not path.exists():
        raise UserError(f"{path}: no such model file; check the path.")
    if not path.is_file():
        raise UserError(f"{path} is not an ordinary file; name a model file.")
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path} is larger than {MAX_BYTES // 2**20} MiB, as no model of ours is; name another file.")


def read_whole(path: Path) -> bytes:
    """Read a model file; see `check_model_file` for what is refused."""
    check_model_file(path)
    data = path.read_bytes()
    if data.startswith(LFS_POINTER):
        raise UserError(f"{path} is a pointer of Git LFS, not the model itself; run `git lfs pull`.")
    return data


def _lines(labels: Any) -> bytes:
    return ("\n".join(labels) + "\n").encode()


def _digest(model: bytes, record: Record) -> str:
    unsealed = {key: value for key, value in record.items() if key != "sha256"}
    canonical = json.dumps(unsealed, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(model + canonical).hexdigest()
