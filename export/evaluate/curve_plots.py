"""Pictures of the curves of one model, as SVG that takes the colours of the page around it."""

import io
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from alzedge.export.evaluate.curves import MACRO, MICRO
from alzedge.export.report.plots import COLOURS
from alzedge.metrics.tasks import TASKS, Task

# Stands in for the text colour of the page, and is replaced by it in the SVG.
_INK = "#010203"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "alzedge",
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.facecolor": "none",
    "legend.edgecolor": "none",
}
_PANEL = 3.0  # inches
_BAND = 0.18
_AXES = {"roc": ("false positive rate", "true positive rate"), "pr": ("recall", "precision")}
_LEVELS = {"slice": "per slice", "person": "per person"}


def draw_curves(kind: str, found: dict[str, Any]) -> str:
    """ROC or precision-recall curves as SVG: a row per level, a column per task.

    Args:
        kind: 'roc' or 'pr'.
        found: by level the result of `alzedge.export.evaluate.curves.curves`.
    """

    def draw(axis: Axes, task: Task, level: str) -> None:
        for place, (name, curve) in enumerate(found[level][task.name][kind].items()):
            style = {MICRO: ("--", _INK), MACRO: ("-", _INK)}.get(name, ("-", COLOURS[place % len(COLOURS)]))
            axis.plot(curve["x"], curve["y"], style[0], color=style[1], lw=1.4, label=_short(name))
            if "band" in curve:
                axis.fill_between(curve["band"], curve["low"], curve["high"], color=style[1], alpha=_BAND, lw=0)
        if kind == "roc":
            axis.plot([0, 1], [0, 1], ":", color=_INK, lw=0.7)
        x, y = _AXES[kind]
        axis.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        _legend_or_reason(axis)

    return _panels(list(found), draw)


def draw_reliability(found: dict[str, Any]) -> str:
    """Reliability diagrams as SVG: accuracy against confidence by bin, the mark's area the share of all."""

    def draw(axis: Axes, task: Task, level: str) -> None:
        bins = found[level][task.name]["reliability"]
        axis.plot([0, 1], [0, 1], ":", color=_INK, lw=0.7)
        confidence, accuracy, n = ([b[key] for b in bins] for key in ("confidence", "accuracy", "n"))
        axis.vlines(confidence, confidence, accuracy, color=COLOURS[1], lw=1.2, label="gap")
        share = np.array(n) / max(1, sum(n))
        axis.scatter(confidence, accuracy, s=15 + 300 * share, color=COLOURS[0], alpha=0.8, lw=0, label="bin", zorder=3)
        axis.set(xlabel="confidence", ylabel="accuracy", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))

    return _panels(list(found), draw)


def draw_confusions(figures: dict[str, Any]) -> str:
    """Confusion matrices as SVG.

    Args:
        figures: one model's result of `alzedge.metrics.classification.evaluate`.
    """

    def draw(axis: Axes, task: Task, level: str) -> None:
        counts = np.array(figures[level][task.name]["confusion"])
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

    return _panels([level for level in _LEVELS if level in figures], draw)


def _panels(levels: list[str], draw: Any) -> str:
    with matplotlib.rc_context(_STYLE):
        size = (_PANEL * len(TASKS) + 0.6, (_PANEL + 0.25) * len(levels))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(levels), len(TASKS), squeeze=False)
        for row, level in zip(axes, levels, strict=True):
            for axis, task in zip(row, TASKS, strict=True):
                draw(axis, task, level)
                axis.set_title(f"{_task_title(task)}\n{_LEVELS[level]}", fontsize=9)
                axis.spines[["top", "right"]].set_visible(False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    drawn = buffer.getvalue()
    return drawn[drawn.index("<svg") :].replace(_INK, "currentColor")


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
