"""What a report of an evaluation says, before it is HTML or Markdown."""

from dataclasses import dataclass, field
from typing import Any

from alzedge.export.report.tables import FLOORS, Rows, split_title
from alzedge.metrics.scores import BY_CLASS, TEACHER
from alzedge.metrics.tasks import ANY_DEMENTIA, CDR1, FIGURES, STAGES3, STAGES4, TASKS, Task

LEVELS = {"slice": "per slice", "person": "per person"}
_TEACHER_FIGURES = {"agreement": "share of equal answers", "kl": "mean KL divergence, nats"}
_UNKNOWN = "people unknown: nothing claimed about unseen people"
# What a reader wants first: task, figure, and the level, per person where people are known.
_HEADLINES = (
    (STAGES4, "accuracy", "slice"),
    (STAGES4, "accuracy", "person"),
    (STAGES3, "macro_roc_auc", "person"),
    (ANY_DEMENTIA, "roc_auc", "person"),
    (CDR1, "roc_auc", "person"),
    (STAGES4, "ece", "slice"),
)


@dataclass(frozen=True)
class Table:
    """Header and rows of plain text under a title; `notes` are sentences below it."""

    title: str
    rows: Rows
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A heading, sentences, tables, and pictures (title and SVG) by model."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


def cell(figure: dict[str, float] | None) -> str:
    """A figure with its interval."""
    if figure is None:
        return "-"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def glance_table(splits: dict[str, Any]) -> Table:
    """The figures that matter, the test sets side by side, a row per figure and model, floors among them."""
    models = list(dict.fromkeys(name for found in splits.values() for name in found["models"]))
    header = ["figure", "model", *(_over(name, found) for name, found in splits.items())]
    rows = []
    for task, figure, level in _HEADLINES:
        if level == "person" and not any(found["people"] for found in splits.values()):
            if figure == "accuracy":
                continue
            level = "slice"
        title = f"{FIGURES[figure]}, {task.title}, {LEVELS[level]}"
        for name in models:
            cells = [cell(_look_up(found["models"].get(name), level, task, figure)) for found in splits.values()]
            rows.append([title, name, *cells])
        if (task, figure, level) == _HEADLINES[0]:
            for floor, name in FLOORS.items():
                shown = [f"{found['floors'][floor]:.3f}" if found["floors"] else "-" for found in splits.values()]
                rows.append([title, name, *shown])
    return Table(
        "At a glance",
        [header, *rows],
        (
            "1-nearest neighbour and majority class know nothing of dementia: what does not beat them shows nothing of it either.",
        ),
    )


def _over(name: str, found: dict[str, Any]) -> str:
    people = f"{found['people']} people" if found["people"] else _UNKNOWN
    title = split_title(name)
    return f"{title[0].upper()}{title[1:]} ({found['slices']} slices, {people})"


def _look_up(levels: dict[str, Any] | None, level: str, task: Task, figure: str) -> dict[str, float] | None:
    if levels is None or level not in levels:
        return None
    found: dict[str, float] | None = levels[level][task.name][figure]
    return found


def claims_table(splits: dict[str, Any]) -> Table:
    """What each model has seen of each test set."""
    rows = [["tested on", "model", "what it has seen"]]
    for name, found in splits.items():
        rows += [[split_title(name), model, seen["statement"]] for model, seen in found["exposure"].items()]
        rows += [[split_title(name), model, f"{why} No figures here."] for model, why in found["refused"].items()]
    return Table("What the figures may claim", rows)


def split_section(name: str, found: dict[str, Any], pictures: dict[str, tuple[tuple[str, str], ...]]) -> Section:
    """Everything about one test set."""
    tables = [table for task in TASKS for table in _task_tables(task, found)]
    if any(TEACHER in levels["slice"] for levels in found["models"].values()):
        tables.append(_teacher_table(found))
    if found["differences"]:
        tables.append(_difference_table(found))
    sentence = f"{found['description'][0].upper()}{found['description'][1:]}."
    return Section(_over(name, found), (sentence,), tuple(tables), pictures)


def _columns(found: dict[str, Any]) -> list[tuple[str, dict[str, Any], str]]:
    """Model, its figures of one level, and a heading for both."""
    return [
        (name, levels[level], f"{name}, {title}" + ("" if found["people"] else f" ({_UNKNOWN})"))
        for name, levels in found["models"].items()
        for level, title in LEVELS.items()
        if level in levels
    ]


def _task_tables(task: Task, found: dict[str, Any]) -> list[Table]:
    columns = _columns(found)
    if not columns:
        return []
    judged = [figures[task.name] for _, figures, _ in columns]
    rows = [["figure", *(heading for _, _, heading in columns)]]
    for figure, title in FIGURES.items():
        if figure in judged[0]:
            rows.append([title, *(cell(entry[figure]) for entry in judged)])
    for name in judged[0].get(BY_CLASS, {}):
        for figure in judged[0][BY_CLASS][name]:
            rows.append([f"{name}: {FIGURES[figure]}", *(cell(entry[BY_CLASS][name][figure]) for entry in judged)])
    first = judged[0]
    whom = ", ".join(f"{name} {n}" for name, n in first["people"].items()) if first["people"] else _UNKNOWN
    title = f"{task.title[0].upper()}{task.title[1:]} ({first['n']} slices; people: {whom})"
    notes = dict.fromkeys(note for entry in judged for note in entry["notes"])
    positive = (f"Sensitivity, specificity and areas are those of {task.classes[1]}.",) if task.binary else ()
    return [Table(title, rows, (*positive, *notes))]


def _teacher_table(found: dict[str, Any]) -> Table:
    columns = [column for column in _columns(found) if TEACHER in column[1]]
    rows = [["figure", *(heading for _, _, heading in columns)]]
    for figure, title in _TEACHER_FIGURES.items():
        rows.append([title, *(cell(figures[TEACHER][figure]) for _, figures, _ in columns)])
    return Table("Agreement with the teacher", rows)


def _difference_table(found: dict[str, Any]) -> Table:
    first = next(iter(found["models"]))
    columns = [(name, level) for name, levels in found["differences"].items() for level in levels]
    rows = [["figure", *(f"{name}, {LEVELS[level]}" for name, level in columns)]]
    for task in TASKS:
        for figure in task.summary:
            values = [cell(found["differences"][name][level][task.name][figure]) for name, level in columns]
            rows.append([f"{FIGURES[figure]}, {task.title}", *values])
    note = "Both models are resampled alike, so an interval without 0 is a difference that is hardly chance."
    return Table(f"Differences from {first}", rows, (note,))
