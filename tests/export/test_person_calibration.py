"""Rules for whole people, fitted to answers whose law is known: recovered, covered, and honest when data are few."""

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.measured import ERRORS, HEIGHTS, INTERCEPT, SLOPE, WITHIN, made_up

from alzedge.data.dataset import UNKNOWN_STAGE
from alzedge.export.calibration.cross_fit import PersonAnswers, cross_fit, person_figures
from alzedge.export.calibration.fit_measures import Fitted, fit_measures
from alzedge.export.calibration.fit_norm import fit_norm
from alzedge.export.calibration.moments import shrunk_covariance, weighted_quantile
from alzedge.export.calibration.record_entries import person_entries
from alzedge.export.calibration.slice_answers import SliceAnswers
from alzedge.inference.measures.norm import PERCENTILES
from alzedge.inference.measures.rule import Measures

PEOPLE = 400


@pytest.fixture(scope="module")
def answers() -> SliceAnswers:
    return made_up(PEOPLE)


@pytest.fixture(scope="module")
def fitted(answers: SliceAnswers) -> Fitted:
    found = fit_measures(answers)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def unseen(answers: SliceAnswers) -> PersonAnswers:
    found = cross_fit(answers)
    assert found is not None
    return found


def test_the_law_is_recovered(fitted: Fitted) -> None:
    rule = fitted.measures.by_level
    assert rule is not None and rule.groups == tuple(range(8)) and rule.usual == pytest.approx(3)
    volume = rule.brain_volume
    assert volume is not None
    np.testing.assert_allclose(volume.slope, SLOPE, atol=0.07)
    np.testing.assert_allclose(volume.intercept + 0.75 * volume.slope, INTERCEPT + 0.75 * SLOPE, atol=0.004)
    expected = ERRORS + np.eye(8) * WITHIN**2 / 3
    np.testing.assert_allclose(volume.covariance, expected, atol=0.25 * expected[0, 0])
    np.testing.assert_allclose(volume.within, WITHIN**2, rtol=0.2)


def test_new_people_are_covered_from_all_slices_and_from_one(fitted: Fitted) -> None:
    """People of the same law that no rule has seen; four binomial standard errors around 90 %."""
    new, draw = made_up(PEOPLE, seed=9), np.random.default_rng(0)
    inside, held, widths = {}, {}, {}
    for name, number in (("all", 24), ("one", 1)):
        own = [np.sort(draw.choice(slices, number, replace=False)) for slices in new.scans.slices]
        people = [fitted.measures.person(new.readings.take(slices)) for slices in own]
        volumes = [person.brain_volume for person in people]
        inside[name] = np.mean([v.low <= y <= v.high for v, y in zip(volumes, new.scans.nwbv, strict=True)])
        widths[name] = np.mean([v.high - v.low for v in volumes])
        held[name] = np.mean([s in p.stage_set for p, s in zip(people, new.scans.stage, strict=True) if s >= 0])
    margin = 4 * np.sqrt(0.09 / PEOPLE)
    assert all(abs(share - 0.9) < margin for share in [*inside.values(), *held.values()]), (inside, held)
    assert widths["one"] > 1.05 * widths["all"]


def test_slices_of_unknown_height_get_wider_intervals(answers: SliceAnswers, fitted: Fitted) -> None:
    here = answers.readings.take(answers.scans.slices[0])
    nowhere = replace(here, height=np.full(len(HEIGHTS), np.nan))
    known, unknown = (fitted.measures.person(one).brain_volume for one in (here, nowhere))
    assert unknown.high - unknown.low > known.high - known.low
    half = replace(here, height=np.where(np.arange(len(HEIGHTS)) % 2, np.nan, here.height))
    assert (
        fitted.measures.person(half).brain_volume == fitted.measures.person(here.take(np.arange(0, 24, 2))).brain_volume
    )


def test_figures_are_measured_on_people_that_nothing_has_seen(unseen: PersonAnswers) -> None:
    figures = person_figures(unseen)
    for name in ("brain_volume_coverage", "age_coverage", "stage_set_coverage", "stage_set_coverage_none"):
        assert figures[name] is not None and abs(figures[name].value - 0.9) < 0.06, name
    assert figures["brain_volume_error"].value < 0.012
    ill, known = unseen.scans.stage > 0, unseen.scans.examined
    above = unseen.any_dementia >= unseen.threshold
    assert figures["sensitivity"].value == pytest.approx(above[ill].mean())
    assert figures["specificity"].value == pytest.approx(1 - above[known & ~ill].mean())
    assert 0.7 < figures["sensitivity"].value < 1
    # Calibrated: of people with a probability around p, about p have dementia.
    score = unseen.any_dementia[known]
    assert abs(score.mean() - ill[known].mean()) < 0.03
    top = score > np.median(score)
    assert abs(score[top].mean() - ill[known][top].mean()) < 0.06
    np.testing.assert_allclose(unseen.probabilities.sum(axis=1), 1)


def test_mild_and_moderate_dementia_rise_with_any_and_come_as_often_as_told(
    answers: SliceAnswers, fitted: Fitted
) -> None:
    new = made_up(PEOPLE, seed=9)
    stage, rows = new.scans.stage, new.scans.slices
    stages = np.array([fitted.measures.person(new.readings.take(own)).probabilities for own in rows])[stage >= 0]
    further, there = stages[:, 2:].sum(axis=1), stage[stage >= 0] > 1
    assert (np.diff(further[np.argsort(1 - stages[:, 0])]) >= -1e-12).all()
    for told in (further >= 0, further > np.median(further), further > np.quantile(further, 0.8)):
        assert abs(further[told].mean() - there[told].mean()) < 4 * np.sqrt(0.25 / told.sum()), told.sum()
    moderate = np.array(stages[:, 3] / further)
    assert np.ptp(moderate) < 1e-9  # of mild and moderate, everybody's share
    none = fit_measures(replace(answers, stage=np.minimum(answers.stage, 1)))
    assert none.measures.anywhere.any_dementia.beyond[0] == 0


def test_a_shuffled_truth_is_not_told() -> None:
    """Without any relation between slices and truth the answer is the prior and everybody's share of dementia."""
    answers = made_up(200)
    people = np.random.default_rng(1).permutation(200)
    order = (people[:, np.newaxis] * len(HEIGHTS) + np.arange(len(HEIGHTS))).ravel()
    shuffled = replace(answers, nwbv=answers.nwbv[order], age=answers.age[order], stage=answers.stage[order])
    unseen = cross_fit(shuffled)
    assert unseen is not None
    volume = unseen.brain_volume[:, 0]
    assert volume.std() < 0.3 * answers.nwbv.std()
    assert unseen.any_dementia.std() < 0.08
    figures = person_figures(unseen)
    assert figures["stage_set_coverage"].value > 0.84 and figures["stage_set_size"].value > 2.5


def test_the_entry_is_small_and_survives_the_file() -> None:
    answers = made_up(150)
    entries = person_entries(answers)
    text = json.dumps(entries["measures"])
    assert len(text) < 5200
    read = Measures.read(json.loads(json.dumps(entries)))
    assert read is not None and read.to_dict() | {"unseen": entries["measures"]["unseen"]} == entries["measures"]
    assert entries["operating_threshold"]["people"] == len(np.unique(answers.subject[answers.stage >= 0]))
    assert set(entries["measures"]["unseen"]) >= {"stage_set_coverage", "brain_volume_coverage", "sensitivity"}


def test_few_people_little_known(answers: SliceAnswers) -> None:
    """60 people, ten slices, no heights; then one group; then neither ages nor volumes; then nothing at all."""
    few = made_up(60, heights=np.arange(0.0, 10.0), folds=1)
    nowhere = replace(few, readings=replace(few.readings, height=np.full(len(few), np.nan)))
    for one, groups in ((nowhere, None), (few, (3, 4))):
        measures = fit_measures(one).measures
        assert Measures.read({"measures": measures.to_dict()}) is not None
        assert (measures.by_level and measures.by_level.groups) == groups
        assert measures.anywhere.brain_volume and measures.anywhere.age and measures.anywhere.any_dementia
    unknown = np.full(len(few), np.nan)
    stages_only = fit_measures(replace(few, nwbv=unknown, age=unknown))
    assert stages_only.measures.anywhere.brain_volume is None and stages_only.measures.norm is None
    assert stages_only.measures.person(few.readings).stage_set is not None
    healthy = fit_measures(replace(few, stage=np.minimum(few.stage, 0)))
    assert healthy.threshold is None and healthy.measures.person(few.readings).stage_set is None
    assert person_entries(few.take(np.arange(30))) == {}  # three people
    constant = replace(few, readings=replace(few.readings, brain_volume=np.full(len(few), 0.75)))
    told = fit_measures(constant).measures.person(constant.readings.take(np.arange(10))).brain_volume
    assert told.value == pytest.approx(few.scans.nwbv.mean(), abs=1e-3) and told.high - told.low > 0.1  # the prior
    nothing = replace(few, nwbv=unknown, age=unknown, stage=np.full(len(few), UNKNOWN_STAGE))
    assert fit_measures(nothing) is None and person_entries(nothing) == {}


def test_the_norm_is_that_of_people_without_dementia() -> None:
    random = np.random.default_rng(3)
    age, sex = random.uniform(20, 90, 3000), np.where(random.random(3000) < 0.6, "F", "M")
    nwbv = 0.86 - 2e-5 * (age - 20) ** 2 + 0.01 * (sex == "F") + random.normal(0, 0.015 + 0.0002 * age)
    ill = random.random(3000) < 0.2
    stage = np.where(ill, 1, np.where(age < 40, UNKNOWN_STAGE, 0))
    curve = fit_norm(np.where(ill, nwbv - 0.2, nwbv), age, sex, stage)
    assert (
        curve is not None
        and curve.people == (~ill).sum()
        and curve.offsets[0] - curve.offsets[1] == pytest.approx(0.01, abs=0.003)
    )
    ages = np.arange(20.0, 90.0, 10.0)
    for percentile, z in ((3, -1.881), (50, 0.0), (97, 1.881)):
        truth = 0.87 - 2e-5 * (ages - 20) ** 2 + z * (0.015 + 0.0002 * ages)
        np.testing.assert_allclose(curve.curve(percentile, ages, "F"), truth, atol=0.006)
    bands = np.array([curve.curve(percentile, np.arange(20, 90, 2.0)) for percentile in PERCENTILES])
    assert (np.diff(bands, axis=0) > 0).all()
    assert curve.percentile(float(curve.curve(8, np.array([74.0]), "M")[0]), 74, "M") == pytest.approx(8)
    assert curve.percentile(0.7, None) is curve.percentile(0.7, 5) is curve.percentile(0.7, 99) is None
    assert fit_norm(nwbv[:20], age[:20], sex[:20], stage[:20]) is None


def test_gaps_in_a_covariance_and_quantiles_of_few() -> None:
    errors = np.random.default_rng(0).normal(size=(50, 3)) @ np.array([[1, 0.9, 0.9], [0, 0.4, 0.3], [0, 0, 0.3]])
    errors[:25, 0] = np.nan
    errors[25:, 1] = np.nan
    assert np.linalg.eigvalsh(shrunk_covariance(errors, np.ones(50), 0.0, common=True))[0] > 0
    values = np.arange(1.0, 20.0)  # 19 people: the 18th smallest covers 90 % of the next one
    assert weighted_quantile(values, np.ones(19), 0.9) == 18
    assert weighted_quantile(values[:8], np.ones(8), 0.9) == np.inf
