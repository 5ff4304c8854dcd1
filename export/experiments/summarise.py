"""From the stored answers of finished cells to figures, differences and their correction: no model is asked again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet, in_order, split_dataset
from alzedge.data.predictions import Predictions
from alzedge.export.experiments.results import COMPARED, KEPT, ExperimentResult, StudyResults
from alzedge.export.experiments.statistics import LevelResamples, difference, holm, pooled_resamples
from alzedge.export.experiments.stored import DONE, CellResult, answers_of, finished
from alzedge.export.experiments.table import Cell, Experiment
from alzedge.metrics.bootstrap import with_interval
from alzedge.metrics.nearest_neighbour import baseline_accuracies
from alzedge.metrics.split_evaluation import EvaluationSet
from alzedge.utils.progress import OnStep, Step, quiet

# Cells of one experiment on one split, with their results.
_Cells = list[tuple[Cell, CellResult | None]]


def summarise(out: Path, cells: Sequence[Cell], dataset: DataSet, on_step: OnStep = quiet) -> StudyResults:
    """Compute all figures of the cells that are finished in `out`; the others are told, not left out.

    Within a group and split every experiment is measured on the same people: those of the folds that all of them have
    finished. Of several seeds it is the mean figure.

    Args:
        out: folder of the study.
        cells: see `alzedge.export.experiments.table.cells_of`.
        dataset: that they were trained on.
        on_step: called after every group and split.

    Raises:
        UserError: the folder holds trainings on other data, or damaged results or answers.
    """
    by_group: dict[str, dict[str, list[Cell]]] = {}
    for cell in cells:
        by_group.setdefault(cell.experiment.group, {}).setdefault(cell.split, []).append(cell)
    names = in_order(tuple({cell.split for cell in cells}))
    steps = sum(map(len, by_group.values()))
    done = 0
    groups = {}
    for group, of_splits in by_group.items():
        results: list[ExperimentResult] = []
        for split in [name for name in names if name in of_splits]:
            results += _of_split(out, of_splits[split], dataset)
            done += 1
            on_step(Step(done, steps, done, steps))
        groups[group] = tuple(results)
    people = f", {len(np.unique(dataset.subject))} people" if dataset.subjects_known else ", people unknown"
    return StudyResults(
        f"{dataset.name}: {len(dataset)} slices{people}",
        {name: _evaluated_on(dataset, name) for name in names},
        groups,
    )


def _of_split(out: Path, cells: list[Cell], dataset: DataSet) -> list[ExperimentResult]:
    """Results of one group on one split."""
    by_name: dict[str, _Cells] = {}
    for cell in cells:
        by_name.setdefault(cell.experiment.name, []).append((cell, finished(out, cell, dataset)))
    usable = {name: own for name, own in by_name.items() if not _failure(own) and _folds(own)}
    folds = sorted(set.intersection(*map(_folds, usable.values()))) if usable else []
    resamples: dict[str, LevelResamples] = {}
    results = []
    for name, own in by_name.items():
        result = _empty(own)
        if name in usable and folds:
            result, resamples[name] = _measured(out, dataset, own, folds, result)
        results.append(result)
    return _compared(results, resamples)


def _failure(cells: _Cells) -> str:
    """Sentence on trainings that came to an end without a model; empty where there are none."""
    failed = [(cell, result) for cell, result in cells if result and result.status != DONE]
    if not failed:
        return ""
    counts = Counter(result.status for _, result in failed)
    told = ", ".join(f"{count} of {len(cells)} {status}" for status, count in counts.items())
    return f"{told}: {failed[0][1].message}"


def _folds(cells: _Cells) -> set[int]:
    """Folds that are finished with the first seed."""
    seed = cells[0][0].experiment.plan.seeds[0]
    return {cell.fold for cell, result in cells if result and result.status == DONE and cell.seed == seed}


def _empty(cells: _Cells) -> ExperimentResult:
    experiment: Experiment = cells[0][0].experiment
    missing = sum(result is None for _, result in cells)
    problem = _failure(cells) or (f"{missing} of {len(cells)} trainings were not run" if missing else "")
    return ExperimentResult(
        name=experiment.name,
        labels=experiment.labels,
        model=experiment.model,
        reference=experiment.reference,
        split=cells[0][0].split,
        problem=problem,
        label_percent=experiment.recipe.finetune.label_percent,
    )


def _measured(
    out: Path, dataset: DataSet, cells: _Cells, folds: list[int], result: ExperimentResult
) -> tuple[ExperimentResult, LevelResamples]:
    done = {(cell.seed, cell.fold): (cell, found) for cell, found in cells if found and found.status == DONE}
    seeds = [seed for seed in dict.fromkeys(seed for seed, _ in done) if all((seed, fold) in done for fold in folds)]
    of_seeds = [Predictions.pool([answers_of(out, done[seed, fold][0], dataset) for fold in folds]) for seed in seeds]
    known = np.flatnonzero(of_seeds[0].labels != UNKNOWN_STAGE)
    first = of_seeds[0]
    subject = first.subject[known] if (first.subject != "").all() else None
    resamples = pooled_resamples([one.probabilities[known] for one in of_seeds], first.labels[known], subject)
    figures = {
        level: {
            f"{task}.{name}": with_interval(resamples[level][task, name])
            for task, names in tasks.items()
            for name in names
        }
        for level, tasks in KEPT.items()
        if level in resamples
    }
    rounded = {level: {key: one and one.rounded() for key, one in of.items()} for level, of in figures.items()}
    return replace(
        result,
        seeds=tuple(seeds),
        folds=tuple(folds),
        slices=len(known),
        people=None if subject is None else len(np.unique(subject)),
        figures=rounded,
        seconds=round(float(np.mean([done[seed, fold][1].seconds for seed in seeds for fold in folds])), 1),
    ), resamples


def _compared(results: list[ExperimentResult], resamples: dict[str, LevelResamples]) -> list[ExperimentResult]:
    """The results with their differences from their references, corrected over the group."""
    compared = list(results)
    for level, key in COMPARED:
        task, name = key.split(".")
        found = {}
        for index, result in enumerate(results):
            own, reference = resamples.get(result.name, {}), resamples.get(result.reference, {})
            if result.name != result.reference and level in own and level in reference:
                found[index] = difference(own[level][task, name], reference[level][task, name])
        told = {index: one for index, one in found.items() if one is not None}
        for (index, one), corrected in zip(told.items(), holm([one.p for one in told.values()]), strict=True):
            differences = compared[index].differences | {f"{level}.{key}": replace(one, p_holm=corrected)}
            compared[index] = replace(compared[index], differences=differences)
    return compared


def _evaluated_on(dataset: DataSet, name: str) -> EvaluationSet:
    split = split_dataset(dataset, name)
    tested = dataset.take(split.test)
    people = len(np.unique(tested.subject)) if dataset.subjects_known else None
    slices = int((tested.labels != UNKNOWN_STAGE).sum())
    return EvaluationSet(split.description, slices, people, split.unseen_people, baseline_accuracies(dataset, split))
