"""A Hugging Face Space as a folder: this room's files, the package they import, and a model."""

import shutil
from importlib import resources
from pathlib import Path

from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier
from alzedge.utils.files import check_own_folder, mark_own_folder, write_bytes

MODEL = "model.tflite"
_TOP = ("README.md", "requirements.txt", "app.py")
# What the page imports, and what its package reads; commands that train bring their own rooms.
_SUFFIXES = (".py", ".html", ".js", ".css", ".png", ".txt", ".csv", ".tflite", ".toml", ".typed", ".gz", ".md")
_LEFT_OUT = ("__pycache__", "teacher", "student", "export", "demo")


def build_space(out: Path, model: Path | None) -> Path:
    """Write the folder that is uploaded to a Space as it stands.

    The package comes along as source, since no package index holds it: `requirements.txt` names
    other people's packages only.

    Args:
        out: the folder; an earlier Space in it is replaced.
        model: a `.tflite` file made by alzedge; None for the bundled student.

    Returns:
        The folder.

    Raises:
        UserError: a model that is not ours or cannot run, or a folder that holds something else.
    """
    check_own_folder(out, "space")
    if model is not None:
        if model.suffix != ".tflite":
            raise UserError(f"{model}: a Space runs a .tflite file; export one with `alzedge export`.")
        Classifier.load(model)
    out.mkdir(parents=True, exist_ok=True)
    mark_own_folder(out, "space")
    shutil.rmtree(out / "alzedge", ignore_errors=True)
    (out / MODEL).unlink(missing_ok=True)
    room = Path(str(resources.files("alzedge.demo")))
    for name in _TOP:
        write_bytes(out / name, (room / name).read_bytes())
    _copy(Path(str(resources.files("alzedge"))), out / "alzedge")
    _copy(room, out / "alzedge" / "demo")
    if model is not None:
        write_bytes(out / MODEL, model.read_bytes())
    return out


def _copy(source: Path, target: Path) -> None:
    """Copy a room with its sub-rooms; a checkout's build leftovers, and rooms that an installation maps in, stay behind."""
    for path in sorted(source.iterdir()):
        if path.is_dir() and path.name not in _LEFT_OUT:
            _copy(path, target / path.name)
        elif path.is_file() and path.suffix in _SUFFIXES:
            write_bytes(target / path.name, path.read_bytes())
