"""Results and answers of finished cells as a study's folder holds them, and what is refused of them."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.predictions import Predictions
from alzedge.data.split_names import LEAKY
from alzedge.errors import UserError
from alzedge.export.experiments.table import Cell
from alzedge.utils.parsing import parsing

DONE, DIVERGED, MEMORY, REFUSED = "done", "diverged", "memory", "refused"
_STATUSES = (DONE, DIVERGED, MEMORY, REFUSED)


@dataclass(frozen=True)
class CellResult:
    """Outcome of one cell.

    Attributes:
        status: 'done', 'diverged', 'memory' (it did not fit) or 'refused' (the data or the recipe does not allow it).
        message: a sentence where it is not done; else empty.
        seconds: wall-clock time of the cell, what it shares with others only where it made it.
        losses: mean loss of each epoch of its last training.
        recipe: as trained.
        data: fingerprint of the data set.
    """

    status: str
    message: str
    seconds: float
    losses: tuple[float, ...]
    recipe: dict[str, Any]
    data: str

    @staticmethod
    def read(path: Path) -> "CellResult | None":
        """Read a file of `results`; None where there is none.

        Raises:
            UserError: it is damaged.
        """
        with parsing(f"{path} is not the result of an experiment", "remove it and run again."):
            try:
                content = json.loads(path.read_text("utf-8"))
            except FileNotFoundError:
                return None
            return CellResult._from_json(content)

    @staticmethod
    def _from_json(content: dict[str, Any]) -> "CellResult":
        status, seconds = content["status"], float(content["seconds"])
        if status not in _STATUSES:
            raise ValueError(f"status {status!r}")
        if not math.isfinite(seconds):
            raise ValueError(f"{seconds} seconds")
        losses = tuple(map(float, content["losses"]))
        texts = str(content["message"]), str(content["data"])
        return CellResult(status, texts[0], seconds, losses, dict(content["recipe"]), texts[1])

    def to_json(self) -> dict[str, Any]:
        """As the folder holds it."""
        return {**vars(self), "losses": list(self.losses)}


def result_file(out: Path, cell: Cell) -> Path:
    """File of a cell's result."""
    return out / "results" / f"{cell.key}.json"


def answers_file(out: Path, cell: Cell) -> Path:
    """File of a cell's answers for its test side."""
    return out / "answers" / f"{cell.key}.csv"


def memory_cure(out: Path, cell: Cell) -> str:
    """End of the sentence on a cell that does not fit in memory: a smaller recipe, or the same again."""
    return f"lower finetune.batch_size, or remove {result_file(out, cell)} to try the same recipe again."


def finished(out: Path, cell: Cell, dataset: DataSet) -> CellResult | None:
    """Result of a cell that was finished with this recipe; None where there is none, or its answers were removed.

    Raises:
        UserError: it is damaged, or of other data.
    """
    found = CellResult.read(result_file(out, cell))
    if found is None:
        return None
    if found.data != dataset.fingerprint:
        _refuse_other_data(out, found)
        return None
    removed = found.status == DONE and not answers_file(out, cell).exists()
    return None if removed or found.recipe != cell.experiment.recipe.to_dict() else found


def answers_of(out: Path, cell: Cell, dataset: DataSet) -> Predictions:
    """Answers of a finished cell for its test side.

    Raises:
        UserError: they are damaged, or not for every slice that was tested.
    """
    path = answers_file(out, cell)
    tested = dataset.paths[split_dataset(dataset, cell.split, cell.fold).test]
    try:
        answers = Predictions.load(path)
    except UserError as error:
        raise UserError(f"{path} is damaged; remove it and run again.") from error
    if not np.array_equal(answers.paths, tested):
        raise UserError(f"{path} does not answer for the {len(tested)} slices tested; remove it and run again.")
    return answers


def check_stored(out: Path, cells: Sequence[Cell], dataset: DataSet) -> None:
    """Refuse a folder that cannot be gone on with, before anything is written there; one that is missing is none.

    Raises:
        UserError: trainings on other data, a damaged result, or damaged answers of one of the cells.
    """
    for path in sorted((out / "results").glob("[!.]*.json")):  # a dot: what a writer that was killed left behind
        found = CellResult.read(path)
        if found is not None and found.data != dataset.fingerprint:
            _refuse_other_data(out, found)
    for path in sorted((out / "cells").glob("*/run.json")):
        with parsing(f"{path} is not of a training", f"remove {path.parent} and run again."):
            data = json.loads(path.read_text("utf-8"))["run"]["data"]
        if data != dataset.fingerprint[:16]:
            raise _other_data(out)
    for cell in cells:
        result = finished(out, cell, dataset)
        if result is not None and result.status == DONE:
            answers_of(out, cell, dataset)


def with_finished(out: Path, cells: Sequence[Cell], chosen: Sequence[Cell], dataset: DataSet) -> list[Cell]:
    """Choose from `cells` those of the experiments and splits of `chosen`, and of all others that have a result."""
    rows = {_row(cell) for cell in chosen} | {_row(cell) for cell in cells if finished(out, cell, dataset)}
    return [cell for cell in cells if _row(cell) in rows]


def _row(cell: Cell) -> tuple[str, str, str]:
    return cell.experiment.group, cell.experiment.name, cell.split


def forget_refusals(out: Path, cells: Sequence[Cell]) -> None:
    """Remove the results of cells that were refused, so that they are tried again: their cause may be gone."""
    for path in (result_file(out, cell) for cell in cells):
        found = CellResult.read(path)
        if found is not None and found.status == REFUSED:
            path.unlink(missing_ok=True)


def check_splits(dataset: DataSet, asked: Sequence[str]) -> None:
    """Refuse splits that a data set does not allow.

    Raises:
        UserError: no people, no split of its own, or too few people.
    """
    for name in asked:
        if name == LEAKY and not dataset.subjects_known:
            raise UserError(
                f"The people in {dataset.name} are unknown, so no split is known to leak them; leave out "
                f"--split {LEAKY}, or add a subjects.csv (see `alzedge subjects --help`)."
            )
        split_dataset(dataset, name)


def _refuse_other_data(out: Path, found: CellResult) -> None:
    """Raise for a result of other data; a refusal holds nothing that could be lost."""
    if found.status != REFUSED:
        raise _other_data(out)


def _other_data(out: Path) -> UserError:
    return UserError(
        f"{out} holds experiments on other data; choose another --out, or name the DATA, --people and --seed it was "
        "begun with."
    )
