"""From the pooled answers of a cross-validation to rules for people, each fitted without the people it answers for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from alzedge.data.dataset import DataSet
from alzedge.data.predictions import Predictions
from alzedge.export.calibration.cross_fit import cross_fit, person_figures
from alzedge.export.calibration.fit_measures import fit_measures
from alzedge.export.calibration.slice_answers import SliceAnswers
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.rule import Measured
from alzedge.metrics.estimate import figures_to_json

# What the file says of how far intervals, sets and threshold hold on people that nothing was fitted to.
_FIGURES = "unseen_people"


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


def record_entries(answers: SliceAnswers, fold: int | None) -> dict[str, Any]:
    """Fit what a model file carries about people, without those of the fold that tests the file.

    Args:
        answers: of all folds, each by a sister of the file that was made without its people.
        fold: that the file was made without; None to fit to everybody.

    Returns:
        The record's entries `measures` and `operating_threshold`, the latter with sensitivity and specificity on the
        people of all folds, each judged by a rule and a threshold fitted without them; nothing where nothing fits.
    """
    fitted = fit_measures(answers if fold is None else answers.take(answers.fold != fold))
    people = cross_fit(answers)
    if fitted is None or people is None:
        return {}
    figures = figures_to_json(person_figures(people))
    costs = {name: figures.pop(name) for name in ("sensitivity", "specificity")}
    entries: dict[str, Any] = {"measures": fitted.measures.to_dict() | {_FIGURES: figures}}
    if fitted.threshold is not None:
        examined = people.scans.examined
        entries["operating_threshold"] = {
            "task": "any dementia",
            "score": "a person's probability of any dementia, by the rule in `measures`",
            "level": "person",
            "chosen_on": "cross-fitted answers for people of the other folds, highest Youden's J",
            "measured_on": "people of all folds, each by a sister file, a rule and a threshold made without them",
            "people": len(np.unique(people.scans.person[examined])),
            "value": round(fitted.threshold, 6),
            **costs,
        }
    return entries
