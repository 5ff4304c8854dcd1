"""The rule for a person's answer behind pooled predictions: of each fold, fitted to the people of the others."""

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.export.calibration.fit_measures import fit_measures
from alzedge.export.calibration.slice_answers import SliceAnswers
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.rule import Measured, Measures
from alzedge.metrics.people.person_answers import PersonRule, mean_over_slices


def cross_fitted_rule(readings: Readings, dataset: DataSet, fold: NDArray[np.int64]) -> PersonRule:
    """Fit the rule of `alzedge.export.calibration.fit_measures` once for each fold, to the people of all others.

    So neither the model that answers nor the rule has seen the person asked about.

    Args:
        readings: of N slices; the mean over slices is the rule where the model measures nothing.
        dataset: the N slices.
        fold: int64 (N,), the fold that the answering model held out.
    """
    if readings.brain_volume is None or not dataset.subjects_known or len(np.unique(fold)) < 2:
        return mean_over_slices
    answers = SliceAnswers.of(dataset, readings, fold)
    fitted = {int(own): fit_measures(answers.take(answers.fold != own)) for own in np.unique(fold)}
    if any(one is None for one in fitted.values()):
        return mean_over_slices  # too few people to fit anything to
    rules: dict[int, Measures] = {own: one.measures for own, one in fitted.items() if one is not None}
    fold_of = dict(zip(dataset.subject.tolist(), fold.tolist(), strict=True))

    def rule(asked: Readings, person: str) -> Measured:
        return rules[fold_of[person]].person(asked)

    return rule
