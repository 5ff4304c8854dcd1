"""Tests over people: against SciPy, against brute force, and their false alarms."""

import numpy as np
import pytest
from scipy.stats import cramervonmises_2samp

from alzedge.errors import UserError
from alzedge.monitoring.drift import LEVEL, compare, find_drift
from alzedge.monitoring.measure import Measured, Sample
from alzedge.monitoring.permutation import detectable_shift, effect, holm, permutation_p
from alzedge.monitoring.quantities import WATCHED
from alzedge.monitoring.statistics import summarise


def sample(people: int, seed: int, shift: float = 0.0, **more: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(shift if name == "sharpness" else 0, 1, people) for name in WATCHED if name != "height"}
    return values | {name: np.full(people, value) for name, value in more.items()}


def measured(people: int, seed: int = 0, model: str | None = "a" * 64) -> Measured:
    return Measured("log", None, Sample(sample(people, seed), {}), model)


def test_p_values_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    for shift in (0, 0.3, 0.6):
        one, other = rng.normal(0, 1, 60), rng.normal(shift, 1.2, 40)
        expected = cramervonmises_2samp(one, other, method="asymptotic").pvalue
        assert permutation_p(one, other) == pytest.approx(expected, abs=0.015)
    few, more = np.array([1.0, 2, 4, 7]), np.array([3.0, 5, 6, 8, 9])
    exact = cramervonmises_2samp(few, more, method="exact").pvalue
    assert permutation_p(few, more) == pytest.approx(exact, abs=0.015)


def test_equal_values_are_compared_too() -> None:
    refused = np.r_[np.zeros(38), np.full(2, 0.5)]
    assert permutation_p(np.zeros(40), np.zeros(30)) == 1
    assert permutation_p(refused, refused[::2]) > 0.5
    assert permutation_p(refused, np.r_[np.zeros(20), np.ones(10)]) < 0.01


def test_holm_and_the_effects_by_hand() -> None:
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    one, other = np.array([1.0, 2, 3, 4]), np.array([2.0, 3, 5])
    delta = np.mean([np.sign(y - x) for x in one for y in other])
    found = effect(one, other)
    assert found.delta == pytest.approx(delta) and found.word == "medium"
    assert found.shift == pytest.approx((10 / 3 - 2.5) / one.std(ddof=1))
    assert found.spread == pytest.approx(other.std(ddof=1) / one.std(ddof=1))
    assert detectable_shift(100, 40, 15, 0.05) == pytest.approx(0.7066, abs=0.001)


def test_people_who_do_not_differ_raise_few_alarms_and_those_who_do_are_found() -> None:
    alarms = [bool(compare("", sample(60, 2 * seed), sample(30, 2 * seed + 1)).drifted) for seed in range(200)]
    assert sum(alarms) <= 18  # 10 are expected at most; more than 18 by accident once in 200 times
    shifted = [compare("", sample(60, 2 * seed), sample(30, 2 * seed + 1, shift=1.2)).drifted for seed in range(50)]
    assert sum("sharpness" in found for found in shifted) >= 45


def test_answers_by_another_rule_are_not_compared() -> None:
    drift = compare("", sample(40, 0, any_dementia=0.1), sample(40, 1, any_dementia=0.9))
    assert "any_dementia" in drift.drifted
    drift = compare("", sample(40, 0, any_dementia=0.1, height=15.0), sample(40, 1, any_dementia=0.9))
    assert "any_dementia" not in drift.features and "heights" in drift.left_out["any_dementia"]
    assert drift.to_json()["level"] == LEVEL


def test_too_few_people_another_model_and_unknown_people_are_refused() -> None:
    reference = summarise(measured(50))
    assert not find_drift(reference, measured(50)).drifted
    with pytest.raises(UserError, match="19 people are too few"):
        find_drift(reference, measured(19))
    with pytest.raises(UserError, match="another model"):
        find_drift(reference, measured(50, model="b" * 64))
    with pytest.raises(UserError, match="slices only"):
        find_drift(summarise(Measured("slices", measured(50).people, None, None)), measured(50))
