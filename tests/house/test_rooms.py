"""The rules of the house that code can check: which room may import which, sizes, heavy packages, docstrings."""

import ast
import importlib
import re
import tomllib
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from helpers.commands import run_code

import alzedge

# From the ground up: a module imports from its own room and from rooms above it in this list.
ROOMS = [
    "alzedge.utils",
    "alzedge.imaging.filters",
    "alzedge.imaging",
    "alzedge.preparation",
    "alzedge.deidentify.rules",
    "alzedge.deidentify",
    "alzedge.model_file",
    "alzedge.model_file.registry",
    "alzedge.inference.measures",
    "alzedge.inference",
    "alzedge.data.people.by_pixels",
    "alzedge.data.people",
    "alzedge.data",
    "alzedge.data.summaries",
    "alzedge.metrics",
    "alzedge.metrics.people",
    "alzedge.monitoring.audit",
    "alzedge.monitoring",
    "alzedge.monitoring.pages",
    "alzedge.reporting",
    "alzedge.runs",
    "alzedge.commands",
    "alzedge.monitoring.commands",
    "alzedge.teacher.networks",
    "alzedge.teacher.training",
    "alzedge.teacher.simclrv2",
    "alzedge.teacher",
    "alzedge.teacher.commands",
    "alzedge.student",
    "alzedge.student.commands",
    "alzedge.export.report",
    "alzedge.export.calibration",
    "alzedge.export.evaluate",
    "alzedge.export.convert",
    "alzedge.export.guard",
    "alzedge.export.verify",
    "alzedge.export.benchmark",
    "alzedge.export.evaluate.gate",
    "alzedge.export.hub",
    "alzedge.export",
    "alzedge.export.experiments",
    "alzedge.export.experiments.lifecycle",
    "alzedge.export.commands",
    "alzedge.demo.answering",
    "alzedge.demo.html",
    "alzedge.demo.page",
    "alzedge.demo.rest",
    "alzedge.demo.serving",
    "alzedge.demo",
    "alzedge.demo.commands",
]
# Modules of the top room that everybody may import.
GROUND = {"alzedge", "alzedge.errors", "alzedge.stages"}
FOLDERS = ("alzedge", "teacher", "student", "export", "demo")
HEAVY = {"tensorflow", "keras", "tf_keras", "gradio", "fastapi", "uvicorn", "onnx", "tensorflow_model_optimization"}


def modules() -> dict[str, Path]:
    """Each module's dotted name and file, in a checkout or in an installed wheel."""
    found = {}
    for folder in FOLDERS:
        package = "alzedge" if folder == "alzedge" else f"alzedge.{folder}"
        top = Path(importlib.import_module(package).__path__[0])
        for path in top.rglob("*.py"):
            parts = path.relative_to(top).with_suffix("").parts
            if folder == "alzedge" and parts[0] in FOLDERS[1:]:
                continue  # a wheel holds these rooms inside alzedge/
            found[".".join([package, *parts]).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def room_of(module: str) -> str:
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


@cache
def imports(path: Path) -> frozenset[str]:
    """Everything a file imports, inside functions too, but not what is for type checkers alone."""
    tree = ast.parse(path.read_text("utf-8"))
    typing = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in typing:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def own_imports(module: str) -> set[str]:
    """The modules of ours that a module imports, each by its longest name."""
    named = {name for name in imports(MODULES[module]) if name in MODULES}
    return {name for name in named if not any(other.startswith(f"{name}.") for other in named)} - {module}


def test_all_modules_are_seen() -> None:
    assert len(MODULES) > 150 and {room_of(m) for m in MODULES} - {"alzedge"} == set(ROOMS)


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m) != "alzedge"])
def test_arrows_point_down(module: str) -> None:
    height = ROOMS.index(room_of(module))
    for name in own_imports(module) - GROUND:
        assert room_of(name) != "alzedge", f"{module} imports {name}"
        assert ROOMS.index(room_of(name)) <= height, f"{module} imports {name}, from a room above"


def test_modules_import_one_another_in_no_circle() -> None:
    TopologicalSorter({module: own_imports(module) for module in MODULES if module != "alzedge"}).prepare()


def test_the_device_room_imports_nothing_heavy() -> None:
    for module, path in MODULES.items():
        if not module.startswith(tuple(f"alzedge.{folder}" for folder in FOLDERS[1:])):
            assert not {name.split(".")[0] for name in imports(path)} & HEAVY, module


def test_the_facade_is_lazy_and_every_name_is_there() -> None:
    code = "import sys, alzedge; print(sorted({'numpy', 'PIL', 'ai_edge_litert', 'click'} & set(sys.modules)))"
    assert run_code(code).stdout.strip() == "[]"
    assert all(getattr(alzedge, name) is not None for name in alzedge.__all__)
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = alzedge.absent


def test_modules_stay_small() -> None:
    long = {m: n for m, path in MODULES.items() if (n := len(path.read_text("utf-8").splitlines())) > 250}
    assert not long


def test_rooms_stay_small() -> None:
    """At most 15 entries in a room, `__init__.py` not counted."""
    entries: dict[Path, int] = {}
    for path in MODULES.values():
        if path.name == "__init__.py":
            rooms = FOLDERS[1:] if path == MODULES["alzedge"] else ()  # a wheel holds these inside alzedge/
            marks = ("_", ".", "py.typed")  # not what anybody looks for
            shown = [p.name for p in path.parent.iterdir() if not p.name.startswith(marks)]
            entries[path.parent] = len(set(shown) - set(rooms))
    assert not {folder: count for folder, count in entries.items() if count > 15}


def test_docstrings_open_with_a_verb_or_a_noun() -> None:
    """A docstring that opens with a question word makes its reader guess the answer."""
    question = re.compile(r"(What|Whom?|Whose|Whether|Where|Why|How|Which|Does|Do|Is|Are)\b")
    found = []
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node) or ""
                if question.match(text):
                    found.append(f"{module}: {text.splitlines()[0]}")
    assert not found


def test_the_wheel_is_told_of_every_room() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    listed = tomllib.loads(project.read_text("utf-8"))["tool"]["setuptools"]["packages"]
    assert listed == sorted({room_of(module) for module in MODULES})
