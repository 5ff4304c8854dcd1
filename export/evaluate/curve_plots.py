"""Pictures of the curves of one model, as SVG that takes the colours of the page around it."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from alzedge.export.evaluate.curves import MACRO, MICRO, TaskCurves
from alzedge.export.report.plots import COLOURS
from alzedge.export.report.sections import LEVELS
from alzedge.export.report.svg import INK, page_style, to_svg
from alzedge.metrics.evaluation import Evaluation
from alzedge.metrics.tasks import TASKS, Task

_PANEL = 3.0  # inches
_BAND = 0.18
_AXES = {"roc": ("false positive rate", "true positive rate"), "pr": ("recall", "precision")}
# By level and name of the task.
Curves = Mapping[str, Mapping[str, TaskCurves]]
Draw = Callable[[Axes, Task, str], None]


def draw_curves(kind: Literal["roc", "pr"], curves: Curves) -> str:
    """Draw ROC or precision-recall curves as SVG: a row per level, a column per task.

    Args:
        kind: 'roc' or 'pr'.
        curves: of one model.
    """

    def draw(axis: Axes, task: Task, level: str) -> None:
        for place, (name, curve) in enumerate(getattr(curves[level][task.name], kind).items()):
            style = {MICRO: ("--", INK), MACRO: ("-", INK)}.get(name, ("-", COLOURS[place % len(COLOURS)]))
            axis.plot(curve.x, curve.y, style[0], color=style[1], lw=1.4, label=_short(name))
            if curve.band is not None:
                axis.fill_between(curve.band.x, curve.band.low, curve.band.high, color=style[1], alpha=_BAND, lw=0)
        if kind == "roc":
            axis.plot([0, 1], [0, 1], ":", color=INK, lw=0.7)
        x, y = _AXES[kind]
        axis.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        _legend_or_reason(axis)

    return _panels(list(curves), draw)


def draw_reliability(curves: Curves) -> str:
    """Draw reliability diagrams as SVG: accuracy against confidence by bin, the mark's area the share of all."""

    def draw(axis: Axes, task: Task, level: str) -> None:
        bins = curves[level][task.name].reliability
        axis.plot([0, 1], [0, 1], ":", color=INK, lw=0.7)
        confidence, accuracy = [b.confidence for b in bins], [b.accuracy for b in bins]
        axis.vlines(confidence, confidence, accuracy, color=COLOURS[1], lw=1.2, label="gap")
        share = np.array([b.n for b in bins]) / max(1, sum(b.n for b in bins))
        axis.scatter(confidence, accuracy, s=15 + 300 * share, color=COLOURS[0], alpha=0.8, lw=0, label="bin", zorder=3)
        axis.set(xlabel="confidence", ylabel="accuracy", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))

    return _panels(list(curves), draw)


def draw_confusions(evaluation: Evaluation) -> str:
    """Draw one model's confusion matrices as SVG."""

    def draw(axis: Axes, task: Task, level: str) -> None:
        counts = np.array(evaluation.levels[level].details[task.name].confusion)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        for (row, column), count in np.ndenumerate(counts):
            colour = COLOURS[0] if row == column else COLOURS[1]
            box = Rectangle(
                (column - 0.48, row - 0.48), 0.96, 0.96, color=colour, alpha=0.75 * shares[row, column], lw=0
            )
            axis.add_patch(box)
            axis.text(column, row, f"{count}", ha="center", va="center")
        names = [_short(name) for name in task.classes]
        axis.set_xticks(range(len(names)), names, rotation=20)
        axis.set_yticks(range(len(names)), names)
        axis.set(xlabel="answer", ylabel="truth", xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5))
        axis.set_aspect("equal")

    return _panels(list(evaluation.levels), draw)


def _panels(levels: list[str], draw: Draw) -> str:
    with page_style():
        size = (_PANEL * len(TASKS) + 0.6, (_PANEL + 0.25) * len(levels))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(levels), len(TASKS), squeeze=False)
        for row, level in zip(axes, levels, strict=True):
            for axis, task in zip(row, TASKS, strict=True):
                draw(axis, task, level)
                axis.set_title(f"{_task_title(task)}\n{LEVELS[level]}", fontsize=9)
                axis.spines[["top", "right"]].set_visible(False)
        return to_svg(figure)


def _legend_or_reason(axis: Axes) -> None:
    if len(axis.get_lines()) > 1 or axis.get_legend_handles_labels()[1]:
        axis.legend(fontsize=7, loc="lower right" if axis.get_xlabel() == _AXES["roc"][0] else "best")
    else:
        axis.text(0.5, 0.5, "a class is missing", ha="center", va="center")


def _task_title(task: Task) -> str:
    return task.title.split(",")[0]


def _short(name: str) -> str:
    """Class names that fit into a legend."""
    words = {
        "NonDemented": "none",
        "VeryMildDemented": "very mild",
        "MildDemented": "mild",
        "ModerateDemented": "moderate",
        "MildOrModerateDemented": "mild+",
        "any dementia": "any",
        "CDR 1 or more": "CDR ≥ 1",
    }
    return words.get(name, name)
