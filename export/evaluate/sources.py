"""Sources of answers to evaluate, model files and stored predictions, and the slices each may be evaluated on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.audit.overlap import Overlap
from alzedge.data.dataset import DataSet, Split, available_splits, split_dataset
from alzedge.data.predictions import Predictions
from alzedge.errors import UserError
from alzedge.export.evaluate.evaluate_models import EvaluatedSplit, evaluate_answers
from alzedge.export.evaluate.exposure import UNKNOWN, exposure
from alzedge.export.evaluate.external import EXTERNAL, external_exposure, external_split
from alzedge.export.evaluate.scoring import load_scorer
from alzedge.metrics.bootstrap import REPLICATES
from alzedge.metrics.classification import Answers
from alzedge.metrics.nearest_neighbour import baseline_accuracies
from alzedge.metrics.split_evaluation import Exposure
from alzedge.model_file.origin import Origin
from alzedge.model_file.read_write import read_record
from alzedge.runs.recipe import Recipe
from alzedge.runs.split_run import made_with
from alzedge.utils.progress import OnStep, Step, quiet

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
        answer: rows of the data set -> probabilities (rows, 4).
    """

    name: str
    made: Split | None
    pooled: Pooled | None
    external: Path | None
    answer: Callable[[NDArray[np.intp]], Answers]


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
    if path.suffix.lower() == PREDICTIONS_SUFFIX:
        return _open_predictions(path, name, dataset)
    record, score = read_record(path), load_scorer(path)

    def answer(rows: NDArray[np.intp]) -> Answers:
        return score(dataset.images[rows])

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
    by_row = dict(zip(rows.tolist(), stored.probabilities, strict=True))

    def answer(asked: NDArray[np.intp]) -> Answers:
        return np.stack([by_row[row] for row in asked.tolist()])

    return Source(name, None, Pooled(rows[order], stored.fold[order]), None, answer)


def choose_splits(
    sources: list[Source], dataset: DataSet, fold: int, wanted: tuple[str, ...], overlap: Overlap | None = None
) -> dict[str, Split]:
    """Choose the splits to evaluate on, by name: those asked for, or all that these sources and data allow.

    Args:
        fold: held out for unseen people where no model says which.
        wanted: names; all that is allowed where empty.
        overlap: of the data set with data that models were trained on; needed by models of other data.

    Raises:
        UserError: models that held out different people, predictions of different slices, or a split that the
            data do not allow.
    """
    stored = {source.name: source.pooled for source in sources if source.pooled is not None}
    models = [source.made for source in sources if source.made is not None]
    external = [EXTERNAL] if any(source.external for source in sources) else []
    allowed = (*(available_splits(dataset) if models else ()), *([CROSSVAL] if stored else []), *external)
    missing = [name for name in wanted if name == CROSSVAL and not stored]
    if missing:
        raise UserError("No predictions among the models, so there is nothing pooled; name a .csv of predictions.")
    chosen = {}
    for name in wanted or allowed:
        if name in (CROSSVAL, EXTERNAL):
            chosen[name] = _pooled(stored, dataset) if name == CROSSVAL else external_split(dataset, overlap)
            continue
        folds = {made.fold for made in models if made.name == name and made.fold is not None} or {fold}
        if len(folds) > 1:
            listed = ", ".join(map(str, sorted(folds)))
            raise UserError(f"The models held out different people (folds {listed}); evaluate one fold at a time.")
        chosen[name] = split_dataset(dataset, name, folds.pop())
    return chosen


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


def evaluate_sources(
    sources: list[Source],
    dataset: DataSet,
    splits: dict[str, Split],
    teacher: str | None,
    on_step: OnStep = quiet,
    replicates: int = REPLICATES,
    overlap: Overlap | None = None,
) -> dict[str, EvaluatedSplit]:
    """Evaluate each source on each of the test sets on which it may be evaluated.

    A model that has seen any of the unseen people is not evaluated on them; `refused` in the evaluation says why.

    Args:
        sources: models and stored predictions; differences are from the first.
        dataset, splits: to test on.
        teacher: name of the source that the others are compared with.
        on_step: called after every split.
        replicates: resamples of the bootstrap.
        overlap: see `choose_splits`.

    Raises:
        UserError: no figure can be given at all.
    """
    evaluated = {}
    for done, (name, split) in enumerate(splits.items(), start=1):
        seen = {source.name: _exposure(source, split, dataset, overlap) for source in sources}
        exposures = {source: exposure for source, exposure in seen.items() if exposure is not None}
        refused = {
            source: exposure.statement
            for source, exposure in exposures.items()
            if name == "subject" and not exposure.unseen_people
        }
        admitted = [source for source in sources if source.name in exposures and source.name not in refused]
        answers = {source.name: source.answer(split.test) for source in admitted}
        baselines = _baselines(split, admitted, dataset) if admitted else {}
        admitted_exposures = {source: exposures[source] for source in answers}
        evaluated[name] = evaluate_answers(
            answers, admitted_exposures, dataset, split, baselines, teacher, replicates, refused
        )
        on_step(Step(done, len(splits), done, len(splits)))
    if not any(split.answers for split in evaluated.values()):
        raise UserError(f"No figure can be given: {_reason(evaluated)}")
    return evaluated


def _exposure(source: Source, split: Split, dataset: DataSet, overlap: Overlap | None) -> Exposure | None:
    """Exposure of a source; None where it has no answers for the test set."""
    if source.external is not None:
        if split.name != EXTERNAL or overlap is None:
            return None
        return external_exposure(source.external, dataset, split, overlap)
    if split.name == EXTERNAL or (source.made is None) != (split.name == CROSSVAL):
        return None
    if source.made is not None:
        return exposure(source.made, split, dataset)
    if not dataset.subjects_known:
        return Exposure(None, 0, None, UNKNOWN)
    return Exposure(
        True, 0, 0, "Each person answered by a model trained without them, as the file of predictions says."
    )


def _baselines(split: Split, admitted: list[Source], dataset: DataSet) -> dict[str, float]:
    """Baselines of a split; of pooled predictions those of each fold against all others, pooled too."""
    pooled = admitted[0].pooled
    if split.name == EXTERNAL:
        return {}
    if pooled is None:
        return baseline_accuracies(dataset, split)
    by_fold = []
    for fold in np.unique(pooled.fold):
        test = split.test[pooled.fold == fold]
        train = np.setdiff1d(np.arange(len(dataset)), test)
        by_fold.append((baseline_accuracies(dataset, replace(split, train=train, test=test)), len(test)))
    return {name: sum(fold[name] * n for fold, n in by_fold) / len(split.test) for name in by_fold[0][0]}


def _reason(evaluated: dict[str, EvaluatedSplit]) -> str:
    statements = [text for split in evaluated.values() for text in (split.evaluation.refused or {}).values()]
    return statements[0] if statements else "no model was made with this split; name another --split."
