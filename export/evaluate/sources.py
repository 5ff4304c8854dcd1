"""What `alzedge evaluate` judges: model files and stored predictions, and on which slices each may be judged."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split, available_splits, split_dataset
from alzedge.data.predictions import Predictions
from alzedge.errors import UserError
from alzedge.export.evaluate.exposure import UNKNOWN, Exposure, exposure
from alzedge.export.evaluate.judge import Answers, Judgement, judge
from alzedge.export.evaluate.scoring import load_scorer
from alzedge.metrics.nearest_neighbour import floor_accuracies
from alzedge.model_file.read_write import read_record
from alzedge.runs.recipe import Recipe
from alzedge.runs.split_run import made_with
from alzedge.utils.progress import OnStep, Step, quiet

CROSSVAL = "crossval"
PREDICTIONS_SUFFIX = ".csv"


@dataclass(frozen=True, eq=False)
class Pooled:
    """Which slices stored predictions are of.

    Attributes:
        rows: int (N,), ascending, places in the data set.
        fold: int (N,), the fold that the answering model held out.
    """

    rows: NDArray[np.intp]
    fold: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Source:
    """Something that has answers.

    Attributes:
        name: how reports call it.
        made: the split that the model was made with; None for stored predictions.
        pooled: what stored predictions are of; None for a model, which answers any slice.
        answer: rows of the data set -> probabilities (rows, 4).
    """

    name: str
    made: Split | None
    pooled: Pooled | None
    answer: Callable[[NDArray[np.intp]], Answers]


def open_sources(paths: list[Path], dataset: DataSet, recipe: Recipe) -> dict[Path, Source]:
    """Open model files (.keras, .tflite, .onnx) and predictions (.csv); names are made different from each other.

    Raises:
        UserError: a file that is not ours, or of other data.
    """
    names = _names(list(dict.fromkeys(paths)))
    return {path: _open(path, name, dataset, recipe) for path, name in names.items()}


def _names(paths: list[Path]) -> dict[Path, str]:
    """As few of the last parts of each path as tell it from the others."""
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        names = {path: "/".join(path.parts[-parts:]) for path in paths}
        if len(set(names.values())) == len(paths):
            break
    return names


def _open(path: Path, name: str, dataset: DataSet, recipe: Recipe) -> Source:
    if path.suffix == PREDICTIONS_SUFFIX:
        return _open_predictions(path, name, dataset)
    found, split = made_with(read_record(path), dataset, recipe, path)
    made = split_dataset(dataset, split, found.fold)
    score = load_scorer(path)
    return Source(name, made, None, lambda rows: score(dataset.images[rows]))


def _open_predictions(path: Path, name: str, dataset: DataSet) -> Source:
    stored = Predictions.load(path)
    place = {found: row for row, found in enumerate(dataset.paths.tolist())}
    unknown = [found for found in stored.paths.tolist() if found not in place]
    if unknown:
        raise UserError(f"{path}: {unknown[0]} is no image of {dataset.name}; name the data it was made from.")
    rows = np.array([place[found] for found in stored.paths.tolist()], np.intp)
    for what, ours, theirs in (
        ("labelled", dataset.labels[rows], stored.labels),
        ("of a person", dataset.subject[rows], stored.subject),
    ):
        if (ours != theirs).any():
            odd = stored.paths[ours != theirs][0]
            raise UserError(f"{path}: {odd} is {what} otherwise than in {dataset.name}; predict again.")
    order = np.argsort(rows)
    by_row = dict(zip(rows.tolist(), stored.probabilities, strict=True))

    def answer(asked: NDArray[np.intp]) -> Answers:
        return np.stack([by_row[row] for row in asked.tolist()])

    return Source(name, None, Pooled(rows[order], stored.fold[order]), answer)


def choose_splits(sources: list[Source], dataset: DataSet, fold: int, wanted: tuple[str, ...]) -> dict[str, Split]:
    """The slices to judge on, by name of the split: those asked for, or all that these sources and data allow.

    Args:
        fold: held out for unseen people where no model says which.

    Raises:
        UserError: models that held out different people, predictions of different slices, or a split that is
            not to be had.
    """
    stored = {source.name: source.pooled for source in sources if source.pooled is not None}
    models = [source.made for source in sources if source.made is not None]
    allowed = (*(available_splits(dataset) if models else ()), *([CROSSVAL] if stored else []))
    missing = [name for name in wanted if name == CROSSVAL and not stored]
    if missing:
        raise UserError("No predictions among the models, so there is nothing pooled; name a .csv of predictions.")
    found = {}
    for name in wanted or allowed:
        if name == CROSSVAL:
            found[name] = _pooled(stored, dataset)
            continue
        folds = {made.fold for made in models if made.name == name and made.fold is not None} or {fold}
        if len(folds) > 1:
            listed = ", ".join(map(str, sorted(folds)))
            raise UserError(f"The models held out different people (folds {listed}); evaluate one fold at a time.")
        found[name] = split_dataset(dataset, name, folds.pop())
    return found


def _pooled(stored: dict[str, Pooled], dataset: DataSet) -> Split:
    (first, pooled), *others = stored.items()
    for other, its in others:
        if not np.array_equal(pooled.rows, its.rows):
            raise UserError(f"{first} and {other} are of different slices; evaluate them one at a time.")
    folds = np.unique(pooled.fold).tolist()
    unseen = True if dataset.subjects_known else None
    listed = f"fold {folds[0]}" if len(folds) == 1 else f"folds {', '.join(map(str, folds))} pooled"
    return Split(
        CROSSVAL, np.array([], np.intp), pooled.rows, unseen, f"{listed}, each answered by a model without it", None
    )


def judge_sources(
    sources: list[Source], dataset: DataSet, splits: dict[str, Split], teacher: str | None, on_step: OnStep = quiet
) -> dict[str, Judgement]:
    """Judge each source on each of the test sets on which it may be judged.

    A model that has seen any of the unseen people is not judged on them; `refused` among the figures says why.

    Raises:
        UserError: no figure can be given at all.
    """
    judgements = {}
    for done, (name, split) in enumerate(splits.items(), start=1):
        seen = {source.name: _exposure(source, split, dataset) for source in sources}
        told = {name: found for name, found in seen.items() if found is not None}
        refused = {source: found for source, found in told.items() if name == "subject" and not found.unseen_people}
        judged = [source for source in sources if source.name in told and source.name not in refused]
        answers = {source.name: source.answer(split.test) for source in judged}
        floors = _floors(split, judged, dataset) if judged else {}
        shown = {source: told[source].to_dict() for source in answers}
        judgement = judge(answers, shown, dataset, split, floors, teacher)
        judgement.figures["refused"] = {source: found.statement for source, found in refused.items()}
        judgements[name] = judgement
        on_step(Step(done, len(splits), done, len(splits)))
    if not any(judgement.answers for judgement in judgements.values()):
        raise UserError(f"No figure can be given: {_why(judgements)}")
    return judgements


def _exposure(source: Source, split: Split, dataset: DataSet) -> Exposure | None:
    """None where the source has nothing to say about the test set."""
    if (source.made is None) != (split.name == CROSSVAL):
        return None
    if source.made is not None:
        return exposure(source.made, split, dataset)
    if not dataset.subjects_known:
        return Exposure(None, 0, None, UNKNOWN)
    return Exposure(
        True, 0, 0, "Each person answered by a model trained without them, as the file of predictions says."
    )


def _floors(split: Split, judged: list[Source], dataset: DataSet) -> dict[str, float]:
    """Floors of a split; of pooled predictions those of each fold against all others, pooled too."""
    pooled = judged[0].pooled
    if pooled is None:
        return floor_accuracies(dataset, split)
    by_fold = []
    for fold in np.unique(pooled.fold):
        test = split.test[pooled.fold == fold]
        train = np.setdiff1d(np.arange(len(dataset)), test)
        by_fold.append((floor_accuracies(dataset, replace(split, train=train, test=test)), len(test)))
    return {name: sum(floors[name] * n for floors, n in by_fold) / len(split.test) for name in by_fold[0][0]}


def _why(judgements: dict[str, Judgement]) -> str:
    statements: list[Any] = [text for found in judgements.values() for text in found.figures["refused"].values()]
    return statements[0] if statements else "no model was made with this split; name another --split."
