"""Sources of answers to evaluate: model files and stored predictions."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split, split_dataset
from alzedge.data.predictions import Predictions
from alzedge.errors import UserError
from alzedge.export.evaluate.cross_fitted_rule import cross_fitted_rule
from alzedge.export.evaluate.scoring import load_asker
from alzedge.inference.measures.readings import Readings
from alzedge.metrics.people.evidence import Asked
from alzedge.model_file.origin import Origin
from alzedge.model_file.read_write import read_record
from alzedge.runs.recipe import Recipe
from alzedge.runs.split_run import made_with

CROSSVAL = "crossval"
PREDICTIONS_SUFFIX = ".csv"


@dataclass(frozen=True, eq=False)
class Pooled:
    """Slices that stored predictions are of.

    Attributes:
        rows: int (N,), ascending, places in the data set.
        fold: int (N,), the fold that the answering model held out.
    """

    rows: NDArray[np.intp]
    fold: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Source:
    """A model file, or stored predictions.

    Attributes:
        name: in reports.
        made: the split that the model was made with; None for stored predictions and for a model of other data.
        pooled: the slices of stored predictions; None for a model, which answers any slice.
        external: file of a model of other data; else None.
        answer: rows of the data set -> answers for them.
    """

    name: str
    made: Split | None
    pooled: Pooled | None
    external: Path | None
    answer: Callable[[NDArray[np.intp]], Asked]


def open_sources(paths: list[Path], dataset: DataSet, recipe: Recipe) -> dict[Path, Source]:
    """Open model files (.keras, .tflite, .onnx) and predictions (.csv); names are made different from each other.

    Raises:
        UserError: a file that is not ours, or predictions of other data.
    """
    names = _names(list(dict.fromkeys(paths)))
    return {path: _open(path, name, dataset, recipe) for path, name in names.items()}


def _names(paths: list[Path]) -> dict[Path, str]:
    """Name paths by as few of the last parts of each path as tell it from the others."""
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        names = {path: "/".join(path.parts[-parts:]) for path in paths}
        if len(set(names.values())) == len(paths):
            break
    return names


def _open(path: Path, name: str, dataset: DataSet, recipe: Recipe) -> Source:
    if path.suffix == PREDICTIONS_SUFFIX:
        return _open_predictions(path, name, dataset)
    record, ask = read_record(path), load_asker(path)

    def answer(rows: NDArray[np.intp]) -> Asked:
        return ask(dataset, rows)

    if Origin.read(record).dataset.fingerprint != dataset.fingerprint:
        return Source(name, None, None, path, answer)
    own_recipe, split = made_with(record, dataset, recipe, path)
    return Source(name, split_dataset(dataset, split, own_recipe.fold), None, None, answer)


def _open_predictions(path: Path, name: str, dataset: DataSet) -> Source:
    stored = Predictions.load(path)
    place = {image: row for row, image in enumerate(dataset.paths.tolist())}
    unknown = [image for image in stored.paths.tolist() if image not in place]
    if unknown:
        raise UserError(f"{path}: {unknown[0]} is not an image of {dataset.name}; name the data it was made from.")
    rows = np.array([place[image] for image in stored.paths.tolist()], np.intp)
    for what, ours, theirs in (
        ("is of another stage than", dataset.labels[rows], stored.labels),
        ("shows another person than", dataset.subject[rows], stored.subject),
    ):
        if (ours != theirs).any():
            odd = stored.paths[ours != theirs][0]
            raise UserError(f"{path}: {odd} {what} in {dataset.name}; predict again.")
    order = np.argsort(rows)
    readings = Readings(
        stored.probabilities,
        dataset.height[rows],
        *(one if np.isfinite(one).all() else None for one in (stored.brain_volume, stored.age)),
    ).take(order)
    answered = dataset if len(rows) == len(dataset) else dataset.take(rows[order])  # a copy of all images is large
    rule = cross_fitted_rule(readings, answered, stored.fold[order])

    def answer(asked: NDArray[np.intp]) -> Asked:
        return Asked(readings.take(np.searchsorted(rows[order], asked)), rule)

    return Source(name, None, Pooled(rows[order], stored.fold[order]), None, answer)
