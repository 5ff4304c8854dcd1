"""Results of experiments as pictures: a figure made of stored results alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alzedge.data.split_names import SPLITS
from alzedge.export.experiments.comparison import Column, columns_of, compared_by
from alzedge.export.experiments.results import AREA, ExperimentResult, StudyResults
from alzedge.export.report.plots import COLOURS
from alzedge.export.report.tables import BASELINES, split_title
from alzedge.metrics.estimate import Estimate

_SHARES = (1, 10, 20, 50, 100)
_PANELS = 4


def draw_study(results: StudyResults, group: str) -> Figure:
    """Draw one group: heat maps where experiments are a matrix, lines over the share of labels, else dots with intervals."""
    of_group = results.groups[group]
    if len({result.label_percent for result in of_group}) > 1:
        return draw_label_curve(results, group)
    if all(len(result.labels) == _MATRIX for result in of_group):
        return draw_heat_maps(results, group)
    return draw_dots(results, group)


_MATRIX = 3  # labels of an experiment of a matrix: map, row and column


def draw_dots(results: StudyResults, group: str) -> Figure:
    """Draw each figure with its interval, a panel per column and a row per experiment; colours tell splits apart."""
    splits, columns = results.splits_of(group), columns_of(group)[:_PANELS]
    names = list(dict.fromkeys(result.name for result in results.groups[group]))
    figure = Figure(figsize=(3.2 + 2.5 * len(columns), 1.5 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for axis, column in zip(axes, columns, strict=True):
        for number, split in enumerate(splits):
            colour = COLOURS[SPLITS.index(split)]  # the same in every plot
            shift = 0.25 * (number - (len(splits) - 1) / 2)
            for result in results.of(group, split):
                _draw(axis, names.index(result.name) + shift, result.figure(column.key), colour)
            axis.plot([], [], "o", color=colour, label=split_title(split))
            if column == columns[0] and "nearest_neighbour" in results.splits[split].baselines:
                axis.axvline(results.splits[split].baselines["nearest_neighbour"], color=colour, lw=1, ls=":")
        axis.set_title(column.title, fontsize=8)
        axis.grid(axis="x", alpha=0.3)
        axis.tick_params(labelsize=8)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    if any("nearest_neighbour" in results.splits[split].baselines for split in splits):
        axes[0].plot([], [], ":", color="grey", label=BASELINES["nearest_neighbour"])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower right", fontsize=8, ncols=len(splits) + 1)
    return figure


def draw_heat_maps(results: StudyResults, group: str) -> Figure:
    """Draw a matrix of experiments: a row of maps per split, a map for each first label, the second down, the third across."""
    of_group, splits = results.groups[group], results.splits_of(group)
    first, down, across = ([*dict.fromkeys(result.labels[place] for result in of_group)] for place in range(_MATRIX))
    size = (2.0 + 2.6 * len(first), 0.8 + 2.3 * len(splits))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(splits), len(first), squeeze=False)
    for row, split in zip(axes, splits, strict=True):
        own = results.of(group, split)
        key = compared_by(split, results.splits[split].people is not None)
        values = {result.labels: found.value for result in own if (found := result.figure(key))}
        low, high = min(values.values(), default=0), max(values.values(), default=1)
        for axis, label in zip(row, first, strict=True):
            grid = np.array([[values.get((label, r, c), np.nan) for c in across] for r in down])
            image = axis.imshow(grid, cmap="viridis", vmin=low, vmax=high)
            _write_values(axis, grid, (low + high) / 2)
            axis.set_xticks(range(len(across)), across, fontsize=8)
            axis.set_yticks(range(len(down)), down, fontsize=8)
            axis.set_title(label, fontsize=9)
        row[0].set_ylabel(split_title(split), fontsize=9)
        title = "any dementia, AUC, people" if key == AREA else "accuracy, 4 stages, slices"
        figure.colorbar(image, ax=list(row), label=title)
    return figure


def draw_label_curve(results: StudyResults, group: str) -> Figure:
    """Draw figures over the share of labelled people, a row of panels per split and a line for each kind of training."""
    splits, columns = results.splits_of(group), columns_of(group)
    lines = list(dict.fromkeys(result.labels[0] for result in results.groups[group]))
    figure = Figure(figsize=(3.3 * len(columns), 0.4 + 3.0 * len(splits)), layout="constrained")
    axes = figure.subplots(len(splits), len(columns), squeeze=False)
    for row, split in zip(axes, splits, strict=True):
        for axis, column in zip(row, columns, strict=True):
            for number, line in enumerate(lines):
                own = [result for result in results.of(group, split) if result.labels[0] == line]
                _draw_line(axis, own, column, number, line)
            axis.set(xscale="log")
            axis.set_title(column.title, fontsize=8)
            axis.set_xticks(_SHARES, [str(share) for share in _SHARES])
            axis.minorticks_off()
            axis.grid(alpha=0.3)
            axis.tick_params(labelsize=8)
        row[0].set_ylabel(split_title(split), fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("labelled people, %", fontsize=8)
    axes[0][0].legend(fontsize=8)
    return figure


def _draw_line(axis: Axes, results: Sequence[ExperimentResult], column: Column, number: int, label: str) -> None:
    drawn = [(result.label_percent, one) for result in results if (one := result.figure(column.key))]
    places = [share * (1 + 0.06 * number) for share, _ in drawn]  # side by side, or they hide each other
    ends = [[e.value - e.low for _, e in drawn], [e.high - e.value for _, e in drawn]]
    style: dict[str, Any] = {"marker": "o", "ms": 4, "lw": 1.5, "capsize": 2, "color": COLOURS[number % len(COLOURS)]}
    axis.errorbar(places, [e.value for _, e in drawn], ends, label=label, **style)


def _write_values(axis: Axes, grid: np.ndarray[tuple[int, ...], np.dtype[np.float64]], middle: float) -> None:
    for (row, column), value in np.ndenumerate(grid):
        text = "none" if np.isnan(value) else f"{value:.2f}"
        axis.text(column, row, text, ha="center", va="center", fontsize=8, color="black" if value > middle else "white")


def _draw(axis: Axes, row: float, estimate: Estimate | None, colour: str) -> None:
    if estimate is not None:
        axis.plot([estimate.low, estimate.high], [row, row], color=colour, lw=1.5)
        axis.plot([estimate.value], [row], "o", color=colour, ms=4)
