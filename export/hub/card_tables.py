"""The tables of a model card: figures by task and by class, calibration, threshold, refusals."""

from typing import Any

from alzedge.export.report.sections import cell
from alzedge.export.report.tables import FLOORS, Rows, markdown_rows, split_title
from alzedge.metrics.scores import BY_CLASS, TEACHER
from alzedge.metrics.tasks import FIGURES, STAGES3, STAGES4, TASKS, Task
from alzedge.model_file.read_write import Record

_LEVELS = ("slice", "person")
# The order of reading: what may be cited first.
_ORDER = ("crossval", "subject", "random", "official")
_BY_CLASS = ("sensitivity", "specificity", "roc_auc", "pr_auc")


def figure_title(task: Task, figure: str) -> str:
    """How cards call a figure of a task."""
    name = FIGURES[figure]
    return f"{name[0].upper()}{name[1:]}, {task.title}"


def figure_sections(record: Record, benchmark: dict[str, Any] | None, name: str) -> str:
    """Everything that was measured of a model's answers, as Markdown.

    Args:
        record: with `metrics`.
        benchmark: content of `benchmark.json`, for the figures by class.
        name: the model's in it.
    """
    metrics = record["metrics"]
    splits = [split for split in _ORDER if split in metrics]
    parts = [_split_section(split, metrics[split], _whole(benchmark, split, name)) for split in splits]
    over = "people" if record["dataset"]["people"] else "slices; the people are unknown, so the truth is wider"
    parts.append(
        f"In brackets the 95 % bootstrap interval over {over}. A person's answer is the mean over the person's slices. Macro "
        "means are over the stages that occur."
    )
    parts += [_calibration(record, splits), _threshold(record), _refusals(record)]
    return "\n\n".join(part for part in parts if part)


def _whole(benchmark: dict[str, Any] | None, split: str, name: str) -> dict[str, Any] | None:
    """All figures of a model on a split, of which the record carries a summary."""
    found: dict[str, Any] | None = ((benchmark or {}).get("splits", {}).get(split) or {"models": {}})["models"].get(
        name
    )
    return found


def _split_section(split: str, found: dict[str, Any], whole: dict[str, Any] | None) -> str:
    title = split_title(split)
    heading = f"### {title[0].upper()}{title[1:]}\n\nMeasured on {found['measured_on']}. Split: {found['description']}."
    levels = [level for level in _LEVELS if level in found]
    rows = [["figure", *(f"per {level} (n = {found[level]['n']})" for level in levels)]]
    for task in TASKS:
        for figure in task.summary[:-1]:  # the last is calibration's and has its own table
            rows.append([figure_title(task, figure), *(_cell(found[level][task.name][figure]) for level in levels)])
    if all(TEACHER in found[level] for level in levels):
        rows.append(["Same answer as the teacher", *(cell(found[level][TEACHER]["agreement"]) for level in levels)])
    floors = ", ".join(f"{FLOORS[floor]} {value:.3f}" for floor, value in sorted(found["floors"].items(), reverse=True))
    floor = f"Accuracy of what knows nothing of dementia, per slice: {floors}."
    parts = [heading, markdown_rows(rows), floor]
    if whole:
        level = levels[-1]
        parts += [_class_table(task, whole[level][task.name], level) for task in (STAGES4, STAGES3)]
    return "\n\n".join(parts)


def _class_table(task: Task, found: dict[str, Any], level: str) -> str:
    """Figures of each class of a task, and what was answered instead."""
    counts = found["people"] or {}
    rows: Rows = [
        ["true class", "people", *(FIGURES[figure] for figure in _BY_CLASS), *(f"as {c}" for c in task.classes)]
    ]
    for index, name in enumerate(task.classes):
        figures = [_cell(found[BY_CLASS][name][figure], "not claimed") for figure in _BY_CLASS]
        answered = [str(count) for count in found["confusion"][index]]
        rows.append([name, str(counts.get(name, "unknown")), *figures, *answered])
    notes = "\n".join(f"- {note}" for note in found["notes"])
    title = f"By class, {task.title}, per {level}; the last columns count answers:"
    return "\n\n".join(part for part in (title, markdown_rows(rows), notes) if part)


def _cell(figure: dict[str, float] | None, absent: str = "a class is missing") -> str:
    return cell(figure) if figure else absent


def _calibration(record: Record, splits: list[str]) -> str:
    rows = [["expected calibration error", *(f"{task.title}" for task in TASKS)]]
    for split in splits:
        for level in _LEVELS:
            if level in record["metrics"][split]:
                figures = record["metrics"][split][level]
                rows.append(
                    [f"{split_title(split)}, per {level}", *(_cell(figures[task.name]["ece"]) for task in TASKS)]
                )
    return (
        "### Calibration\n\nHow far confidence and accuracy lie apart, on average over bins of confidence (Guo et al. 2017); 0 "
        f"is perfect.\n\n{markdown_rows(rows)}"
    )


def _threshold(record: Record) -> str:
    """The threshold on one score that says 'any dementia', where the file carries one."""
    found = record.get("operating_threshold")
    if not found:
        return ""
    return (
        f"### Operating threshold\n\n{found['task'].capitalize()}, per {found['level']}, from a score ({found['score']}) of "
        f"{found['value']:.3f} on, chosen on the {found['chosen_on']}. On the test side: sensitivity "
        f"{_cell(found['sensitivity'], 'unknown')}, specificity {_cell(found['specificity'], 'unknown')}."
    )


def _refusals(record: Record) -> str:
    """What the guard refuses, where the file carries one."""
    measured = (record.get("guard") or {}).get("measured")
    if not measured:
        return ""
    rows = [["what", "shown", "refused"]]
    false = measured["false_refusals"]
    rows.append(["slices of the test side", str(false["n"]), f"{false['refused']:.1%}"])
    rows += [[name, str(entry["n"]), f"{entry['refused']:.1%}"] for name, entry in measured["detected"].items()]
    return (
        "### Refusals\n\nThe file carries a guard that refuses what does not look like the slices of its training; its "
        f"threshold is the {measured['threshold']}. Where AlzEdge runs the file, these never reach the network:\n\n"
        f"{markdown_rows(rows)}"
    )
