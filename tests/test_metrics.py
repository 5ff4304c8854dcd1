"""Figures against hand-made cases."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from alzedge.errors import UserError
from alzedge.metrics import compare, evaluate


def case(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, labels and people: 40 people with 5 slices, the first stages right more often."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(40) % 4, 5)
    logits = rng.normal(0, 1, (200, 4))
    logits[np.arange(200), labels] += 1.5
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities, labels, np.repeat([f"p{k:02d}" for k in range(40)], 5)


def pairwise_auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """AUC by its definition: the share of pairs in the right order."""
    wins = (positive[:, None] > negative[None]).mean() + 0.5 * (positive[:, None] == negative[None]).mean()
    return float(wins)


def test_figures_per_slice_follow_their_definitions() -> None:
    p, y, who = case()
    found = evaluate(p, y, who)["slice"]
    assert found["accuracy"]["value"] == pytest.approx(np.mean(p.argmax(1) == y))
    recalls = [np.mean(p.argmax(1)[y == k] == k) for k in range(4)]
    assert found["balanced_accuracy"]["value"] == pytest.approx(np.mean(recalls))
    assert found["any_dementia_auc"]["value"] == pytest.approx(pairwise_auc(1 - p[y > 0, 0], 1 - p[y == 0, 0]))
    severe = p[:, 2:].sum(1)
    assert found["cdr1_auc"]["value"] == pytest.approx(pairwise_auc(severe[y >= 2], severe[y == 0]))
    macro = np.mean([pairwise_auc(p[y == k, k], p[y != k, k]) for k in range(4)])
    assert found["macro_auc"]["value"] == pytest.approx(macro)
    assert np.sum(found["confusion"]) == 200 and found["confusion"][1][1] == np.sum((y == 1) & (p.argmax(1) == 1))


def test_figures_are_scikit_learn_s_with_ties_too() -> None:
    p, y, who = case()
    p = np.round(p * 16) / 16  # as coarse as an int8 softmax near its ends
    found = evaluate(p, y, who)["slice"]
    assert found["any_dementia_auc"]["value"] == pytest.approx(roc_auc_score(y > 0, 1 - p[:, 0]))
    each = [roc_auc_score(y == k, p[:, k]) for k in range(4)]
    assert found["macro_auc"]["value"] == pytest.approx(np.mean(each))
    assert found["balanced_accuracy"]["value"] == pytest.approx(balanced_accuracy_score(y, p.argmax(1)))


def test_interval_is_the_percentile_bootstrap_over_people() -> None:
    p, y, who = case()
    found = evaluate(p, y, who, seed=3)["slice"]["any_dementia_auc"]
    rng, values = np.random.default_rng(3), []
    for _ in range(1000):
        index = np.concatenate([np.arange(5) + 5 * k for k in rng.integers(40, size=40)])
        values.append(roc_auc_score(y[index] > 0, 1 - p[index, 0]))
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])))


def test_a_person_is_the_mean_of_the_slices() -> None:
    p, y, who = case()
    order = np.random.default_rng(1).permutation(200)
    found = evaluate(p[order], y[order], who[order])["person"]
    means = p.reshape(40, 5, 4).mean(1)
    assert found["n"] == 40
    assert found["accuracy"]["value"] == pytest.approx(np.mean(means.argmax(1) == y[::5]))
    assert found["accuracy"]["low"] <= found["accuracy"]["value"] <= found["accuracy"]["high"]


def test_intervals_are_over_people_not_slices() -> None:
    p, y, who = case()
    copies = np.repeat(np.arange(200), 4)  # four copies of each slice add no information
    once, more = (evaluate(p[i], y[i], who[i])["slice"]["accuracy"] for i in (np.arange(200), copies))
    assert more["high"] - more["low"] == pytest.approx(once["high"] - once["low"], rel=1e-6)


def test_absent_classes_give_no_figure() -> None:
    p, y, who = case()
    only = y == 0
    found = evaluate(p[only], y[only], who[only])["slice"]
    assert found["any_dementia_auc"] is None and found["cdr1_auc"] is None
    assert found["accuracy"] is not None


def test_unknown_people_give_no_figures_per_person() -> None:
    p, y, _ = case()
    assert set(evaluate(p, y, None)) == {"slice"}


def test_nan_is_refused() -> None:
    p, y, who = case()
    p[3, 2] = np.nan
    with pytest.raises(UserError, match="NaN"):
        evaluate(p, y, who)


def test_a_loss_is_paired_so_equal_models_lose_nothing_for_certain() -> None:
    p, y, who = case()
    same = compare(p, p, y, who)["person"]["accuracy"]
    assert same["loss"] == {"value": 0, "low": 0, "high": 0}
    worse, _, _ = case(1)
    worse = (p + worse) / 2
    before, after = evaluate(p, y, who)["slice"], evaluate(worse, y, who)["slice"]
    for name, found in compare(p, worse, y, who)["slice"].items():
        assert (found["before"], found["after"]) == (before[name]["value"], after[name]["value"])
        assert found["loss"]["value"] == pytest.approx(before[name]["value"] - after[name]["value"])
        assert found["loss"]["low"] <= found["loss"]["value"] <= found["loss"]["high"]
    unpaired = (
        before["accuracy"]["high"] - before["accuracy"]["low"] + after["accuracy"]["high"] - after["accuracy"]["low"]
    )
    loss = compare(p, worse, y, who)["slice"]["accuracy"]["loss"]
    assert loss["high"] - loss["low"] < unpaired
    assert compare(p, worse, np.zeros_like(y), who)["slice"]["any_dementia_auc"] is None
