"""Evaluation of models of every kind on the test side of a split, by the same code for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet, Split
from alzedge.errors import UserError
from alzedge.export.evaluate.exposure import exposure
from alzedge.export.evaluate.scoring import load_asker
from alzedge.inference.measures.readings import Readings
from alzedge.metrics.baselines import Sides
from alzedge.metrics.bootstrap import REPLICATES
from alzedge.metrics.classification import Answers, differences, evaluate_levels, make_levels
from alzedge.metrics.evaluation import Evaluation
from alzedge.metrics.nearest_neighbour import baseline_accuracies
from alzedge.metrics.people.evidence import Asked, source_figures
from alzedge.metrics.scores import Level, Resamples, resample
from alzedge.metrics.split_evaluation import Differences, EvaluationSet, Exposure, SplitEvaluation
from alzedge.stages import STAGES
from alzedge.utils.progress import OnStep, Step, quiet

SEED = 0  # the resamples are the same for all models, runs and commands


@dataclass(frozen=True, eq=False)
class EvaluatedSplit:
    """Models evaluated on one test set, with their answers.

    Attributes:
        evaluation: the figures.
        answers: by name of the model the probabilities (N, 4), for the slices whose stage is known.
        labels: int64 (N,), of these slices.
        subject: str (N,), or None when people are unknown.
        asked: by name of the model everything that it says of all slices tested.
        rows: int, these slices in the data set.
    """

    evaluation: SplitEvaluation
    answers: Mapping[str, Answers]
    labels: NDArray[np.int64]
    subject: NDArray[np.str_] | None
    asked: Mapping[str, Asked]
    rows: NDArray[np.intp]


def evaluate_models(
    models: Mapping[str, Path],
    dataset: DataSet,
    split: Split,
    on_step: OnStep = quiet,
    teacher: str | None = None,
    replicates: int = REPLICATES,
) -> SplitEvaluation:
    """Evaluate models that were made with one split, on its test side.

    Args:
        models: files by name.
        dataset, split: to test on.
        on_step: called after every model.
        teacher: name of the model that the others are compared with.
        replicates: resamples of the bootstrap.
    """
    answers = {}
    for done, (name, path) in enumerate(models.items(), start=1):
        answers[name] = load_asker(path)(dataset, split.test)
        on_step(Step(done, len(models), done, len(models)))
    seen = exposure(split, split, dataset)
    baselines = baseline_accuracies(dataset, split)
    exposures = dict.fromkeys(models, seen)
    return evaluate_answers(answers, exposures, dataset, split, baselines, teacher, replicates).evaluation


def evaluate_answers(
    answers: Mapping[str, Answers | Asked],
    exposures: Mapping[str, Exposure],
    dataset: DataSet,
    split: Split,
    baselines: Mapping[str, float],
    teacher: str | None,
    replicates: int = REPLICATES,
    refused: dict[str, str] | None = None,
    sides: Sides | None = None,
) -> EvaluatedSplit:
    """Evaluate answers for the test side of a split.

    Slices whose stage is unknown count for what is measured alone.

    Args:
        answers: by name of the model, probabilities (N, 4), or these with what else it says.
        exposures: by name of the model.
        dataset, split, teacher, replicates: see `evaluate_models`.
        baselines: accuracy by baseline.
        refused: see `SplitEvaluation`.
        sides: that baselines on people are fitted to and tested on; those of the split where None.

    Raises:
        UserError: nobody tested has a stage; or see `alzedge.metrics.classification.evaluate`; names the model.
    """
    asked = {name: _as_asked(given, dataset, split.test) for name, given in answers.items()}
    known = np.flatnonzero(dataset.labels[split.test] != UNKNOWN_STAGE)
    if not len(known):
        raise UserError(f"{dataset.name}: nobody tested has a stage, so no figure can be given; name --people.")
    staged = {name: one.readings.probabilities[known] for name, one in asked.items()}
    labels = dataset.labels[split.test][known]
    subject = dataset.subject[split.test][known] if dataset.subjects_known else None
    models: dict[str, Evaluation] = {}
    from_first: dict[str, Differences] = {}
    first: dict[str, Resamples] = {}
    for name, given in staged.items():
        beside = staged.get(teacher) if teacher not in (None, name) else None
        levels = _named_levels(name, given, labels, subject, beside)
        resamples = {level: resample(rows, SEED, replicates) for level, rows in levels.items()}
        models[name] = evaluate_levels(levels, resamples)
        if first:
            from_first[name] = {level: differences(first[level], resamples[level]) for level in resamples}
        first = first or resamples
    people = None if subject is None else len(np.unique(subject))
    evaluated_on = EvaluationSet(split.description, len(labels), people, split.unseen_people, dict(baselines))
    sources = {}
    if subject is not None:
        own_sides = [(split.train, split.test)] if sides is None else sides
        sources = source_figures(asked, dataset, split.test, own_sides, SEED, replicates)
    evaluation = SplitEvaluation(STAGES, evaluated_on, models, dict(exposures), from_first, refused, sources)
    return EvaluatedSplit(evaluation, staged, labels, subject, asked, split.test)


def _as_asked(given: Answers | Asked, dataset: DataSet, rows: NDArray[np.intp]) -> Asked:
    if isinstance(given, Asked):
        return given
    return Asked(Readings(np.asarray(given, np.float64), dataset.height[rows]))


def _named_levels(
    name: str, answers: Answers, labels: NDArray[np.int64], subject: NDArray[np.str_] | None, teacher: Answers | None
) -> dict[str, Level]:
    """Make levels; a refusal names the model."""
    try:
        return make_levels(answers, labels, subject, teacher)
    except UserError as error:
        raise UserError(f"{name}: {error}") from error
