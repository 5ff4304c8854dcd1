"""Gain of one recipe over another, from the predictions that two cross-validations of the same people left."""

from pathlib import Path

import numpy as np

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.export.evaluate.crossval_folder import INT8_ANSWERS
from alzedge.export.evaluate.evaluate_models import SEED
from alzedge.export.evaluate.sources import open_sources
from alzedge.metrics.bootstrap import REPLICATES
from alzedge.metrics.people.gain import Gain, gains
from alzedge.metrics.people_figures import ADJUSTED, ALL, AUC, OLDER
from alzedge.metrics.tasks import TASKS
from alzedge.runs.recipe import Recipe
from alzedge.utils.text_table import Rows

_GROUPS = {ALL: "all", OLDER: "60 and more"}
_FIGURES = {AUC: "AUC", ADJUSTED: "AUC, similar age"}


def predictions_in(path: Path) -> Path:
    """The predictions that are meant: the file itself, or those of the int8 file in a folder of `alzedge crossval`."""
    return path / INT8_ANSWERS if path.is_dir() else path


def gain_of(first: Path, second: Path, dataset: DataSet, recipe: Recipe, replicates: int = REPLICATES) -> list[Gain]:
    """Compare two files of predictions on all people and on those of 60 and more; see `alzedge.metrics.people.gain`.

    The rule from slices to a person is fitted anew to each, fold by fold, on the people of the other folds.

    Args:
        first, second: predictions (.csv) of the same slices.
        dataset: that they are of.
        recipe: as `alzedge.export.evaluate.sources.open_sources` wants it.
        replicates: resamples of the bootstrap.

    Raises:
        UserError: predictions of other data, of unknown people, or of different slices.
    """
    if not dataset.subjects_known:
        raise UserError(f"{dataset.name}: its people are unknown, so nobody can be compared; name --people.")
    one, other = (open_sources([path], dataset, recipe)[path] for path in (first, second))
    if one.pooled is None or other.pooled is None or not np.array_equal(one.pooled.rows, other.pooled.rows):
        raise UserError(f"{first} and {second} are of different slices; cross-validate both on the same data.")
    rows = one.pooled.rows
    return gains((one.answer(rows), other.answer(rows)), dataset, rows, (ALL, OLDER), SEED, replicates)


def gain_rows(found: list[Gain]) -> Rows:
    """Header and a row for each gain, for a terminal or Markdown."""
    header = ["source", "people", "with it", "condition", "figure", "first", "second", "difference"]
    titles = {task.name: task.classes[1] for task in TASKS}
    body = [
        [
            one.source,
            _GROUPS[one.group],
            f"{one.positive} of {one.people}",
            titles[one.task],
            _FIGURES[one.figure],
            *("-" if estimate is None else estimate.short() for estimate in (one.first, one.second)),
            "-" if one.difference is None else one.difference.text("+.3f"),
        ]
        for one in found
    ]
    return [header, *body]
