"""Figures against scikit-learn and hand-made cases."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from alzedge.errors import UserError
from alzedge.metrics.classification import compare, evaluate
from alzedge.metrics.scores import PROBABILITY_FLOOR
from alzedge.metrics.tasks import ANY_DEMENTIA, TASKS, normalised


def case(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, labels and people: 40 people with 5 slices, the first stages right more often."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(40) % 4, 5)
    logits = rng.normal(0, 1, (200, 4))
    logits[np.arange(200), labels] += 1.5
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities, labels, np.repeat([f"p{k:02d}" for k in range(40)], 5)


def coarse(p: np.ndarray) -> np.ndarray:
    """As an int8 softmax near its ends: ties, and exact zeros."""
    rounded = np.round(p * 16) / 16
    return rounded / rounded.sum(axis=1, keepdims=True)


def expected(task: Any, p: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Every figure of one task by scikit-learn."""
    truth, scores = task.labels(y), task.scores(p)
    truth, scores = truth[truth >= 0], scores[task.labels(y) >= 0]
    answers, classes = scores.argmax(axis=1), list(range(len(task.classes)))
    shares = normalised(scores)
    floored = normalised(np.maximum(shares, PROBABILITY_FLOOR))
    found = {
        "accuracy": sk.accuracy_score(truth, answers),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, answers),
        "macro_f1": sk.f1_score(truth, answers, average="macro"),
        "weighted_f1": sk.f1_score(truth, answers, average="weighted"),
        "log_loss": sk.log_loss(truth, floored, labels=classes),
        "brier": sk.brier_score_loss(truth, shares[:, 1] if task.binary else shares, labels=classes),
    }
    if task.binary:
        return found | one_class(truth == 1, answers == 1, scores[:, 1])
    onehot = np.eye(len(classes))[truth]
    for average in ("macro", "micro"):
        found[f"{average}_roc_auc"] = sk.roc_auc_score(onehot, scores, average=average)
        found[f"{average}_pr_auc"] = sk.average_precision_score(onehot, scores, average=average)
    by_class = {name: one_class(truth == k, answers == k, scores[:, k]) for k, name in enumerate(task.classes)}
    return found | {"by_class": by_class}


def one_class(truth: np.ndarray, answers: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    return {
        "sensitivity": sk.recall_score(truth, answers),
        "specificity": sk.recall_score(~truth, ~answers),
        "roc_auc": sk.roc_auc_score(truth, scores),
        "pr_auc": sk.average_precision_score(truth, scores),
    }


def assert_equal(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for name, value in wanted.items():
        if isinstance(value, dict):
            assert_equal(found[name], value)
        else:
            assert found[name]["value"] == pytest.approx(value, abs=1e-12), name
            assert found[name]["low"] <= found[name]["value"] <= found[name]["high"], name


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("level", ["slice", "person"])
@pytest.mark.parametrize("spread", [lambda p: p, coarse], ids=["float", "coarse"])
def test_every_figure_is_scikit_learn_s(task: Any, level: str, spread: Any) -> None:
    p, y, who = case()
    p = spread(p)
    found = evaluate(p, y, who)[level][task.name]
    if level == "person":
        p, y = p.reshape(40, 5, 4).mean(axis=1), y[::5]
    assert_equal(found, expected(task, p, y))
    truth, answers = task.labels(y), task.scores(p).argmax(axis=1)
    chosen = truth >= 0
    assert found["confusion"] == sk.confusion_matrix(truth[chosen], answers[chosen]).tolist()
    assert found["n"] == chosen.sum() and not found["notes"]
    assert found["people"] == {name: 10 * len(group) for name, group in zip(task.classes, task.groups, strict=True)}


@pytest.mark.parametrize("figure", ["roc_auc", "pr_auc", "ece", "sensitivity", "log_loss"])
def test_interval_is_the_percentile_bootstrap_over_people(figure: str) -> None:
    p, y, who = case()
    p = coarse(p)
    found = evaluate(p, y, who, seed=3)["slice"]["any_dementia"][figure]
    rng, values = np.random.default_rng(3), []
    for drawn in rng.integers(40, size=(1000, 40)):
        index = np.concatenate([np.arange(5) + 5 * k for k in drawn])
        values.append(by_hand(figure, p[index], y[index]))
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])))


def by_hand(figure: str, p: np.ndarray, y: np.ndarray) -> float:
    both = ANY_DEMENTIA.scores(p)
    positive, score = y > 0, both[:, 1]
    return {
        "roc_auc": lambda: sk.roc_auc_score(positive, score),
        "pr_auc": lambda: sk.average_precision_score(positive, score),
        "sensitivity": lambda: float((score > 0.5)[positive].mean()),
        "log_loss": lambda: sk.log_loss(positive, normalised(np.maximum(both, PROBABILITY_FLOOR))),
        "ece": lambda: binned_error(normalised(both), positive.astype(int)),
    }[figure]()


def binned_error(p: np.ndarray, y: np.ndarray) -> float:
    """Guo et al. 2017, equation 3, word by word."""
    confidence, right, error = p.max(axis=1), p.argmax(axis=1) == y, 0.0
    for m in range(15):
        inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return error


def test_intervals_are_over_people_not_slices() -> None:
    p, y, who = case()
    copies = np.repeat(np.arange(200), 4)  # four copies of each slice add no information
    once, more = (evaluate(p[i], y[i], who[i])["slice"]["stages4"] for i in (np.arange(200), copies))
    for name in ("accuracy", "macro_roc_auc", "micro_pr_auc"):
        assert more[name] == pytest.approx(once[name], rel=1e-9)
    unknown = evaluate(p, y, None)["slice"]
    assert unknown["interval_over"] == "slices" and unknown["people"] is None
    assert unknown["stages4"]["accuracy"] != once["accuracy"]


def test_rows_may_come_in_any_order() -> None:
    p, y, who = case()
    order = np.random.default_rng(1).permutation(200)
    once, again = evaluate(p, y, who), evaluate(p[order], y[order], who[order])
    assert again["person"]["stages4"]["accuracy"] == once["person"]["stages4"]["accuracy"]
    assert again["slice"]["any_dementia"]["roc_auc"] == pytest.approx(once["slice"]["any_dementia"]["roc_auc"])


def test_absent_classes_give_no_figure_and_the_reason() -> None:
    p, y, who = case()
    only = y == 0
    found = evaluate(p[only], y[only], who[only])["slice"]
    for task in ("any_dementia", "cdr1"):
        assert found[task]["roc_auc"] is None and found[task]["sensitivity"] is None
    assert "any dementia: nobody here" in found["any_dementia"]["notes"][0]
    assert found["stages4"]["accuracy"] is not None and found["stages4"]["macro_roc_auc"] is None
    most = y != 3
    found = evaluate(p[most], y[most], who[most])["slice"]["stages4"]
    assert found["by_class"]["ModerateDemented"] == dict.fromkeys(("sensitivity", "specificity", "roc_auc", "pr_auc"))
    each = [sk.roc_auc_score(y[most] == k, p[most, k]) for k in range(3)]
    assert found["macro_roc_auc"]["value"] == pytest.approx(np.mean(each))
    very_mild = y == 1
    found = evaluate(p[very_mild], y[very_mild], who[very_mild])["slice"]["cdr1"]
    assert found["n"] == 0 and found["accuracy"] is None and len(found["notes"]) == 2


def test_two_people_are_too_few_for_a_claim_about_their_class() -> None:
    p, y, who = case()
    few = (y != 3) | np.isin(who, ["p03", "p07"])
    found = evaluate(p[few], y[few], who[few])["person"]["stages4"]
    assert set(found["by_class"]["ModerateDemented"].values()) == {None}
    assert found["notes"] == [
        "ModerateDemented: 2 people here, fewer than 5, so nothing is claimed about this class alone."
    ]
    assert found["by_class"]["MildDemented"]["sensitivity"] is not None and np.sum(found["confusion"][3]) == 2


def test_agreement_with_the_teacher() -> None:
    p, y, who = case()
    teacher, _, _ = case(1)
    found = evaluate(p, y, who, teacher=teacher)["slice"]["teacher"]
    assert found["agreement"]["value"] == pytest.approx(np.mean(p.argmax(1) == teacher.argmax(1)))
    ours, theirs = (normalised(np.maximum(q, PROBABILITY_FLOOR)) for q in (p, teacher))
    assert found["kl"]["value"] == pytest.approx(np.mean((theirs * np.log(theirs / ours)).sum(axis=1)))
    assert found["kl"]["low"] < found["kl"]["value"] < found["kl"]["high"]
    same = evaluate(p, y, who, teacher=p)["person"]["teacher"]
    assert same["agreement"]["low"] == 1 and same["kl"]["high"] == 0


def test_what_gives_no_figure_is_refused() -> None:
    p, y, who = case()
    with pytest.raises(UserError, match="1 person to test on"):
        evaluate(p[:5], y[:5], who[:5])
    with pytest.raises(UserError, match="none of the four stages"):
        evaluate(p, y + 1, who)
    p[3, 2] = np.nan
    with pytest.raises(UserError, match="NaN"):
        evaluate(p, y, who)


def test_a_loss_is_paired_so_equal_models_lose_nothing_for_certain() -> None:
    p, y, who = case()
    assert compare(p, p, y, who)["person"]["stages4"]["accuracy"]["loss"] == {"value": 0, "low": 0, "high": 0}
    worse, _, _ = case(1)
    worse = (p + worse) / 2
    before, after = (evaluate(q, y, who)["slice"]["any_dementia"] for q in (p, worse))
    losses = compare(p, worse, y, who)["slice"]["any_dementia"]
    for name in ("roc_auc", "ece", "accuracy"):
        assert (losses[name]["before"], losses[name]["after"]) == (before[name]["value"], after[name]["value"])
        assert losses[name]["loss"]["value"] == pytest.approx(before[name]["value"] - after[name]["value"])
        assert losses[name]["loss"]["low"] <= losses[name]["loss"]["value"] <= losses[name]["loss"]["high"]
    width = losses["roc_auc"]["loss"]["high"] - losses["roc_auc"]["loss"]["low"]
    assert width < sum(figure["roc_auc"]["high"] - figure["roc_auc"]["low"] for figure in (before, after))
    assert compare(p, worse, np.zeros_like(y), who)["slice"]["any_dementia"]["roc_auc"] is None
