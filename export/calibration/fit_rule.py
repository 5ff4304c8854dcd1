"""Fit the rule for one person's slices, and calibrate it on people that it was not fitted on."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from alzedge.export.calibration.fit_parts import fit_discriminant, fit_regression, group_scans
from alzedge.export.calibration.moments import weighted_quantile
from alzedge.export.calibration.slice_answers import SliceAnswers
from alzedge.inference.measures.discriminant import Discriminant
from alzedge.inference.measures.entry import Floats
from alzedge.inference.measures.readings import group_means
from alzedge.inference.measures.regression import Regression
from alzedge.inference.measures.rule import PersonRule
from alzedge.inference.measures.stage_sets import CLASS_OF_STAGE, CLASSES, STAGE_COVERAGE, improbability

_COVERAGE = 0.9  # of the intervals
_DRAWN = 2  # slices of each scan that are asked about one by one
_INNER_FOLDS = 5  # where the answers were cross-fitted in no folds of their own
_LOOSE = 100.0  # inverse strength of the penalty on a logistic regression's slope


@dataclass(frozen=True, eq=False)
class Views:
    """Subsets of scans' slices: all of them, and single ones.

    Attributes:
        scan: int (V,), row of the scan.
        slices: of each view, rows of its slices.
        several: bool (V,), more than one slice.
        weight: float64 (V,), people that each view stands for, among those with several slices or those with one.
    """

    scan: NDArray[np.intp]
    slices: tuple[NDArray[np.intp], ...]
    several: NDArray[np.bool_]
    weight: Floats


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of views by rules that were fitted without their people; NaN where a rule lacks the part.

    Attributes:
        brain_volume, age: float64 (V, 2), mean and standard deviation.
        ratio: float64 (V,), log likelihood ratio of any dementia.
    """

    brain_volume: Floats
    age: Floats
    ratio: Floats


@dataclass(frozen=True, eq=False)
class FittedRule:
    """A calibrated rule, with the scores that it was calibrated on.

    Attributes:
        rule: as models carry it.
        views, scores: see there.
    """

    rule: PersonRule
    views: Views
    scores: Scores


def fit_rule(answers: SliceAnswers, group: NDArray[np.intp], groups: tuple[int, ...], shares: Floats) -> FittedRule:
    """Fit and calibrate a rule.

    Interval factors, logistic regressions and the conformal limits come from scores of people that the scoring rule was not
    fitted on (cross-conformal prediction, Vovk 2015, doi 10.1007/s10472-013-9368-4).

    Args:
        answers: of people with what is known of them.
        group: int (N,), group of levels of each slice; others than `groups` are left out.
        groups: G groups.
        shares: float64 (3,), see `stages_of`.
    """
    views = make_views(answers, np.isin(group, groups))
    scores = _cross_fitted_scores(answers, group, groups, views)
    rule = _uncalibrated(answers, group, groups)
    scans = answers.scans
    volume = rule.brain_volume and _with_factor(rule.brain_volume, scores.brain_volume, scans.nwbv, views)
    age = rule.age and _with_factor(rule.age, scores.age, scans.age, views)
    dementia = rule.any_dementia and _with_platt(rule.any_dementia, scores.ratio, answers, views)
    dementia = dementia and _with_beyond(dementia, scores.ratio, answers, views, shares)
    dementia = dementia and _with_limits(dementia, scores.ratio, answers, views, shares)
    return FittedRule(replace(rule, brain_volume=volume, age=age, any_dementia=dementia), views, scores)


def make_views(answers: SliceAnswers, usable: NDArray[np.bool_]) -> Views:
    """Views of every scan: all its usable slices, and `_DRAWN` of them alone, drawn by a fixed seed."""
    draw = np.random.default_rng(0)
    views: list[tuple[int, NDArray[np.intp], float]] = []
    for row, slices in enumerate(answers.scans.slices):
        own = slices[usable[slices]]
        views += [(row, own, 1.0)] if len(own) > 1 else []
        drawn = draw.permutation(own)[:_DRAWN]
        views += [(row, drawn[i : i + 1], 1 / len(drawn)) for i in range(len(drawn))]
    scan = np.array([row for row, _, _ in views], np.intp)
    weight = np.array([share for _, _, share in views]) * answers.scans.weight[scan]
    return Views(scan, tuple(own for _, own, _ in views), np.array([len(own) > 1 for _, own, _ in views], bool), weight)


def score(rule: PersonRule, answers: SliceAnswers, group: NDArray[np.intp], slices: NDArray[np.intp]) -> list[float]:
    """Score one view: mean and deviation of volume and of age, likelihood ratio of any dementia; NaN where absent."""
    readings, own = answers.readings.take(slices), group[slices]
    told: list[float] = []
    for part, output in ((rule.brain_volume, readings.brain_volume), (rule.age, readings.age)):
        if part is None or output is None:
            told += [np.nan, np.nan]
        else:
            means, count = group_means(output[:, np.newaxis], own, rule.groups)
            told += part.posterior(means[:, 0], count, rule.usual)
    if rule.any_dementia is None:
        return [*told, np.nan]
    means, count = group_means(readings.evidence(), own, rule.groups)
    return [*told, rule.any_dementia.ratio(means, count, rule.usual)]


def _uncalibrated(answers: SliceAnswers, group: NDArray[np.intp], groups: tuple[int, ...]) -> PersonRule:
    scans, readings = answers.scans, answers.readings
    evidence = group_scans(readings.evidence(), group, groups, scans)
    parts: list[Regression | None] = []
    for output, truth in ((readings.brain_volume, scans.nwbv), (readings.age, scans.age)):
        grouped = None if output is None else group_scans(output[:, np.newaxis], group, groups, scans)
        parts.append(None if grouped is None else fit_regression(grouped, truth, scans.weight))
    volume, age = parts
    discriminant = fit_discriminant(evidence, scans.stage > 0, scans.examined, scans.weight)
    return PersonRule(groups, evidence.usual, volume, age, discriminant)


def _cross_fitted_scores(
    answers: SliceAnswers, group: NDArray[np.intp], groups: tuple[int, ...], views: Views
) -> Scores:
    folds = inner_folds(answers)
    table = np.full((len(views.slices), 5), np.nan)
    for fold in np.unique(folds):
        kept = folds[answers.scans.person_of_slice] != fold
        rule = _uncalibrated(answers.take(kept), group[kept], groups)
        for row in np.flatnonzero(folds[answers.scans.person[views.scan]] == fold):
            table[row] = score(rule, answers, group, views.slices[row])
    return Scores(table[:, :2], table[:, 2:4], table[:, 4])


def inner_folds(answers: SliceAnswers) -> NDArray[np.int64]:
    """Part of each person, int64 (people,): the answers' own fold, or one of five where they have a single fold."""
    scans = answers.scans
    folds = np.zeros(scans.person.max() + 1, np.int64)
    folds[scans.person] = scans.fold
    return folds if len(np.unique(folds)) > 1 else np.arange(len(folds)) % _INNER_FOLDS


def _with_factor(part: Regression, scores: Floats, truth: Floats, views: Views) -> Regression:
    """The regression with the factors that make its intervals cover their share of the people."""
    missed = np.abs(truth[views.scan] - scores[:, 0]) / scores[:, 1]
    return replace(part, factor=_by_number(missed, views, _COVERAGE, part.factor))


def _with_platt(part: Discriminant, ratio: Floats, answers: SliceAnswers, views: Views) -> Discriminant | None:
    """The discriminant with the logistic regression of any dementia on its likelihood ratio (Platt 1999).

    None where too few people are left when a part is held out to score people of both kinds.
    """
    scans = answers.scans
    known = np.isfinite(ratio) & scans.examined[views.scan]
    rows = known & views.several if (known & views.several).any() else known
    ill = scans.stage[views.scan[rows]] > 0
    if ill.all() or not ill.any():
        return None
    share = float(np.average(ill, weights=views.weight[rows]))
    scale, offset = _logistic(ratio[rows], ill, views.weight[rows], share)
    return replace(part, scale=scale, offset=offset)


def _with_beyond(
    part: Discriminant, ratio: Floats, answers: SliceAnswers, views: Views, shares: Floats
) -> Discriminant:
    """The discriminant with the logistic regression of mild or moderate dementia among people with any."""
    stage = answers.scans.stage[views.scan]
    rows = np.isfinite(ratio) & (stage > 0)
    rows &= views.several if (rows & views.several).any() else ~views.several
    beyond = _logistic(ratio[rows], stage[rows] > 1, views.weight[rows], float(shares[1:].sum()))
    return replace(part, beyond=np.array(beyond))


def _logistic(ratio: Floats, positive: NDArray[np.bool_], weight: Floats, share: float) -> tuple[float, float]:
    """Scale and offset of log odds; those of `share` for everybody where the ratio tells nothing."""
    if positive.any() and not positive.all():
        fitted = LogisticRegression(C=_LOOSE, max_iter=1000)
        fitted.fit(ratio[:, np.newaxis], positive, sample_weight=weight)
        if fitted.coef_[0, 0] > 0:
            return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return 0.0, float(np.log(share / (1 - share)))


def _with_limits(
    part: Discriminant, ratio: Floats, answers: SliceAnswers, views: Views, shares: Floats
) -> Discriminant:
    """The discriminant with the conformal limits of each class of stages."""
    own = np.array((*CLASS_OF_STAGE, -1))[answers.scans.stage[views.scan]]  # -1 where the stage is unknown
    scores = np.full((len(ratio), CLASSES), np.nan)
    stages = part.stages(ratio, shares)
    for row in np.flatnonzero(np.isfinite(ratio) & (own >= 0)):
        scores[row, own[row]] = improbability(stages[row])[own[row]]
    limits = [_by_number(column, views, STAGE_COVERAGE, (1.0, 1.0)) for column in scores.T]
    return replace(part, stage_limit=np.array(limits).T)


def _by_number(values: Floats, views: Views, level: float, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Conformal quantiles for one slice and for several; where one of the two has no views, the other's."""
    found = []
    for several in (False, True):
        rows = np.isfinite(values) & (views.several == several)
        found.append(weighted_quantile(values[rows], views.weight[rows], level) if rows.any() else np.nan)
    one, many = (other if np.isnan(own) else own for own, other in (found, found[::-1]))
    return (one if np.isfinite(one) else otherwise[0], many if np.isfinite(many) else otherwise[1])
