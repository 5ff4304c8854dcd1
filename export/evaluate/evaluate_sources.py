"""The slices that each source of answers may be evaluated on, and its evaluation there."""

from dataclasses import replace

import numpy as np

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet, Split, available_splits, split_dataset
from alzedge.errors import UserError
from alzedge.export.evaluate.evaluate_models import EvaluatedSplit, evaluate_answers
from alzedge.export.evaluate.exposure import UNKNOWN, exposure
from alzedge.export.evaluate.external import EXTERNAL, external_exposure, external_split
from alzedge.export.evaluate.sources import CROSSVAL, Pooled, Source
from alzedge.metrics.baselines import Sides
from alzedge.metrics.bootstrap import REPLICATES
from alzedge.metrics.nearest_neighbour import baseline_accuracies
from alzedge.metrics.split_evaluation import Exposure
from alzedge.monitoring.audit.overlap import Overlap
from alzedge.utils.progress import OnStep, Step, quiet


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
        sides = _sides(split, admitted, dataset)
        evaluated[name] = evaluate_answers(
            answers, admitted_exposures, dataset, split, baselines, teacher, replicates, refused, sides
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
    if split.name == EXTERNAL:
        return {}
    if admitted[0].pooled is None:
        return baseline_accuracies(dataset, split)
    by_fold = []
    for train, test in _sides(split, admitted, dataset):
        staged = int((dataset.labels[test] != UNKNOWN_STAGE).sum())
        if staged:
            by_fold.append((baseline_accuracies(dataset, replace(split, train=train, test=test)), staged))
    total = sum(n for _, n in by_fold)
    return {name: sum(fold[name] * n for fold, n in by_fold) / total for name in by_fold[0][0]} if total else {}


def _sides(split: Split, admitted: list[Source], dataset: DataSet) -> Sides:
    """Training and test rows: of the split, or of each fold of pooled predictions against all others."""
    pooled = admitted[0].pooled if admitted else None
    if pooled is None:
        return [(split.train, split.test)]
    tests = [split.test[pooled.fold == fold] for fold in np.unique(pooled.fold)]
    return [(np.setdiff1d(np.arange(len(dataset)), test), test) for test in tests]


def _reason(evaluated: dict[str, EvaluatedSplit]) -> str:
    statements = [text for split in evaluated.values() for text in (split.evaluation.refused or {}).values()]
    return statements[0] if statements else "no model was made with this split; name another --split."
