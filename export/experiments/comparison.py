"""Results of experiments as a table and as pictures."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alzedge.export.report.plots import COLOURS, save_figure
from alzedge.export.report.tables import BASELINES, markdown_rows, split_title
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.evaluation import Summary
from alzedge.metrics.split_evaluation import EvaluationSet
from alzedge.metrics.tasks import ANY_DEMENTIA, CDR1, STAGES3, STAGES4, Task
from alzedge.runs.recipe import Recipe
from alzedge.utils.text_table import Rows, in_columns

_NOTE = (
    "Accuracy: of four stages, per slice. Areas: per person where people are known. In brackets the 95 % bootstrap "
    "interval over people, or over slices where people are unknown. Differences smaller than the intervals prove nothing."
)


@dataclass(frozen=True)
class Column:
    """A column of the table and a panel of the pictures: one figure, per person where people are known or per slice."""

    title: str
    task: Task
    figure: str
    per_person: bool

    def estimate(self, summary: Summary | None) -> Estimate | None:
        """The figure of a model; None where it was not measured."""
        if summary is None:
            return None
        return (summary.by_person if self.per_person else summary.slice).figure(self.task, self.figure)


_COLUMNS = (
    Column("accuracy", STAGES4, "accuracy", False),
    Column("3 stages, macro AUC", STAGES3, "macro_roc_auc", True),
    Column("any dementia, AUC", ANY_DEMENTIA, "roc_auc", True),
    Column("CDR 1 or more, AUC", CDR1, "roc_auc", True),
)


@dataclass(frozen=True)
class ExperimentResult:
    """Figures of one experiment.

    Attributes:
        group, name, recipe: see `alzedge.export.experiments.experiments.Experiment`.
        model: 'teacher' or 'student_int8'.
        figures: by split.
    """

    group: str
    name: str
    model: str
    recipe: Recipe
    figures: dict[str, Summary]

    @property
    def title(self) -> str:
        """Group and name."""
        return f"{self.group}: {self.name}"

    def to_json(self) -> dict[str, Any]:
        """One experiment of `experiments.json`."""
        return {
            "group": self.group,
            "name": self.name,
            "model": self.model,
            "recipe": self.recipe.to_dict(),
            "figures": {split: summary.to_json() for split, summary in self.figures.items()},
        }


@dataclass(frozen=True)
class Comparison:
    """Content of `experiments.json`: the slices that each split tests on, and the experiments in order."""

    splits: dict[str, EvaluationSet]
    experiments: tuple[ExperimentResult, ...]

    def to_json(self) -> dict[str, Any]:
        """As the file holds it."""
        return {
            "splits": {name: split.to_json() for name, split in self.splits.items()},
            "experiments": [result.to_json() for result in self.experiments],
        }


def comparison_rows(comparison: Comparison) -> Rows:
    """Header, a row for each experiment and split, and the baselines of each split."""
    rows = [["experiment", "model", "tested on", *(column.title for column in _COLUMNS)]]
    for result in comparison.experiments:
        for split, summary in result.figures.items():
            estimates = [column.estimate(summary) for column in _COLUMNS]
            cells = ["-" if estimate is None else estimate.short() for estimate in estimates]
            rows.append([result.title, result.model, split_title(split), *cells])
    for split, evaluated_on in comparison.splits.items():
        for name, title in BASELINES.items():
            rows.append(
                [f"baseline: {title}", "", split_title(split), f"{evaluated_on.baselines[name]:.3f}", "", "", ""]
            )
    return rows


def text_comparison(comparison: Comparison) -> str:
    """Lay out the table in columns, for a terminal."""
    return f"{in_columns(comparison_rows(comparison))}\n{_NOTE}"


def markdown_comparison(comparison: Comparison) -> str:
    """Lay out the table in Markdown."""
    return f"{markdown_rows(comparison_rows(comparison))}\n\n{_NOTE}\n"


def draw_comparison(comparison: Comparison, path: Path) -> None:
    """Draw each figure with its interval, a panel per column and a row per experiment; colours tell splits apart."""
    results = comparison.experiments
    splits = list(comparison.splits)
    figure = Figure(figsize=(4 + 2.6 * len(_COLUMNS), 1.4 + 0.28 * len(results)), layout="constrained")
    axes = figure.subplots(1, len(_COLUMNS), sharey=True, squeeze=False)[0]
    for axis, column in zip(axes, _COLUMNS, strict=True):
        for number, split in enumerate(splits):
            shift = 0.3 * (number - (len(splits) - 1) / 2)
            for row, result in enumerate(results):
                _draw(axis, row + shift, column.estimate(result.figures.get(split)), COLOURS[number])
            axis.plot([], [], "o", color=COLOURS[number], label=split_title(split))
        if column.figure == "accuracy":
            for number, evaluated_on in enumerate(comparison.splits.values()):
                axis.axvline(evaluated_on.baselines["nearest_neighbour"], color=COLOURS[number], lw=1, ls=":")
        axis.set_title(column.title, fontsize=9)
        axis.grid(axis="x", alpha=0.3)
        axis.tick_params(labelsize=8)
    axes[0].set_yticks(range(len(results)), [result.title for result in results])
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower right", fontsize=8, ncols=len(splits))
    save_figure(figure, path)


def draw_label_curve(comparison: Comparison, path: Path) -> bool:
    """Draw figures over the share of labelled people, a line with and one without contrastive pre-training.

    Returns:
        True when there was anything to draw: teachers that differ in that share.
    """
    curves = _label_curves(result for result in comparison.experiments if result.model == "teacher")
    if max((len(points) for points in curves.values()), default=0) < 2:
        return False
    split = list(comparison.splits)[-1]
    figure = Figure(figsize=(3.6 * len(_COLUMNS), 3.6), layout="constrained")
    for axis, column in zip(figure.subplots(1, len(_COLUMNS)), _COLUMNS, strict=True):
        for number, (label, points) in enumerate(curves.items()):
            measured = [(share, column.estimate(points[share].get(split))) for share in sorted(points)]
            drawn = [(share, estimate) for share, estimate in measured if estimate]
            places = [share * (1 + 0.06 * number) for share, _ in drawn]  # side by side, or they hide each other
            ends = [[e.value - e.low for _, e in drawn], [e.high - e.value for _, e in drawn]]
            style = {"marker": "o", "ms": 4, "lw": 1.5, "capsize": 2, "color": COLOURS[number]}
            axis.errorbar(places, [e.value for _, e in drawn], ends, label=label, **style)
        axis.set(xscale="log", title=column.title, xlabel="labelled people, %")
        axis.set_xticks([1, 10, 20, 50, 100], ["1", "10", "20", "50", "100"])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=8)
    figure.suptitle(f"{split_title(split)}: {comparison.splits[split].description}", fontsize=10)
    save_figure(figure, path)
    return True


def _label_curves(teachers: Iterable[ExperimentResult]) -> dict[str, dict[int, dict[str, Summary]]]:
    """Figures by title of the line, share of labelled people, and split."""
    curves: dict[str, dict[int, dict[str, Summary]]] = {}
    for result in teachers:
        title = "self-supervised first" if result.recipe.pretrain.epochs else "labels alone"
        curves.setdefault(title, {})[result.recipe.finetune.label_percent] = result.figures
    return curves


def _draw(axis: Axes, row: float, estimate: Estimate | None, colour: str) -> None:
    if estimate is not None:
        axis.plot([estimate.low, estimate.high], [row, row], color=colour, lw=1.5)
        axis.plot([estimate.value], [row], "o", color=colour, ms=4)
