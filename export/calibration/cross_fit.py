"""Answers for people that neither the file nor the rule has seen: the figures that may be said of new people."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.export.calibration.fit_measures import fit_measures
from alzedge.export.calibration.slice_answers import Scans, SliceAnswers
from alzedge.inference.measures.entry import Floats
from alzedge.inference.measures.norm import NormativeCurve
from alzedge.inference.measures.rule import Measures
from alzedge.metrics.bootstrap import draw_people, ratio, with_interval
from alzedge.metrics.estimate import Figures
from alzedge.stages import STAGES

_WIDTH = 3 + 3 + len(STAGES)


@dataclass(frozen=True, eq=False)
class PersonAnswers:
    """One answer a scan, NaN where the rule lacks the part.

    Attributes:
        scans: with what is known of them.
        brain_volume, age: float64 (S, 3), value and the ends of the 90 % interval.
        probabilities: float64 (S, 4), of the stages.
        stage_set: bool (S, 4), members of the conformal set; all False where there is none.
        threshold: float64 (S,), operating threshold that was chosen without the person.
    """

    scans: Scans
    brain_volume: Floats
    age: Floats
    probabilities: Floats
    stage_set: NDArray[np.bool_]
    threshold: Floats

    @property
    def any_dementia(self) -> Floats:
        """Probability of any dementia, float64 (S,)."""
        scores: Floats = 1 - self.probabilities[:, 0]
        return scores


def cross_fit(answers: SliceAnswers, norm: NormativeCurve | None = None) -> PersonAnswers | None:
    """Fit to all folds but one, answer for that one's people, for each fold.

    Args:
        answers: each fold's by a file made without its people.
        norm: see `fit_measures`.

    Returns:
        None where nothing can be fitted.
    """
    scans = answers.scans
    table, sets = np.full((len(scans.slices), _WIDTH), np.nan), np.zeros((len(scans.slices), len(STAGES)), bool)
    threshold = np.full(len(scans.slices), np.nan)
    for fold in np.unique(answers.fold):
        fitted = fit_measures(answers.take(answers.fold != fold), norm) if (answers.fold != fold).any() else None
        if fitted is None:
            return None
        for row in np.flatnonzero(scans.fold == fold):
            table[row], sets[row] = _answer(fitted.measures, answers, scans.slices[row])
            threshold[row] = np.nan if fitted.threshold is None else fitted.threshold
    return PersonAnswers(scans, table[:, :3], table[:, 3:6], table[:, 6:], sets, threshold)


def _answer(measures: Measures, answers: SliceAnswers, slices: NDArray[np.intp]) -> tuple[Floats, NDArray[np.bool_]]:
    person = measures.person(answers.readings.take(slices))
    measured = [
        [np.nan] * 3 if one is None else [one.value, one.low, one.high]
        for one in (person.brain_volume, person.apparent_age)
    ]
    members = np.isin(np.arange(len(STAGES)), person.stage_set or ())
    return np.array([*measured[0], *measured[1], *person.probabilities]), members


def person_figures(people: PersonAnswers, rows: NDArray[np.bool_] | None = None, seed: int = 0) -> Figures:
    """Compute how often intervals and sets hold the truth, and what the operating threshold costs, over people.

    Args:
        people: see `cross_fit`.
        rows: bool (S,), the scans to count; None for all.
        seed: of the bootstrap, which draws people.

    Returns:
        `brain_volume_error` and `age_error` (mean absolute), `brain_volume_coverage` and `age_coverage` of the 90 %
        intervals, `stage_set_coverage`, the same by class of stages, `stage_set_size`,
        `stage_set_full` and `stage_set_empty` (shares of people), `sensitivity` and `specificity`; None where unknown.
    """
    scans, chosen = people.scans, np.ones(len(people.threshold), bool) if rows is None else rows
    drawn = draw_people(int(scans.person.max()) + 1, seed)[:, scans.person] * scans.weight
    held = people.stage_set[np.arange(len(chosen)), scans.stage.clip(0)]
    above = people.any_dementia >= people.threshold
    size = people.stage_set.sum(axis=1)
    examined, scored = chosen & scans.examined, np.isfinite(people.threshold)
    of = {
        "brain_volume_error": (
            np.nan_to_num(np.abs(people.brain_volume[:, 0] - scans.nwbv)),
            chosen & _told(people.brain_volume, scans.nwbv),
        ),
        "age_error": (np.nan_to_num(np.abs(people.age[:, 0] - scans.age)), chosen & _told(people.age, scans.age)),
        "brain_volume_coverage": (
            _inside(people.brain_volume, scans.nwbv),
            chosen & _told(people.brain_volume, scans.nwbv),
        ),
        "age_coverage": (_inside(people.age, scans.age), chosen & _told(people.age, scans.age)),
        "stage_set_coverage": (held, examined & scored),
        **{
            f"stage_set_coverage_{name}": (held, examined & scored & np.isin(scans.stage, own))
            for name, own in (("none", (0,)), ("very_mild", (1,)), ("mild_or_moderate", (2, 3)))
        },
        "stage_set_size": (size, chosen & scored),
        "stage_set_full": (size == len(STAGES), chosen & scored),
        "stage_set_empty": (size == 0, chosen & scored),
        "sensitivity": (above, examined & scored & (scans.stage > 0)),
        "specificity": (~above, examined & scored & (scans.stage == 0)),
    }
    return {
        name: with_interval(ratio(drawn @ (value * counted), drawn @ counted.astype(np.float64)))
        for name, (value, counted) in of.items()
    }


def _inside(measured: Floats, truth: Floats) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (measured[:, 1] <= truth) & (truth <= measured[:, 2])
    return inside


def _told(measured: Floats, truth: Floats) -> NDArray[np.bool_]:
    return np.isfinite(truth) & np.isfinite(measured[:, 0])
