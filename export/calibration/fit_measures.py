"""Fit everything that turns the answers for slices into one person's: the record's entry `measures`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from alzedge.export.calibration.fit_norm import fit_norm
from alzedge.export.calibration.fit_parts import LEAST_OF_CLASS, LEAST_SCANS
from alzedge.export.calibration.fit_rule import FittedRule, fit_rule
from alzedge.export.calibration.slice_answers import SliceAnswers
from alzedge.inference.measures.entry import Floats
from alzedge.inference.measures.norm import NormativeCurve
from alzedge.inference.measures.readings import GROUPS, group_of, logistic
from alzedge.inference.measures.rule import ANYWHERE, Measures
from alzedge.stages import STAGES

# Every part of the people is left out once: what is left must still suffice.
_SPARE = 2


@dataclass(frozen=True)
class Fitted:
    """Rules and threshold, fitted to cross-fitted answers.

    Attributes:
        measures: the record's entry.
        threshold: operating threshold on a person's probability of any dementia, of highest Youden's J (Youden 1950) on
            people that the scoring rule was not fitted on; None where stages are unknown.
    """

    measures: Measures
    threshold: float | None


def fit_measures(answers: SliceAnswers, norm: NormativeCurve | None = None) -> Fitted | None:
    """Fit the rules, their calibration, the normative curve and the operating threshold.

    Args:
        answers: of a file for people that it was not made with, one row a slice.
        norm: a curve that was fitted to more people than these; None to fit one to these.

    Returns:
        None where nothing is known of the people that anything could be fitted to.
    """
    people = len(np.unique(answers.subject))
    if people < LEAST_SCANS:
        return None
    shares = stage_shares(answers)
    everywhere = np.full(len(answers), ANYWHERE, np.intp)
    anywhere = fit_rule(answers, everywhere, (ANYWHERE,), shares)
    if not any(_parts(anywhere)):
        return None
    group = group_of(answers.readings.height)
    groups = known_groups(answers, group)
    by_level = fit_rule(answers, group, groups, shares) if groups else None
    if by_level is not None and _parts(by_level) != _parts(anywhere):
        by_level = None  # with fewer people a group, it would answer less
    scans = answers.scans
    if norm is None:
        _, first = np.unique(scans.person, return_index=True)
        norm = fit_norm(scans.nwbv[first], scans.age[first], scans.sex[first], scans.stage[first])
    measures = Measures(people, None if by_level is None else by_level.rule, anywhere.rule, shares, norm)
    return Fitted(measures, _threshold(by_level or anywhere, answers))


def _parts(fitted: FittedRule) -> tuple[bool, ...]:
    """True for volume, age and any dementia where the rule has it."""
    return tuple(part is not None for part in (fitted.rule.brain_volume, fitted.rule.age, fitted.rule.any_dementia))


def stage_shares(answers: SliceAnswers) -> Floats:
    """Shares of the stages among people with any dementia, float64 (3,), each as if one more had it."""
    scans = answers.scans
    people = np.array([scans.weight[scans.stage == stage].sum() for stage in range(1, len(STAGES))]) + 1
    shares: Floats = people / people.sum()
    return shares


def known_groups(answers: SliceAnswers, group: NDArray[np.intp]) -> tuple[int, ...]:
    """Groups of levels with enough scans to fit all that can be fitted to all scans together."""
    enough = {
        g: _suffices(answers, np.array([(group[own] == g).any() for own in answers.scans.slices]))
        for g in range(GROUPS)
    }
    needed = _suffices(answers, np.ones(len(answers.scans.slices), bool))
    return tuple(g for g, own in enough.items() if (own | ~needed).all() and own.any())


def _suffices(answers: SliceAnswers, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True for volume, age and any dementia where some scans suffice to fit it, bool (3,)."""
    scans = answers.scans
    volume, age, without, with_ = (
        int((rows & known).sum())
        for known in (np.isfinite(scans.nwbv), np.isfinite(scans.age), scans.stage == 0, scans.stage > 0)
    )
    classes = min(without, with_) >= _SPARE * LEAST_OF_CLASS
    return np.array([volume >= _SPARE * LEAST_SCANS, age >= _SPARE * LEAST_SCANS, classes])


def _threshold(fitted: FittedRule, answers: SliceAnswers) -> float | None:
    dementia = fitted.rule.any_dementia
    if dementia is None:
        return None
    views, ratio = fitted.views, fitted.scores.ratio
    rows = np.isfinite(ratio) & answers.scans.examined[views.scan]
    rows &= views.several if (rows & views.several).any() else ~views.several
    score = logistic(dementia.scale * ratio[rows] + dementia.offset)
    ill = answers.scans.stage[views.scan[rows]] > 0
    false, true, thresholds = roc_curve(ill, score, sample_weight=views.weight[rows])
    return float(min(thresholds[np.argmax(true - false)], 1.0))  # scikit-learn's first threshold is infinite
