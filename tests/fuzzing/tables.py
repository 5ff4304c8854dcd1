"""Parsers of texts: recipes, run folders, tables of people and of answers, labels, figures of a registration."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing.campaign import Parser
from fuzzing.mutators import json_of, text_of

from alzedge.data.loading import load_dataset
from alzedge.data.people.table import COLUMNS, read_people
from alzedge.data.predictions import Predictions
from alzedge.data.subjects_csv import read_rows
from alzedge.preparation.prepared_files import prepared_before
from alzedge.reporting.labels import COLUMNS as LABEL_COLUMNS
from alzedge.reporting.labels import rows_of
from alzedge.runs.recipe_file import load_recipe, recipe_names
from alzedge.runs.run_folder import open_run_folder
from alzedge.stages import STAGES

_RECIPES = Path(str(load_recipe.__code__.co_filename)).parent / "recipes"
_SUBJECTS = "path,label,subject,slice,split,scan,height,sex,age,education,mmse,etiv,nwbv\n" + "".join(
    f"{STAGES[k]}/{k}.png,{STAGES[k]},p{k},{k + 1},train,s{k},{k - 1},F,7{k},3,2{k},1500,0.7\n" for k in range(4)
)
_FLAT = "path,label,subject\n" + "".join(f"{k}.png,{STAGES[k]},p{k}\n" for k in range(4))
_PREDICTIONS = f"path,subject,label,fold,{','.join(STAGES)},source,scan,height,brain_volume,age\n" + "".join(
    f"{k}.png,p{k},{STAGES[k]},{k % 2},0.25,0.25,0.25,0.25,oasis1,s{k},{k},0.7,70\n" for k in range(4)
)
_PEOPLE = f"{','.join(COLUMNS)}\n" + "".join(
    f"OAS1_000{k}_MR1,F,R,7{k},2,3,29,0.5,1344,0.743,1.306,N/A\n" for k in range(1, 5)
)
_LABELS = {"reviewer_stage": "MildDemented", "blind": "yes"}


def parsers() -> dict[str, Parser]:
    """Parsers by name."""
    recipes = tuple((_RECIPES / f"{name}.toml").read_bytes() for name in recipe_names())
    run = {"run": {"seed": 0}, "phases": {"a": {"key": "k", "outputs": {"x.keras": "0" * 64}, "seconds": 1.5}}}
    labels = ",".join(LABEL_COLUMNS) + "\n" + ",".join(_LABELS.get(name, "x") for name in LABEL_COLUMNS) + "\n"
    return {
        "recipe": Parser(recipes, text_of, _read_recipe),
        "run_json": Parser((json.dumps(run).encode(),), json_of, _read_run),
        "subjects_csv": Parser((_SUBJECTS.encode(), _SUBJECTS.replace(",", ";").encode()), text_of, _read_subjects),
        "subjects_set": Parser((_FLAT.encode(),), text_of, _read_set, 0.1),
        "predictions_csv": Parser((_PREDICTIONS.encode(),), text_of, _read_predictions),
        "people_csv": Parser((_PEOPLE.encode(), _PEOPLE.encode("utf-16")), text_of, _read_people),
        "labels_csv": Parser((labels.encode(),), text_of, _read_labels),
        "quality_json": Parser(
            (json.dumps({"sha256": "0", "alzedge": "0.1.0", "matrix": [[1.0] * 4]}).encode(),), json_of, _quality
        ),
    }


def _read_recipe(folder: Path, data: bytes) -> None:
    (folder / "a.toml").write_bytes(data)
    recipe = load_recipe(str(folder / "a.toml"))
    assert load_recipe(str(folder / "a.toml")) == recipe


def _read_run(folder: Path, data: bytes) -> None:
    path = folder / "run"
    path.mkdir(exist_ok=True)
    (path / "run.json").write_bytes(data)
    for phase in open_run_folder(path, {"seed": 0}).phases.values():
        assert isinstance(phase.key, str) and isinstance(phase.outputs, dict)


def _read_subjects(_: Path, data: bytes) -> None:
    for row in read_rows(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline=""), "subjects.csv"):
        assert row.slice >= 0 and row.label in (None, *range(len(STAGES)))
        assert row.age is None or 1 <= row.age <= 120


def _read_set(folder: Path, data: bytes) -> None:
    from PIL import Image

    from alzedge.monitoring.audit.index import index_images, open_source

    for k in range(4):
        if not (folder / f"{k}.png").exists():
            Image.fromarray(np.full((208, 176), 50 + k, np.uint8)).save(folder / f"{k}.png")
    (folder / "subjects.csv").write_bytes(data)
    dataset = load_dataset(folder)
    assert set(dataset.subject) <= {*index_images(open_source(folder)).people, ""}


def _read_predictions(folder: Path, data: bytes) -> None:
    (folder / "predictions.csv").write_bytes(data)
    answers = Predictions.load(folder / "predictions.csv")
    assert np.isfinite(answers.probabilities).all() and (answers.fold >= 0).all() and len(answers)


def _read_people(folder: Path, data: bytes) -> None:
    (folder / "people.csv").write_bytes(data)
    for person in read_people(folder / "people.csv"):
        assert person.first.sex in ("F", "M") and 18 <= person.first.age <= 110


def _read_labels(_: Path, data: bytes) -> None:
    for row in rows_of(data, "labels.csv"):
        assert tuple(row) == LABEL_COLUMNS


def _quality(folder: Path, data: bytes) -> Any:
    (folder / "quality.json").write_bytes(data)
    return prepared_before(folder, "0")
