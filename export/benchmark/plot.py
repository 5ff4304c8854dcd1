"""The picture of a benchmark: accuracy against latency, and the names of the models below."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from alzedge.export.benchmark.results import Benchmark, MeasuredModel
from alzedge.export.report.plots import COLOURS, save_figure
from alzedge.export.report.tables import BASELINES, split_title
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.metrics.tasks import STAGES4

_RUNTIMES = ("Keras", "TFLite", "ONNX", "reference")  # the last: reference models, which have no accuracy
Models = Mapping[str, MeasuredModel]
_ROW_INCHES = 0.26


def accuracy_latency(benchmark: Benchmark, path: Path) -> None:
    """Write the picture of `draw_accuracy_latency` as PNG."""
    save_figure(draw_accuracy_latency(benchmark), path)


def draw_accuracy_latency(benchmark: Benchmark) -> Figure:
    """Draw accuracy per slice with its interval against latency at one thread, a panel per split.

    Below each panel, on the same scale, every model has a row, so that no two names can meet; a thin
    line leads up to its accuracy. Marks grow with the size of the file, and a
    stepped line joins the models that no other beats in both accuracy and latency.
    """
    splits, models = benchmark.splits, benchmark.models
    rows_height = _ROW_INCHES * len(models) + 0.2
    figure = Figure(figsize=(4.2 + 4.6 * len(splits), 3.9 + rows_height), layout="constrained")
    axes = figure.subplots(2, len(splits), sharex=True, sharey="row", squeeze=False, height_ratios=[3.2, rows_height])
    for (above, below), (name, split) in zip(axes.T, splits.items(), strict=True):
        _draw_accuracies(above, models, split)
        _draw_names(below, models)
        above.set_title(f"{split_title(name)}\n{split.evaluated_on.description}")
        below.set_xlabel("latency, 1 thread (ms): p50, bar to p95")
    axes[0][0].set_ylabel("accuracy of four stages, per slice")
    _draw_legend(figure, axes[0][0], models)
    return figure


def _latency(model: MeasuredModel) -> float:
    return model.latency[1].p50


def _runtime(model: MeasuredModel) -> str:
    if model.is_reference:
        return _RUNTIMES[-1]
    return {".keras": "Keras", ".onnx": "ONNX"}.get(Path(model.footprint.file).suffix, "TFLite")


def _colour(model: MeasuredModel) -> str:
    return COLOURS[_RUNTIMES.index(_runtime(model))]


def _mark_size(model: MeasuredModel) -> float:
    """Diameter in points: 4 at 10 KiB, 5 more for ten times as much."""
    return float(4 + 5 * max(0.0, np.log10(model.footprint.bytes / 10_240)) / 2)


def _draw_accuracies(axis: Axes, models: Models, split: SplitEvaluation) -> None:
    points = []
    for name, model in models.items():
        accuracy = split.models[name].slice.figure(STAGES4, "accuracy") if name in split.models else None
        if accuracy is None:
            continue
        x, y = _latency(model), accuracy.value
        points.append((x, y))
        axis.plot([x, x], [0, accuracy.low], color=_colour(model), lw=0.6, alpha=0.5)
        spread = [[y - accuracy.low], [accuracy.high - y]]
        axis.errorbar(x, y, spread, fmt="o", ms=_mark_size(model), capsize=3, lw=1, color=_colour(model), alpha=0.85)
    for style, (baseline, title) in zip(("--", ":"), BASELINES.items(), strict=True):
        if baseline in split.evaluated_on.baselines:
            axis.axhline(split.evaluated_on.baselines[baseline], color="grey", ls=style, lw=1.2, label=title)
    axis.plot(*_front(points), color="black", lw=0.9, label="Pareto front", zorder=0)
    axis.set(xscale="log", ylim=(0, 1.02))
    axis.grid(alpha=0.3)


def _front(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Steps through the points that no faster point equals or beats, on to the slowest."""
    xs: list[float] = []
    ys: list[float] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not ys or y > ys[-1]:
            xs += [x, x] if ys else [x]
            ys += [ys[-1], y] if ys else [y]
    return [*xs, max(x for x, _ in points)], [*ys, ys[-1]]


def _draw_names(axis: Axes, models: Models) -> None:
    """Draw a row per model, the slowest at the top."""
    ordered = sorted(models.items(), key=lambda item: _latency(item[1]))
    for row, (_, model) in enumerate(ordered):
        x, colour = _latency(model), _colour(model)
        if not model.is_reference:
            axis.plot([x, x], [row, len(ordered)], color=colour, lw=0.6, alpha=0.5)
        axis.plot([x, model.latency[1].p95], [row, row], color=colour, lw=1.5)
        axis.plot(x, row, "o", ms=_mark_size(model), color=colour)
    labels = [f"{name}  {_latency(model):.3g} ms, {_size(model.footprint.bytes)}" for name, model in ordered]
    axis.set_yticks(range(len(ordered)), labels, fontsize=8)
    axis.set_ylim(-0.7, len(ordered) - 0.3)
    low, high = (np.log10(_latency(model)) for _, model in (ordered[0], ordered[-1]))
    axis.set_xlim(10 ** (low - 0.3), 10 ** (high + 0.3))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter() if high - low > 1 else "{x:g}")
    axis.grid(alpha=0.3)


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 1024:.0f} KiB"


def _draw_legend(figure: Figure, axis: Axes, models: Models) -> None:
    """Draw the colours by runtime, and the lines of the first panel."""
    colours = {_runtime(model): _colour(model) for model in models.values()}
    for runtime, colour in colours.items():
        title = "reference models, random weights" if runtime == _RUNTIMES[-1] else runtime
        axis.plot([], [], "o", color=colour, label=title)
    figure.legend(*axis.get_legend_handles_labels(), fontsize=8, loc="outside upper center", ncols=4)
