"""Data that models were not made from: to evaluate them on, with what may be claimed then, to verify and to calibrate."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from alzedge.data.dataset import DataSet, Split
from alzedge.errors import UserError
from alzedge.export.evaluate.evaluate_models import EvaluatedSplit, evaluate_answers
from alzedge.export.evaluate.scoring import load_asker
from alzedge.inference.guard import Guard
from alzedge.metrics.bootstrap import REPLICATES
from alzedge.metrics.classification import Answers
from alzedge.metrics.split_evaluation import Exposure
from alzedge.model_file.read_write import read_record
from alzedge.monitoring.audit.overlap import Overlap, find_overlap
from alzedge.utils.progress import OnStep, Step, quiet

EXTERNAL = "external"
_CLAIM = "people unknown to the model, so far as can be told"


def external_split(dataset: DataSet, overlap: Overlap | None) -> Split:
    """Choose the slices to test on: all with a stage, but for people who are found in known data.

    Args:
        dataset: to test on.
        overlap: with known data; None where all models were made from the data set itself.

    Raises:
        UserError: nobody is left, or the data set is not external.
    """
    if overlap is None:
        raise UserError(f"All models were made from {dataset.name}, so it is not external; name another --split.")
    rows = np.flatnonzero(~overlap.seen & (dataset.labels >= 0))
    if not len(rows):
        raise UserError(
            f"{dataset.name}: no slice is left to test on. {overlap.sentence} A model made from these has seen them; name other data, or, for its unseen people, all the data that it was made from (`alzedge inspect`)."
        )
    return Split(EXTERNAL, np.array([], np.intp), rows, None, f"{dataset.name}: {_CLAIM}", None)


def external_exposure(model: Path, dataset: DataSet, split: Split, overlap: Overlap) -> Exposure:
    """Say what may be claimed of a model's figures on external data.

    Args:
        model: file; the guard in its record is asked about the slices.
        dataset, split: tested on; see `external_split`.
        overlap: of the data set with known data.
    """
    left_out = f" The {overlap.seen.sum()} slices of those found are left out." if overlap.seen.any() else ""
    statement = f"{_CLAIM[0].upper()}{_CLAIM[1:]}. {overlap.sentence}{left_out}{_guard(model, dataset, split)}"
    return Exposure(None, 0, None, statement)


def evaluate_external(
    models: Mapping[str, Path],
    dataset: DataSet,
    split: Split,
    overlap: Overlap,
    on_step: OnStep = quiet,
    replicates: int = REPLICATES,
) -> EvaluatedSplit:
    """Evaluate model files on external data; there is no training side, so no baseline has learned anything.

    Args:
        models: files by name.
        dataset, split, overlap: see `external_split`.
        on_step: called after every model.
        replicates: resamples of the bootstrap.
    """
    answers: dict[str, Answers] = {}
    exposures: dict[str, Exposure] = {}
    for done, (name, path) in enumerate(models.items(), start=1):
        answers[name] = load_asker(path)(dataset, split.test).readings.probabilities
        exposures[name] = external_exposure(path, dataset, split, overlap)
        on_step(Step(done, len(models), done, len(models)))
    return evaluate_answers(answers, exposures, dataset, split, {}, None, replicates)


def _guard(model: Path, dataset: DataSet, split: Split) -> str:
    """A sentence on slices that the model would refuse to answer; the figures are of its answers to all."""
    guard = read_record(model).get("guard")
    if guard is None:
        return ""
    refused = int((Guard.from_dict(guard).unlikeness(dataset.images[split.test]) > 1).sum())
    return f" Of the {len(split.test)} slices tested its guard would refuse {refused}."


def test_slices(test: DataSet, dataset: DataSet) -> DataSet:
    """Slices of other data to verify an exported file on, without the people who are found in known data.

    Args:
        test: data to test on.
        dataset: that the student was made from.

    Raises:
        UserError: nobody is left.
    """
    return test.take(external_split(test, find_overlap(test, [dataset])).test)


def calibration_split(calibration: DataSet, tested: DataSet) -> Split:
    """Slices of other data to calibrate on, as the training side of a split, without those that test.

    Raises:
        UserError: all of them test.
    """
    left = np.flatnonzero(~find_overlap(calibration, [tested], archive=False).seen)
    if not len(left):
        raise UserError(
            f"{calibration.name}: all slices are found among those that test; name other data to calibrate on."
        )
    return Split("elsewhere", left, np.array([], np.intp), None, f"calibrated on {calibration.name}", None)
