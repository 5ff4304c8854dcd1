"""What `alzedge experiments` found, as a table and a picture."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from alzedge.export.report.plots import COLOURS, save_figure
from alzedge.export.report.tables import FLOORS, Rows, markdown_rows, split_title, text_rows
from alzedge.metrics.tasks import ANY_DEMENTIA, CDR1, STAGES3, STAGES4, Task

# Column heading, task, figure, and the level it is of where people are known.
_COLUMNS = (
    ("accuracy", STAGES4, "accuracy", "slice"),
    ("3 stages, macro AUC", STAGES3, "macro_roc_auc", "person"),
    ("any dementia, AUC", ANY_DEMENTIA, "roc_auc", "person"),
    ("CDR 1 or more, AUC", CDR1, "roc_auc", "person"),
)
_NOTE = (
    "Accuracy: of four stages, per slice. Areas: per person where people are known. In brackets the 95 % bootstrap "
    "interval over people, or over slices where people are unknown. Differences smaller than the intervals prove nothing."
)


def comparison_rows(found: dict[str, Any]) -> Rows:
    """Header, a row for each experiment and split, and the floors of each split.

    Args:
        found: content of `experiments.json`.
    """
    rows = [["experiment", "model", "tested on", *(title for title, *_ in _COLUMNS)]]
    for entry in found["experiments"]:
        for split, levels in entry["figures"].items():
            cells = [_cell(_figure(levels, task, figure, level)) for _, task, figure, level in _COLUMNS]
            rows.append([f"{entry['group']}: {entry['name']}", entry["model"], split_title(split), *cells])
    for split, told in found["splits"].items():
        for floor, title in FLOORS.items():
            rows.append([f"floor: {title}", "", split_title(split), f"{told['floors'][floor]:.3f}", "", "", ""])
    return rows


def text_comparison(found: dict[str, Any]) -> str:
    """The table in columns, for a terminal."""
    return f"{text_rows(comparison_rows(found))}\n{_NOTE}"


def markdown_comparison(found: dict[str, Any]) -> str:
    """The table in Markdown."""
    return f"{markdown_rows(comparison_rows(found))}\n\n{_NOTE}\n"


def draw_comparison(found: dict[str, Any], path: Path) -> None:
    """Draw each figure with its interval, a panel per column and a row per experiment; colours tell splits apart."""
    entries = found["experiments"]
    splits = list(found["splits"])
    figure = Figure(figsize=(4 + 2.6 * len(_COLUMNS), 1.4 + 0.28 * len(entries)), layout="constrained")
    axes = figure.subplots(1, len(_COLUMNS), sharey=True, squeeze=False)[0]
    for axis, (title, task, name, level) in zip(axes, _COLUMNS, strict=True):
        for number, split in enumerate(splits):
            shift = 0.3 * (number - (len(splits) - 1) / 2)
            for row, entry in enumerate(entries):
                _draw(axis, row + shift, _figure(entry["figures"].get(split), task, name, level), COLOURS[number])
            axis.plot([], [], "o", color=COLOURS[number], label=split_title(split))
        if name == "accuracy":
            for number, split in enumerate(splits):
                floor = found["splits"][split]["floors"]["nearest_neighbour"]
                axis.axvline(floor, color=COLOURS[number], lw=1, ls=":")
        axis.set_title(title, fontsize=9)
        axis.grid(axis="x", alpha=0.3)
        axis.tick_params(labelsize=8)
    axes[0].set_yticks(range(len(entries)), [f"{entry['group']}: {entry['name']}" for entry in entries])
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower right", fontsize=8, ncols=len(splits))
    save_figure(figure, path)


def draw_label_curve(found: dict[str, Any], path: Path) -> bool:
    """Draw figures over the share of labelled people, a line with and one without contrastive pre-training.

    Returns:
        Whether there was anything to draw: teachers that differ in that share.
    """
    teachers = [entry for entry in found["experiments"] if entry["model"] == "teacher"]
    curves: dict[str, dict[int, Any]] = {}
    for entry in teachers:
        settings = entry["recipe"]
        title = "self-supervised first" if settings["pretrain"]["epochs"] else "labels alone"
        curves.setdefault(title, {})[settings["finetune"]["label_percent"]] = entry["figures"]
    if max((len(points) for points in curves.values()), default=0) < 2:
        return False
    split = list(found["splits"])[-1]
    figure = Figure(figsize=(3.6 * len(_COLUMNS), 3.6), layout="constrained")
    for axis, (title, task, name, level) in zip(figure.subplots(1, len(_COLUMNS)), _COLUMNS, strict=True):
        for number, (label, points) in enumerate(curves.items()):
            shares = sorted(points)
            values = [_figure(points[share].get(split), task, name, level) for share in shares]
            told = [(share, value) for share, value in zip(shares, values, strict=True) if value]
            middle = [value["value"] for _, value in told]
            ends = [
                [value["value"] - value["low"] for _, value in told],
                [value["high"] - value["value"] for _, value in told],
            ]
            places = [share * (1 + 0.06 * number) for share, _ in told]  # side by side, or they hide each other
            axis.errorbar(places, middle, ends, marker="o", ms=4, lw=1.5, capsize=2, color=COLOURS[number], label=label)
        axis.set(xscale="log", title=title, xlabel="labelled people, %")
        axis.set_xticks([1, 10, 20, 50, 100], ["1", "10", "20", "50", "100"])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=8)
    figure.suptitle(f"{split_title(split)}: {found['splits'][split]['description']}", fontsize=10)
    save_figure(figure, path)
    return True


def _draw(axis: Any, row: float, figure: dict[str, float] | None, colour: str) -> None:
    if figure is not None:
        axis.plot([figure["low"], figure["high"]], [row, row], color=colour, lw=1.5)
        axis.plot([figure["value"]], [row], "o", color=colour, ms=4)


def _figure(levels: dict[str, Any] | None, task: Task, figure: str, level: str) -> dict[str, float] | None:
    if levels is None:
        return None
    found: dict[str, float] | None = levels.get(level, levels["slice"])[task.name][figure]
    return found


def _cell(figure: dict[str, float] | None) -> str:
    return "-" if figure is None else f"{figure['value']:.3f} ({figure['low']:.2f}-{figure['high']:.2f})"
