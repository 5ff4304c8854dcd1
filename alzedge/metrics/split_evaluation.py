"""Models evaluated on one test set, as frozen objects: the content of `metrics.json`, and what model files quote of it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from alzedge.errors import UserError
from alzedge.metrics.estimate import Figures, figures_from_json, figures_to_json
from alzedge.metrics.evaluation import Evaluation, Summary
from alzedge.metrics.people_figures import SourceFigures

# Figures by level ('slice', 'person') and name of the task.
Differences = dict[str, dict[str, Figures]]


@dataclass(frozen=True)
class EvaluationSet:
    """The slices that models are evaluated on.

    Attributes:
        description: one clause on the split.
        slices: how many.
        people: how many; None when unknown.
        unseen_people: True when nobody in it trained the models of this split; None when nobody knows.
        baselines: accuracy per slice by baseline, see `alzedge.metrics.nearest_neighbour`; empty where no model was
            evaluated.
    """

    description: str
    slices: int
    people: int | None
    unseen_people: bool | None
    baselines: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """As files hold it; the baselines are called `floors` there."""
        content = asdict(self)
        return content | {"floors": content.pop("baselines")}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "EvaluationSet":
        """Read what `to_json` wrote."""
        names = ("description", "slices", "people", "unseen_people", "floors")
        description, slices, people, unseen, baselines = (content[name] for name in names)
        return EvaluationSet(str(description), int(slices), people, unseen, _numbers(baselines))


@dataclass(frozen=True)
class Exposure:
    """Test people and slices that one model has seen in its training.

    Attributes:
        unseen_people: True when it was trained without everybody who is tested; None when nobody knows.
        seen_slices: test slices that trained it.
        seen_people: people tested of whom any slice trained it; None when unknown.
        statement: a sentence for the reader.
    """

    unseen_people: bool | None
    seen_slices: int
    seen_people: int | None
    statement: str


@dataclass(frozen=True)
class SplitEvaluation:
    """Models evaluated on one test set.

    Attributes:
        labels: the stages.
        evaluated_on: what they were evaluated on.
        models: by name.
        exposure: by name, of each model in `models`.
        differences: by name of each model but the first, `Task.summary` of it minus that of the first.
        refused: by name of a model without figures here the reason; None where no model could be refused.
        sources: evidence on the people by source; empty where people are unknown, and in files of version 0.1.
    """

    labels: tuple[str, ...]
    evaluated_on: EvaluationSet
    models: dict[str, Evaluation]
    exposure: dict[str, Exposure]
    differences: dict[str, Differences]
    refused: dict[str, str] | None = None
    sources: dict[str, SourceFigures] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """One split of `metrics.json`."""
        return {
            "labels": list(self.labels),
            **self.evaluated_on.to_json(),
            "models": {name: evaluation.to_json() for name, evaluation in self.models.items()},
            "exposure": {name: asdict(seen) for name, seen in self.exposure.items()},
            "differences": {name: _differences_to_json(levels) for name, levels in self.differences.items()},
            **({} if self.refused is None else {"refused": self.refused}),
            **({"sources": {name: of.to_json() for name, of in self.sources.items()}} if self.sources else {}),
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "SplitEvaluation":
        """Read what `to_json` wrote; other entries, such as curves, are left out.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: something else.
        """
        return SplitEvaluation(
            labels=tuple(content["labels"]),
            evaluated_on=EvaluationSet.from_json(content),
            models={name: Evaluation.from_json(model) for name, model in content["models"].items()},
            exposure={name: Exposure(**seen) for name, seen in content["exposure"].items()},
            differences={name: _differences_from_json(levels) for name, levels in content["differences"].items()},
            refused=content.get("refused"),
            sources={name: SourceFigures.from_json(of) for name, of in content.get("sources", {}).items()},
        )


@dataclass(frozen=True)
class Quote:
    """Figures of one split that a model file carries.

    Attributes:
        description, unseen_people, baselines: see `EvaluationSet`.
        measured_on: which model has these figures, this one or a sister.
        summary: its figures.
    """

    description: str
    unseen_people: bool | None
    baselines: dict[str, float]
    measured_on: str
    summary: Summary

    def to_json(self) -> dict[str, Any]:
        """One split of a record's `metrics`."""
        return {
            "description": self.description,
            "unseen_people": self.unseen_people,
            "floors": self.baselines,
            "measured_on": self.measured_on,
            **self.summary.to_json(),
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Quote":
        """Read what `to_json` wrote."""
        names = ("description", "unseen_people", "floors", "measured_on")
        description, unseen, baselines, measured_on = (content[name] for name in names)
        return Quote(str(description), unseen, _numbers(baselines), str(measured_on), Summary.from_json(content))


def quote(evaluated: SplitEvaluation, model: str, measured_on: str) -> Quote:
    """Make the entry of a record from the figures of one model."""
    evaluated_on = evaluated.evaluated_on
    summary = evaluated.models[model].summary()
    return Quote(evaluated_on.description, evaluated_on.unseen_people, evaluated_on.baselines, measured_on, summary)


_CURE = "name the one that `alzedge run` or `alzedge evaluate` wrote"


def read_split(path: Path) -> SplitEvaluation:
    """Read the `metrics.json` of one split of a run.

    Raises:
        UserError: missing, or something else.
    """
    with reading(path, "metrics.json", _CURE):
        return SplitEvaluation.from_json(json.loads(path.read_text()))


def read_metrics(path: Path) -> dict[str, SplitEvaluation]:
    """Read a `metrics.json`, by split.

    Raises:
        UserError: missing, or something else.
    """
    with reading(path, "metrics.json", _CURE):
        return {name: SplitEvaluation.from_json(split) for name, split in json.loads(path.read_text()).items()}


@contextmanager
def reading(path: Path, what: str, cure: str) -> Iterator[None]:
    """Turn whatever a malformed JSON file raises into a sentence.

    Raises:
        UserError: says that `path` is not a `what`, and the cure.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is not a {what}; {cure}.") from error


def _numbers(content: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in content.items()}


def _differences_to_json(differences: Differences) -> dict[str, Any]:
    return {level: {task: figures_to_json(of) for task, of in tasks.items()} for level, tasks in differences.items()}


def _differences_from_json(content: Mapping[str, Any]) -> Differences:
    return {level: {task: figures_from_json(of) for task, of in tasks.items()} for level, tasks in content.items()}
