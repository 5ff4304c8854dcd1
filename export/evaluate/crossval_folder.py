"""The folder of a cross-validation: its files by name, and the check that it is of this recipe and this data."""

import json
from pathlib import Path
from typing import Any

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.runs.recipe import Recipe
from alzedge.utils.files import write_json

EVALUATION = "evaluation"
# Files of pooled answers; the last one is of a student that has age and sex as an input, and is told neither.
TEACHER_ANSWERS, STUDENT_ANSWERS, INT8_ANSWERS = "teacher.csv", "student.csv", "student_int8.csv"
UNTOLD_ANSWERS = "student_int8_untold.csv"
_ABOUT = "crossval.json"
# Sections of a recipe that decide what the models of a run answer.
_DECISIVE = (
    *("seed", "preprocessing", "augment", "teacher", "pretrain", "finetune"),
    *("student", "distill", "measures", "export"),
)


def fold_folder(folder: Path, fold: int) -> Path:
    """Folder of a fold's run."""
    return folder / f"fold{fold}"


def metrics_file(folder: Path) -> Path:
    """The figures of the pooled answers."""
    return folder / EVALUATION / "metrics.json"


def sign(folder: Path, dataset: DataSet, recipe: Recipe) -> None:
    """Write what a finished cross-validation was made of."""
    write_json(folder / _ABOUT, _about(dataset, recipe))


def check_finished(folder: Path, dataset: DataSet, recipe: Recipe) -> None:
    """Check that a folder holds a finished cross-validation of this very recipe on this very data.

    Raises:
        UserError: it does not.
    """
    try:
        about = json.loads((folder / _ABOUT).read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder} holds no finished cross-validation; name the --out of `alzedge crossval`."
        ) from error
    differs = [name for name, value in _about(dataset, recipe).items() if about.get(name) != value]
    if differs:
        raise UserError(f"{folder} cross-validated something else ({', '.join(differs)}); repeat `alzedge crossval`.")


def _about(dataset: DataSet, recipe: Recipe) -> dict[str, Any]:
    settings = recipe.to_dict()
    decisive = (*_DECISIVE, *(("demographics",) if recipe.demographics.learn else ()))
    return {"data": dataset.fingerprint} | {name: settings[name] for name in decisive}
