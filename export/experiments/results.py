"""Results of studies as frozen objects: the content of `experiments.json`, from which all tables and plots are made."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alzedge.data.dataset import in_order
from alzedge.export.experiments.statistics import Difference
from alzedge.metrics.estimate import Estimate, Figures, figures_from_json, figures_to_json
from alzedge.metrics.split_evaluation import EvaluationSet, reading
from alzedge.metrics.tasks import ANY_DEMENTIA, CDR1, STAGES3, STAGES4

SLICE, PERSON = "slice", "person"
# Figures that are kept of each level, by task.
KEPT = {
    SLICE: {
        STAGES4.name: ("accuracy", "macro_f1", "micro_roc_auc", "macro_roc_auc", "micro_pr_auc", "macro_pr_auc"),
        ANY_DEMENTIA.name: ("accuracy", "sensitivity", "specificity", "roc_auc"),
    },
    PERSON: {
        STAGES3.name: ("macro_roc_auc",),
        ANY_DEMENTIA.name: ("accuracy", "sensitivity", "specificity", "roc_auc"),
        CDR1.name: ("roc_auc",),
    },
}
# What experiments are compared by: accuracy of four stages per slice, and the area for any dementia per person.
ACCURACY = (SLICE, f"{STAGES4.name}.accuracy")
AREA = (PERSON, f"{ANY_DEMENTIA.name}.roc_auc")
COMPARED = (ACCURACY, AREA)


@dataclass(frozen=True)
class ExperimentResult:
    """Figures of one experiment on one split.

    Attributes:
        name, labels, model, reference: see `alzedge.export.experiments.table.Experiment`.
        split: name.
        seeds, folds: that the figures are of; empty where there are none.
        problem: a sentence where there are no figures, or where some trainings are missing; else empty.
        slices, people: tested; people None where they are unknown.
        figures: by level; keys such as 'stages4.accuracy'.
        differences: from the reference, keys such as 'slice.stages4.accuracy'; empty for the reference.
        label_percent: share of labelled people.
        seconds: of one training, with what it made for others; the mean.
    """

    name: str
    labels: tuple[str, ...]
    model: str
    reference: str
    split: str
    seeds: tuple[int, ...] = ()
    folds: tuple[int, ...] = ()
    problem: str = ""
    slices: int = 0
    people: int | None = None
    figures: dict[str, Figures] = field(default_factory=dict)
    differences: dict[str, Difference] = field(default_factory=dict)
    label_percent: int = 100
    seconds: float | None = None

    def figure(self, of: tuple[str, str]) -> Estimate | None:
        """One figure by level and key; None where it was not measured."""
        return self.figures.get(of[0], {}).get(of[1])

    def difference(self, of: tuple[str, str]) -> Difference | None:
        """Difference of one figure from the reference's."""
        return self.differences.get(".".join(of))

    def to_json(self) -> dict[str, Any]:
        """One result of `experiments.json`."""
        figures = {level: figures_to_json(of) for level, of in self.figures.items()}
        differences = {key: of.to_json() for key, of in self.differences.items()}
        return {**vars(self), "figures": figures, "differences": differences}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "ExperimentResult":
        """Read what `to_json` wrote."""
        parsed: dict[str, Any] = {
            "labels": tuple(content["labels"]),
            "seeds": tuple(content["seeds"]),
            "folds": tuple(content["folds"]),
            "figures": {level: figures_from_json(of) for level, of in content["figures"].items()},
            "differences": {key: Difference.from_json(of) for key, of in content["differences"].items()},
        }
        return ExperimentResult(**{**content, **parsed})


@dataclass(frozen=True)
class StudyResults:
    """Content of `experiments.json`.

    Attributes:
        data: one line on the data set.
        splits: what each split tests on, with the baselines.
        groups: results by group, in the order of the table.
    """

    data: str
    splits: dict[str, EvaluationSet]
    groups: dict[str, tuple[ExperimentResult, ...]]

    def of(self, group: str, split: str) -> list[ExperimentResult]:
        """Results of one group on one split."""
        return [result for result in self.groups[group] if result.split == split]

    def splits_of(self, group: str) -> list[str]:
        """Splits that a group was trained on, unseen people last."""
        return in_order(tuple(result.split for result in self.groups[group]))

    def to_json(self) -> dict[str, Any]:
        """As the file holds it."""
        return {
            "data": self.data,
            "splits": {name: split.to_json() for name, split in self.splits.items()},
            "groups": {name: [result.to_json() for result in results] for name, results in self.groups.items()},
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "StudyResults":
        """Read what `to_json` wrote."""
        return StudyResults(
            str(content["data"]),
            {name: EvaluationSet.from_json(split) for name, split in content["splits"].items()},
            {name: tuple(map(ExperimentResult.from_json, group)) for name, group in content["groups"].items()},
        )


def read_results(path: Path) -> StudyResults:
    """Read an `experiments.json`.

    Raises:
        UserError: missing, or something else.
    """
    with reading(path, "result of experiments", "name the experiments.json that `alzedge experiments` wrote"):
        return StudyResults.from_json(json.loads(path.read_text("utf-8")))
