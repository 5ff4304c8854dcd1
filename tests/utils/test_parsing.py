"""Whatever a parser raises ends as one sentence; `tests/fuzzing` looks for more cases."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from alzedge.data.predictions import Predictions
from alzedge.data.subjects_csv import read_rows
from alzedge.errors import UserError
from alzedge.runs.recipe_file import load_recipe
from alzedge.runs.run_folder import open_run_folder
from alzedge.utils.parsing import parsing, printable

_PREDICTIONS = "path,subject,label,fold,NonDemented,VeryMildDemented,MildDemented,ModerateDemented\na.png,p,NonDemented,{},1,0,0,0\n"


def _recipe(folder: Path, data: bytes) -> None:
    (folder / "a.toml").write_bytes(data)
    load_recipe(str(folder / "a.toml"))


def _run(folder: Path, data: bytes) -> None:
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run/run.json").write_bytes(data)
    open_run_folder(folder / "run", {"seed": 0})


def _subjects(folder: Path, data: bytes) -> None:
    list(read_rows(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline=""), "subjects.csv"))


def _predictions(folder: Path, data: bytes) -> None:
    (folder / "predictions.csv").write_bytes(data)
    Predictions.load(folder / "predictions.csv")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (_recipe, "a = " + "[" * 3000 + "]" * 3000),
        (_recipe, f"seed = {'1' * 5000}"),
        (_recipe, f"seed = 0x{'f' * 5000}"),
        (_recipe, f"[finetune]\nlearning_rate = 0x{'f' * 5000}"),
        (_run, "[" * 3000),
        (_run, '{"run": 1, "phases": []}'),
        (_run, '{"run": {"seed": 0}, "phases": {"a": {"key": 1, "outputs": 3}}}'),
        (_subjects, f"path,subject,slice\na.png,p,{'9' * 5000}"),
        (_subjects, f"path,subject,slice\na.png,p,{2**70}"),
        (_subjects, "path\na.png"),
        (_predictions, _PREDICTIONS.format(2**70)),
        (_predictions, _PREDICTIONS.format("9" * 5000)),
    ],
)
def test_one_sentence(tmp_path: Path, read: Callable[[Path, bytes], None], text: str) -> None:
    with pytest.raises(UserError) as refused:
        read(tmp_path, text.encode())
    assert len(str(refused.value)) < 1000 and "\n" not in str(refused.value)


def test_bom_backslashes_and_empty_rows() -> None:
    rows = list(read_rows(io.StringIO("path,subject\nTraining\\MildDemented\\a.png,p\n,\n ,\n"), "subjects.csv"))
    assert [row.path for row in rows] == ["train/MildDemented/a.png"]


def test_a_full_disk_is_not_the_parsers_fault() -> None:
    with pytest.raises(OSError, match="full"), parsing("a: not a table", "mend it."):
        raise OSError("full")


def test_a_value_of_thousands_of_characters_is_cut_in_its_sentence() -> None:
    told = str(UserError(f"a.toml: {'9' * 5000} is no number; {'x' * 200} may be."))
    assert told == f"a.toml: {'9' * 100}...{'9' * 100} is no number; {'x' * 200} may be."
    assert str(UserError("x" * 1000)) == "x" * 1000  # a path may be long


def test_printable() -> None:
    assert printable("a\x1b[2J") == "a\\x1b[2J"
    assert printable("снимок") == "снимок"
