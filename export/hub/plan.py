"""Plan of an upload to the Hugging Face Hub: the files of a folder that go there, and those that never do.

Nothing is uploaded because it lies there: models are read and verified, pictures and tables must be those that the run
wrote, by their SHA-256, and a folder that holds what may be somebody's data is refused whole.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from alzedge.errors import UserError
from alzedge.export.benchmark.results import read_benchmark
from alzedge.export.hub.card import PICTURES, find_benchmark, model_card
from alzedge.imaging.picture_files import SUFFIXES
from alzedge.inference.hub import HUB_FILE
from alzedge.model_file.read_write import read_record
from alzedge.model_file.record import MAX_BYTES
from alzedge.runs.run_folder import file_sha256

CARD = "README.md"
_MODELS = (".tflite", ".onnx", ".keras")
_TEXTS = (CARD, "metrics.json", "benchmark.json", "benchmark.md", "recipe.toml")
# Uploaded only as the run wrote them: under these names could lie anything.
_PROVED = (*PICTURES, "loss.png", "benchmark.csv")
_REASONS = {
    "examples.png": "shows slices of the data",
    "run.json": "the run's own book of what is done",
}
# Endings of files with data of people; a run's own files with these endings are known by name.
_DATA = (
    *(*SUFFIXES, ".gif"),
    *(".nii", ".gz", ".mgz", ".mgh", ".hdr", ".img", ".dcm", ".dicom", ".ima"),
    *(".csv", ".tsv", ".xlsx", ".npy", ".npz", ".h5", ".hdf5", ".parquet", ".arrow", ".pkl", ".zip", ".tar", ".7z"),
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One file to upload: its path in the repository and its content, as it was verified."""

    path: str
    data: bytes


@dataclass(frozen=True)
class Plan:
    """Everything one commit will hold.

    Attributes:
        kind: 'model' or 'space'.
        items: by path.
        left_out: files beside them, and the reason why each stays here.
        sdk: of a Space.
    """

    kind: str
    items: tuple[Item, ...]
    left_out: dict[str, str]
    sdk: str | None = None

    def text(self) -> str:
        """The plan as lines: paths and bytes, then what is left out."""
        width = max(len(item.path) for item in self.items)
        lines = [f"  {item.path:<{width}}  {len(item.data):>9,} bytes" for item in self.items]
        if self.left_out:
            lines += ["left out:", *(f"  {name}: {why}" for name, why in self.left_out.items())]
        return "\n".join(lines)


def plan_model(source: Path) -> Plan:
    """Plan the upload of a model file, or of the folder of a run or benchmark, to a model repository.

    Args:
        source: `student_int8.tflite`, whose card is written and whose `benchmark.json` is taken along; or a folder that
            holds it: all model files in it, figures, plots and card (written where there is none).

    Raises:
        UserError: no such file, a model file that is not ours or was changed, or data in the folder.
    """
    if not source.is_dir():
        return _plan_file(source)
    model = source / HUB_FILE
    if not model.is_file():
        raise UserError(f"{source} has no {HUB_FILE}, which a repository of AlzEdge starts with; name a run's folder.")
    written = _written(source)
    refuse_data(source, written)
    items, left_out = [], {}
    for path in sorted(source.iterdir()):
        if path.name.startswith("."):
            continue
        reason = _reason_to_stay(path, written)
        if reason:
            left_out[path.name] = reason
        else:
            items.append(Item(path.name, read_item(path)))
    if CARD not in {item.path for item in items}:
        items.insert(
            0,
            Item(CARD, _card(model, [name for name in PICTURES if name not in left_out and (source / name).exists()])),
        )
    if HUB_FILE not in {item.path for item in items}:
        raise UserError(
            f"{model} would be left out ({left_out[HUB_FILE]}), and a repository needs it; put the file there."
        )
    return Plan("model", tuple(items), left_out)


def _plan_file(model: Path) -> Plan:
    read_record(model)
    if model.name != HUB_FILE:
        raise UserError(
            f"{model}: a repository's model is called {HUB_FILE}; push a copy of that name, or the run's folder."
        )
    benchmark = find_benchmark(model)
    items = [Item(CARD, _card(model, [])), *([Item(benchmark.name, read_item(benchmark))] if benchmark else [])]
    return Plan("model", (*items, Item(model.name, read_item(model))), {})


def _card(model: Path, pictures: list[str]) -> bytes:
    benchmark = find_benchmark(model)
    return model_card(model, read_benchmark(benchmark) if benchmark else None, pictures).encode()


def _reason_to_stay(path: Path, written: dict[str, str]) -> str | None:
    """Reason for a file of a run's folder to stay here, or None."""
    if path.is_symlink() and (path.suffix not in _MODELS or not path.is_file()):
        return "a link"  # but a model is verified, wherever it lies: an editable install links the bundled ones
    if path.is_dir():
        return f"a folder ({sum(file.is_file() for file in path.rglob('*'))} files)"
    if path.name in _REASONS:
        return _REASONS[path.name]
    if path.name in _PROVED:
        return None if written.get(path.name) == file_sha256(path) else "not as the run wrote it"
    if path.name in _TEXTS:
        return None
    if path.suffix in _MODELS:
        read_record(path)
        return None
    return "none of the files that AlzEdge publishes"


def _written(folder: Path) -> dict[str, str]:
    """SHA-256 by relative path of the files that the run in a folder wrote; empty where no run did."""
    try:
        phases = json.loads((folder / "run.json").read_text())["phases"]
        return {str(name): str(sha) for phase in phases.values() for name, sha in phase["outputs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def refuse_data(folder: Path, known: Collection[str]) -> None:
    """Refuse a folder that holds what may be somebody's data.

    Args:
        folder: to be published in part.
        known: paths in it that are ours, whatever their ending.

    Raises:
        UserError: names the first such file.
    """
    for path in _files(folder):
        relative = path.relative_to(folder).as_posix()
        if path.suffix.lower() in _DATA and relative not in known:
            raise UserError(
                f"{path} may be an image or data of people, so nothing of {folder} was uploaded; move it elsewhere and "
                "repeat the command."
            )


def _files(folder: Path) -> Iterator[Path]:
    """Files of a folder and its sub-folders, by name; links are not followed."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file() and ".cache" not in path.parts)


def read_item(path: Path) -> bytes:
    """A file's content.

    Raises:
        UserError: larger than a model of ours may be.
    """
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path} is larger than {MAX_BYTES // 2**20} MiB; move it elsewhere and repeat the command.")
    return path.read_bytes()
