"""Entries of a model file's record that answer for whole people."""

from typing import Any

import numpy as np

from alzedge.export.calibration.cross_fit import PersonAnswers, cross_fit, person_figures
from alzedge.export.calibration.fit_measures import fit_measures
from alzedge.export.calibration.slice_answers import SliceAnswers
from alzedge.inference.measures.norm import NormativeCurve
from alzedge.metrics.estimate import Figures, figures_to_json

_DIGITS = 4


def person_entries(
    answers: SliceAnswers, norm: NormativeCurve | None = None, seed: int = 0, held_out: int | None = None
) -> dict[str, Any]:
    """Fit the entries `measures` and `operating_threshold`, and measure both on people that nothing of them has seen.

    Args:
        answers: cross-fitted, of the exported file's kind; each fold's by a file made without its people.
        norm: see `fit_measures`.
        seed: of the bootstrap.
        held_out: fold whose people test the file; the entries are fitted to all others, while what is said of people
            that nothing has seen is of all folds.

    Returns:
        The entries; `measures` holds `unseen`, the figures of `person_figures`. Empty where nothing could be fitted,
        and without `operating_threshold` where stages are unknown.
    """
    others = answers if held_out is None else answers.take(answers.fold != held_out)
    fitted, people = fit_measures(others, norm), cross_fit(answers, norm)
    if fitted is None or people is None:
        return {}
    figures = {name: figure.rounded(_DIGITS) for name, figure in person_figures(people, seed=seed).items() if figure}
    entries: dict[str, Any] = {"measures": fitted.measures.to_dict() | {"unseen": figures_to_json(dict(figures))}}
    if fitted.threshold is None:
        return entries
    return entries | {"operating_threshold": person_threshold(fitted.threshold, people, dict(figures))}


def person_threshold(value: float, people: PersonAnswers, figures: Figures) -> dict[str, Any]:
    """Entry for the operating threshold on the probability that entry `measures` gives a person.

    Args:
        value: the threshold, see `alzedge.export.calibration.fit_measures.Fitted`.
        people: answers by rules and thresholds that have not seen the person.
        figures: of `person_figures` for them.
    """
    return {
        "task": "any dementia",
        "score": "probability of any dementia per person, by entry `measures`",
        "level": "person",
        "chosen_on": "people cross-fitted, highest Youden's J",
        "value": value,
        "people": len(np.unique(people.scans.person[people.scans.examined])),
        **figures_to_json({name: figures.get(name) for name in ("sensitivity", "specificity")}),
    }
