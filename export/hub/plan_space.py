"""What of a folder made by `alzedge space build` goes to a Hugging Face Space."""

import re
from importlib import resources
from pathlib import Path

from alzedge.errors import UserError
from alzedge.export.hub.plan import CARD, Item, Plan, read_item, refuse_data
from alzedge.model_file.read_write import read_record

_APP = "app.py"
_SDK = re.compile(r"---\n(?:(?!---).*\n)*?sdk: (\w+)\n")
_SOURCES = (".py", ".pyi", ".md", ".txt", ".toml", ".json", ".html", ".css", ".js", ".svg", ".typed")


def plan_space(folder: Path) -> Plan:
    """What of a folder a Space gets: sources and our models; paths stay as they are.

    Raises:
        UserError: no Space, a model file that is not ours, or data in the folder.
    """
    sdk = _sdk(folder)
    refuse_data(folder, _package_data(folder))
    items, left_out = [], {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_dir() or any(part.startswith(".") or part == "__pycache__" for part in relative.parts):
            continue
        why = _why_not(path, folder)
        if why:
            left_out[relative.as_posix()] = why
        else:
            items.append(Item(relative.as_posix(), read_item(path)))
    return Plan("space", tuple(items), left_out, sdk)


def _sdk(folder: Path) -> str:
    """The Space's kind, from its front matter."""
    card = folder / CARD
    text = card.read_text(errors="replace") if card.is_file() and (folder / _APP).is_file() else ""
    found = _SDK.match(text)
    if found is None:
        raise UserError(f"{folder} is no Space; make one with `alzedge space build {folder}` and name that folder.")
    return found[1]


def _why_not(path: Path, folder: Path) -> str | None:
    """Why a file of a Space's folder stays here, or None."""
    if path.is_symlink():
        return "a link"
    if path.suffix == ".tflite":
        read_record(path)
        return None
    if path.suffix in _SOURCES or path.relative_to(folder).as_posix() in _package_data(folder):
        return None
    return "none of the files that a Space of AlzEdge has"


def _package_data(folder: Path) -> set[str]:
    """Tables in the folder that are those of this very package."""
    package = Path(str(resources.files("alzedge")))
    ours = {path.name: path.read_bytes() for path in package.rglob("*.csv")}
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.csv")
        if path.name in ours and path.is_file() and path.read_bytes() == ours[path.name]
    }
