"""Pictures of a run. Every function writes one PNG, whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from alzedge.data.dataset import DataSet
from alzedge.export.report.tables import split_title
from alzedge.inference.classifier import Classifier
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.metrics.tasks import STAGES4
from alzedge.stages import DISCLAIMER, STAGES, TITLES
from alzedge.utils.files import replacing

matplotlib.use("Agg")

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
_SHORT = ("none", "very mild", "mild", "moderate")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; equal figures give equal files."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120, metadata={"Software": None})  # no version or date inside


def confusion_matrices(splits: Mapping[str, SplitEvaluation], model: str, path: Path) -> None:
    """Draw the confusion of one model per slice and per person, for every split."""
    panels = [
        (f"{split_title(name)}, per {level}", figures.details[STAGES4.name])
        for name, split in splits.items()
        for level, figures in split.models[model].levels.items()
    ]
    figure = Figure(figsize=(3.6 * len(panels), 3.9), layout="constrained")
    for axis, (title, details) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        counts = np.array(details.confusion)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            axis.text(
                column, row, count, ha="center", va="center", color="white" if shares[row, column] > 0.5 else "black"
            )
        axis.set_xticks(range(len(STAGES)), _SHORT, rotation=30)
        axis.set_yticks(range(len(STAGES)), _SHORT)
        axis.set(xlabel="answer", ylabel="true stage", title=title)
    figure.suptitle(model)
    save_figure(figure, path)


def loss_curves(curves: dict[str, list[float]], path: Path) -> None:
    """Draw the mean training loss by epoch, a panel per phase and split."""
    columns = 3
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(4 * columns, 2.9 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flat
    for axis, (title, losses) in zip(axes, curves.items(), strict=False):
        axis.plot(range(1, len(losses) + 1), losses, marker="o", ms=3, color=COLOURS[0])
        axis.set(title=title, xlabel="epoch", ylabel="loss")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
    save_figure(figure, path)


def example_answers(test: DataSet, model: Path, path: Path) -> None:
    """Draw one test slice per stage with the model's four probabilities."""
    rows = [_middle_slice(test, label) for label in np.unique(test.labels)]
    classifier = Classifier.load(model)
    told = [(float(test.age[row]) if np.isfinite(test.age[row]) else None, test.sex[row] or None) for row in rows]
    probabilities = [classifier.probabilities(test.images[[row]], *of)[0] for row, of in zip(rows, told, strict=True)]
    figure = Figure(figsize=(2.9 * len(rows), 5.2), layout="constrained")
    axes = figure.subplots(2, len(rows), height_ratios=[3, 1], squeeze=False)
    for image, bars, row, answer in zip(axes[0], axes[1], rows, probabilities, strict=True):
        image.imshow(test.images[row], cmap="gray", vmin=0, vmax=255)
        image.set_title(f"labelled: {TITLES[test.labels[row]]}", fontsize=10)
        image.axis("off")
        bars.barh(
            _SHORT, answer, color=[COLOURS[1] if k == answer.argmax() else COLOURS[0] for k in range(len(STAGES))]
        )
        bars.invert_yaxis()
        bars.set_xlim(0, 1)
    figure.suptitle(DISCLAIMER, fontsize=8)
    save_figure(figure, path)


def _middle_slice(test: DataSet, label: int) -> int:
    rows = np.flatnonzero(test.labels == label)
    return int(rows[len(rows) // 2])
