"""From the pooled answers of a cross-validation to rules for people, each fitted without the people it answers for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from alzedge.data.dataset import DataSet
from alzedge.data.predictions import Predictions
from alzedge.export.calibration.fit_measures import fit_measures
from alzedge.export.calibration.slice_answers import SliceAnswers
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.rule import Measured


def read_answers(path: Path, dataset: DataSet) -> SliceAnswers | None:
    """Read stored predictions of a measuring student beside what is known of the people.

    Args:
        path: predictions of slices of `dataset`, as `alzedge crossval` writes them.
        dataset: whose people are known.

    Returns:
        None where the student does not measure brain volume and age.

    Raises:
        UserError: see `alzedge.data.predictions.Predictions.load`.
    """
    stored = Predictions.load(path)
    if not (np.isfinite(stored.brain_volume).all() and np.isfinite(stored.age).all()):
        return None
    place = {image: row for row, image in enumerate(dataset.paths.tolist())}
    rows = np.array([place[image] for image in stored.paths.tolist()], np.intp)
    readings = Readings(stored.probabilities, dataset.height[rows], stored.brain_volume, stored.age)
    return SliceAnswers.of(dataset.take(rows), readings, stored.fold)


def cross_fitted_rule(answers: SliceAnswers) -> Callable[[Readings, str], Measured] | None:
    """Fit one rule for each fold on the people of all others; None where nothing can be fitted.

    Returns:
        From the readings of one scan and the person's name to the person's answer.
    """
    rules = {}
    for fold in np.unique(answers.fold).tolist():
        fitted = fit_measures(answers.take(answers.fold != fold)) if (answers.fold != fold).any() else None
        if fitted is None:
            return None
        rules[fold] = fitted.measures
    fold_of = dict(zip(answers.subject.tolist(), answers.fold.tolist(), strict=True))
    return lambda readings, person: rules[fold_of[person]].person(readings)
