"""Evidence on people: who they are, groups by age and sex, age-adjusted areas, table baselines, measured quantities."""

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.two_sources import TWICE, asked, folds, two_sources
from sklearn.metrics import roc_auc_score

from alzedge.data.dataset import DataSet
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.rule import Measured
from alzedge.metrics.bootstrap import draw_people
from alzedge.metrics.people.age_adjusted import age_adjusted_auc
from alzedge.metrics.people.baselines import baseline_answers, permuted_baselines, side_people
from alzedge.metrics.people.cohort import cohort_of, demographics
from alzedge.metrics.people.evidence import source_figures
from alzedge.metrics.people.groups import cross_fitted_threshold
from alzedge.metrics.people.person_answers import mean_over_slices
from alzedge.metrics.people.quantities import agreement, retest
from alzedge.metrics.people_figures import SourceFigures
from alzedge.metrics.split_evaluation import SplitEvaluation

FEW = 40


@pytest.fixture(scope="module")
def data() -> DataSet:
    return two_sources()


@pytest.fixture(scope="module")
def found(data: DataSet) -> dict[str, SourceFigures]:
    return source_figures({"model": asked(data)}, data, np.arange(len(data)), folds(data), replicates=FEW)


def test_people_are_the_unit_and_each_source_stands_alone(data: DataSet, found: dict[str, SourceFigures]) -> None:
    assert list(found) == ["kaggle", "oasis1"]
    whole = found["oasis1"].people["test"]
    assert (whole.people, whole.scans, whole.slices) == (60, 68, 136)
    assert whole.stages["unknown"] == 10 and whole.sexes == {"F": 30, "M": 30}
    assert whole.groups["all"] == 60 and whole.groups["60_up"] + whole.groups["under_60"] == 59  # one age is unknown
    assert whole.values["age"].known == 59 and "education" not in whole.values
    cohort = cohort_of(data, np.flatnonzero(data.source == "oasis1"))
    assert all(len(places) == 2 for places in cohort.slices) and sum(map(len, cohort.again)) == 2 * TWICE
    assert demographics(data, np.array([], np.intp)).people == 0


def test_groups_are_scikit_learn_s_areas_of_the_people_with_a_stage(
    data: DataSet, found: dict[str, SourceFigures]
) -> None:
    rows = np.flatnonzero(data.source == "oasis1")
    cohort = cohort_of(data, rows)
    probabilities = asked(data).readings.probabilities[rows]
    score = np.array([1 - probabilities[places, 0].mean() for places in cohort.slices])
    ranked = found["oasis1"].models["model"]["any_dementia"]
    for group, members in cohort.groups().items():
        chosen = members & (cohort.labels >= 0)
        figures = ranked[group]
        assert (figures.people, figures.positive) == (chosen.sum(), (cohort.labels[chosen] > 0).sum())
        auc = figures.figures["roc_auc"]
        if min(figures.positive, figures.people - figures.positive) < 5:
            assert auc is None and figures.figures["ece"] is None
        else:
            assert auc and auc.value == pytest.approx(roc_auc_score(cohort.labels[chosen] > 0, score[chosen]))
            assert auc.low <= auc.value <= auc.high
    everybody = ranked["all"].figures
    assert all(everybody[name] for name in ("sensitivity", "specificity", "ece", "excess", "roc_auc_age_adjusted"))
    assert everybody["roc_auc_above_csf"] and ranked["all"].people == 50


def test_table_baselines_are_cross_fitted_and_chance_is_chance(data: DataSet, found: dict[str, SourceFigures]) -> None:
    baselines = found["oasis1"].baselines
    assert list(baselines) == ["csf", "histogram", "age", "nwbv", "nwbv_age_sex", "mmse"]
    assert baselines["age"]["any_dementia"]["all"].figures["roc_auc_age_adjusted"] is None  # 0.5 by definition
    mmse, age = (baselines[name]["any_dementia"]["all"].figures["roc_auc"] for name in ("mmse", "age"))
    assert mmse and age and mmse.value == 1 and 0.5 < age.value < 1
    sides = [(a[data.source[a] == "oasis1"], b[data.source[b] == "oasis1"]) for a, b in folds(data)]
    blind = replace(data, labels=np.where(data.subject == "p003", 0, data.labels))
    own = set(data.subject[sides[3][1]])
    changed, kept = (baseline_answers(side_people(one, sides)) for one in (blind, data))
    at = side_people(data, sides).test.subject.tolist().index("p003")
    assert "p003" in own and np.allclose(changed["nwbv"]["any_dementia"][at], kept["nwbv"]["any_dementia"][at])
    permuted = permuted_baselines(side_people(data, sides), 10, 0)
    for name in ("csf", "nwbv_age_sex"):
        chance = permuted[name].figures["roc_auc"]
        assert chance and 0.35 < chance.value < 0.6 and chance.low < 0.5, name
    leaking = side_people(data, [(np.concatenate([b for _, b in sides]),) * 2])
    leak = permuted_baselines(leaking, 5, 0)["nwbv_age_sex"].figures["roc_auc"]
    assert leak and leak.value > 0.55  # the same people train and test: even permuted labels are learned


def test_a_score_that_follows_age_alone_is_worth_nothing_among_people_of_similar_age() -> None:
    rng = np.random.default_rng(0)
    age = np.concatenate([rng.normal(68, 9, 300), rng.normal(76, 7, 200)])
    ill = np.arange(500) >= 300
    noise = rng.normal(0, 1, 500)
    weights = draw_people(500, 0, 20)
    raw, adjusted = roc_auc_score(ill, age), age_adjusted_auc(ill, age, age, weights)
    assert raw > 0.7 and adjusted.shape == (21,) and abs(adjusted[0] - 0.5) < 0.05
    aside = age_adjusted_auc(ill, noise + ill, age, weights)
    assert aside[0] == pytest.approx(roc_auc_score(ill, noise + ill), abs=0.04)
    assert age_adjusted_auc(ill, np.zeros(500), age, weights)[0] == pytest.approx(0.5)
    far = np.where(ill, 90.0, 30.0)  # nobody of similar age
    assert np.isnan(age_adjusted_auc(ill, noise, far, weights)).all()
    twice = np.concatenate([np.arange(500), np.arange(100)])  # a weight of 2 is the person twice
    counts = np.bincount(twice, minlength=500)[np.newaxis].astype(float)
    np.testing.assert_allclose(
        age_adjusted_auc(ill, noise, age, counts),
        age_adjusted_auc(ill[twice], noise[twice], age[twice], np.ones((1, 600))),
    )


def test_thresholds_are_chosen_on_the_others() -> None:
    score = np.array([0.1, 0.6, 0.2, 0.9, 0.3, 0.4])
    labels, part = np.array([0, 1, 0, 2, -1, 1]), np.array([0, 0, 1, 1, 2, 2])
    threshold = cross_fitted_threshold(score, labels, part)
    assert threshold is not None and threshold.tolist() == [0.4, 0.4, 0.4, 0.4, 0.6, 0.6]
    assert cross_fitted_threshold(score, labels, np.zeros(6, int)) is None


def test_measures_agree_with_numpy_and_two_scans_with_one_another(
    data: DataSet, found: dict[str, SourceFigures]
) -> None:
    volume = found["oasis1"].measures["model"]["brain_volume"]
    slices, people = volume["slice"], volume["person"]
    assert (slices.n, slices.people, people.n) == (136, 60, 60)
    figures = {name: of.value for name, of in people.figures.items() if of}
    assert figures["bias"] == pytest.approx(0.01) and figures["mae"] == pytest.approx(0.01)
    assert figures["r"] == pytest.approx(1) and figures["loa_high"] - figures["loa_low"] < 1e-6
    assert figures["retest_sd"] == pytest.approx(figures["retest_sd_table"], abs=1e-9)
    assert "retest_sd" not in found["kaggle"].measures["model"]["brain_volume"]["person"].figures
    assert found["oasis1"].measures["model"]["age"]["person"].people == 59
    rng = np.random.default_rng(0)
    truth = rng.normal(0.75, 0.05, 30)
    measured = truth + rng.normal(0.01, 0.02, 30)
    weights = draw_people(30, 0, 50)
    one = agreement(measured, truth, np.arange(30), weights)
    assert one and one.figures["r"] and one.figures["r"].value == pytest.approx(np.corrcoef(measured, truth)[0, 1])
    low = one.figures["loa_low"]
    difference = measured - truth
    assert low and low.value == pytest.approx(difference.mean() - 1.96 * difference.std())
    again = retest(measured, truth, weights)
    assert again is not None and again[0] == pytest.approx(difference.std(ddof=1)) and np.isfinite(again).all()
    few = np.where(np.arange(30) < 4, truth, np.nan)
    assert agreement(measured, few, np.arange(30), weights) is None and retest(measured, few, weights) is None


def test_a_model_s_own_rule_gives_intervals_and_sets_and_their_coverage(data: DataSet) -> None:
    def rule(readings: Readings, person: str) -> Measured:
        mean = mean_over_slices(readings)
        assert mean.brain_volume and mean.apparent_age and person.startswith("p")
        volume, age = mean.brain_volume.value - 0.01, mean.apparent_age.value
        stages = (0, 1) if int(person[1:]) % 2 else (0, 1, 2, 3)
        return Measured(
            mean.probabilities, BrainVolume(volume, volume - 0.001, volume + 0.001), ApparentAge(age, 0, 1), stages
        )

    one = replace(asked(data), rule=rule, threshold=0.5)
    rows = np.flatnonzero(data.source == "oasis1")
    ruled = replace(one, readings=one.readings.take(rows))
    measures = source_figures({"ruled": ruled}, data, rows, [(rows[:0], rows)], replicates=20)["oasis1"]
    coverage = measures.measures["ruled"]["brain_volume"]["person"].figures["coverage"]
    assert coverage and coverage.value == 1 and not measures.baselines and not measures.permuted
    age = measures.measures["ruled"]["age"]["person"].figures["coverage"]
    sets = measures.measures["ruled"]["stage_set"]["person"].figures
    size, held = sets["size_of_sets"], sets["coverage_of_sets"]
    assert age and age.value == 0 and size and size.value == pytest.approx(3) and held and 0.5 < held.value < 1


def test_the_figures_come_back_from_json_and_old_files_have_none(found: dict[str, SourceFigures]) -> None:
    for of in found.values():
        assert SourceFigures.from_json(json.loads(json.dumps(of.to_json()))) == of
    old = {"labels": [], "description": "", "slices": 1, "people": 1, "unseen_people": True, "floors": {}}
    split = SplitEvaluation.from_json(old | {"models": {}, "exposure": {}, "differences": {}})
    assert split.sources == {} and "sources" not in split.to_json()
    assert SplitEvaluation.from_json(replace(split, sources=found).to_json()).sources == found
