"""Results as objects: what is written comes back the same, and what is malformed is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alzedge.errors import UserError
from alzedge.metrics.classification import differences, evaluate, make_levels
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.evaluation import Evaluation, Summary
from alzedge.metrics.scores import resample
from alzedge.metrics.split_evaluation import (
    EvaluationSet,
    Exposure,
    Quote,
    SplitEvaluation,
    quote,
    read_metrics,
    read_split,
)
from alzedge.metrics.tasks import ANY_DEMENTIA, TASKS
from alzedge.stages import STAGES


def split_evaluation(people_known: bool) -> SplitEvaluation:
    """Two models on 60 slices of 12 people, moderate dementia absent."""
    rng = np.random.default_rng(0)
    answers = rng.dirichlet(np.ones(4), (2, 60))
    labels = np.repeat(np.arange(12) % 3, 5)
    who = np.repeat([f"p{k}" for k in range(12)], 5) if people_known else None
    models = {
        name: evaluate(p, labels, who, teacher=teacher, replicates=10)
        for name, p, teacher in (("a", answers[0], None), ("b", answers[1], answers[0]))
    }
    levels = [make_levels(p, labels, who) for p in answers]
    resampled = [{level: resample(rows, 0, 10) for level, rows in of.items()} for of in levels]
    return SplitEvaluation(
        labels=STAGES,
        evaluated_on=EvaluationSet(
            "a clause", 60, 12 if people_known else None, people_known or None, {"majority": 0.4}
        ),
        models=models,
        exposure=dict.fromkeys(models, Exposure(people_known or None, 0, None, "A sentence.")),
        differences={"b": {level: differences(resampled[0][level], resampled[1][level]) for level in levels[0]}},
        refused={"c": "Another sentence."} if people_known else None,
    )


@pytest.mark.parametrize("people_known", [True, False])
def test_a_file_of_metrics_comes_back_as_it_was(people_known: bool, tmp_path: Path) -> None:
    split = split_evaluation(people_known)
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(split.to_json()))
    assert read_split(path) == split
    path.write_text(json.dumps({"subject": split.to_json() | {"curves": {}}}))
    assert read_metrics(path) == {"subject": split}
    level = split.to_json()["models"]["b"]["slice"]
    assert list(level) == ["n", "people", "interval_over", *(task.name for task in TASKS), "teacher"]
    assert list(level["stages4"])[:6] == ["n", "people", "classes", "confusion", "notes", "accuracy"]
    assert list(level["stages4"]).index("by_class") == list(level["stages4"]).index("weighted_f1") + 1
    assert (
        "by_class" not in level["any_dementia"] and level["stages4"]["by_class"]["ModerateDemented"]["roc_auc"] is None
    )
    assert ("refused" in split.to_json()) == people_known and "baselines" not in split.to_json()


def test_a_model_file_quotes_the_summary_to_six_decimals() -> None:
    split = split_evaluation(True)
    quoted = quote(split, "b", "this model")
    assert Quote.from_json(json.loads(json.dumps(quoted.to_json()))) == quoted
    assert list(quoted.to_json()) == ["description", "unseen_people", "floors", "measured_on", "slice", "person"]
    whole, short = split.models["b"].by_person, quoted.summary.by_person
    for task in TASKS:
        assert tuple(short.tasks[task.name]) == task.summary
    figure, rounded = whole.figure(ANY_DEMENTIA, "ece"), short.figure(ANY_DEMENTIA, "ece")
    assert figure and rounded and rounded.to_json() == {k: round(v, 6) for k, v in figure.to_json().items()}
    assert set(short.teacher) == {"agreement", "kl"} and (short.n, whole.n, short.people) == (12, 12, 12)


def without(content: dict[str, Any], *path: str) -> dict[str, Any]:
    """JSON content with one entry missing."""
    copy = json.loads(json.dumps(content))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    del inside[path[-1]]
    return dict(copy)


def test_a_malformed_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    content = split_evaluation(True).to_json()
    path = tmp_path / "metrics.json"
    bad: list[Any] = [
        [],
        {"subject": 3},
        {"subject": without(content, "floors")},
        {"subject": without(content, "models", "a", "slice")},
        {"subject": without(content, "models", "a", "slice", "stages4", "confusion")},
        {"subject": without(content, "models", "a", "person", "cdr1", "accuracy", "low")},
        {"subject": content | {"exposure": {"a": {"seen": 1}}}},
        {"subject": content | {"floors": {"majority": "much"}}},
    ]
    for wrong in bad:
        path.write_text(json.dumps(wrong))
        with pytest.raises(UserError, match=r"metrics\.json is not a metrics\.json; name the one"):
            read_metrics(path)
    for text in ("{", "[" * 10**5):
        path.write_text(text)
        with pytest.raises(UserError, match="is not a"):
            read_metrics(path)
    with pytest.raises(UserError, match=r"absent\.json"):
        read_metrics(tmp_path / "absent.json")
    for level in ("slice", "person"):
        with pytest.raises((KeyError, TypeError, ValueError)):
            Summary.from_json({"slice": content["models"]["a"]["slice"]} | {level: {"n": 1}})
    with pytest.raises(KeyError):
        Evaluation.from_json({})


@pytest.mark.parametrize("end", [float("nan"), "0.5", None])
def test_an_estimate_is_three_numbers(end: object) -> None:
    with pytest.raises(ValueError, match="three numbers"):
        Estimate.from_json({"value": 0.5, "low": 0.4, "high": end})


def test_an_estimate_has_one_formatter() -> None:
    figure = Estimate(0.81234, 0.7, 0.95)
    assert str(figure.text()) == "0.812 (0.700 to 0.950)"
    assert figure.short() == "0.812 (0.70-0.95)"
    assert figure.text(".1%") == "81.2% (70.0% to 95.0%)"
    assert Estimate(12.4, 11.6, 13.2).text(".0f", to="-", unit="x") == "12x (12-13)"
