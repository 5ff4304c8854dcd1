"""Content of the report of an evaluation, before it is HTML or Markdown."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alzedge.export.report.tables import BASELINES, capitalised, split_title
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.evaluation import Evaluation, LevelFigures
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.metrics.tasks import ANY_DEMENTIA, CDR1, FIGURES, STAGES3, STAGES4, TASKS, Task
from alzedge.utils.text_table import Rows

LEVELS = {"slice": "per slice", "person": "per person"}
# Titles and SVGs of one model.
Pictures = tuple[tuple[str, str], ...]
_TEACHER_FIGURES = {"agreement": "share of equal answers", "kl": "mean KL divergence, nats"}
_UNKNOWN = "people unknown: nothing claimed about unseen people"
# The first figures of a report: task, figure, and level, per person where people are known.
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
    """A heading, sentences, tables, and pictures by model."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: Mapping[str, Pictures] = field(default_factory=dict)


def cell(figure: Estimate | None) -> str:
    """A figure with its interval, or a dash."""
    return "-" if figure is None else figure.text()


def report_sections(
    splits: Mapping[str, SplitEvaluation], pictures: Mapping[str, Mapping[str, Pictures]]
) -> list[Section]:
    """Write the sections of a report on slices: the figures that matter, then everything about each test set.

    Args:
        splits: by split what was evaluated on its test side.
        pictures: by split and model.
    """
    first = Section("Figures", (), (glance_table(splits), claims_table(splits)))
    return [
        first,
        *(split_section(name, evaluated, pictures[name]) for name, evaluated in splits.items() if evaluated.models),
    ]


def glance_table(splits: Mapping[str, SplitEvaluation]) -> Table:
    """The figures that matter, the test sets side by side, a row per figure and model, baselines among them."""
    models = list(dict.fromkeys(name for evaluated in splits.values() for name in evaluated.models))
    header = ["figure", "model", *(_over(name, evaluated) for name, evaluated in splits.items())]
    people_known = any(evaluated.evaluated_on.people for evaluated in splits.values())
    rows = []
    for task, figure, wanted in _HEADLINES:
        if wanted == "person" and not people_known and figure == "accuracy":
            continue  # the same as the row before
        level = wanted if people_known else "slice"
        title = f"{FIGURES[figure]}, {task.title}, {LEVELS[level]}"
        for name in models:
            cells = [cell(_look_up(evaluated.models.get(name), level, task, figure)) for evaluated in splits.values()]
            rows.append([title, name, *cells])
        if (task, figure, wanted) == _HEADLINES[0]:
            rows += [[title, name, *_baseline_cells(splits, baseline)] for baseline, name in BASELINES.items()]
    note = (
        "1-nearest neighbour and majority class know nothing of dementia: a model that does not beat them shows nothing of "
        "it either."
    )
    return Table("At a glance", [header, *rows], (note,))


def _baseline_cells(splits: Mapping[str, SplitEvaluation], baseline: str) -> list[str]:
    measured = (evaluated.evaluated_on.baselines for evaluated in splits.values())
    return [f"{accuracies[baseline]:.3f}" if accuracies else "-" for accuracies in measured]


def _over(name: str, evaluated: SplitEvaluation) -> str:
    people = f"{evaluated.evaluated_on.people} people" if evaluated.evaluated_on.people else _UNKNOWN
    return f"{capitalised(split_title(name))} ({evaluated.evaluated_on.slices} slices, {people})"


def _look_up(evaluation: Evaluation | None, level: str, task: Task, figure: str) -> Estimate | None:
    chosen = evaluation.levels.get(level) if evaluation else None
    return chosen.figure(task, figure) if chosen else None


def claims_table(splits: Mapping[str, SplitEvaluation]) -> Table:
    """Rows on what each model has seen of each test set."""
    rows = [["tested on", "model", "what it has seen"]]
    for name, evaluated in splits.items():
        rows += [[split_title(name), model, seen.statement] for model, seen in evaluated.exposure.items()]
        refused = evaluated.refused or {}
        rows += [[split_title(name), model, f"{why} No figures here."] for model, why in refused.items()]
    return Table("What the figures may claim", rows)


def split_section(name: str, evaluated: SplitEvaluation, pictures: Mapping[str, Pictures]) -> Section:
    """Everything about one test set."""
    columns = _columns(evaluated)
    tables = [_task_table(task, columns) for task in TASKS if columns]
    if any(evaluation.slice.teacher for evaluation in evaluated.models.values()):
        tables.append(_teacher_table(columns))
    if evaluated.differences:
        tables.append(_difference_table(evaluated))
    sentence = f"{capitalised(evaluated.evaluated_on.description)}."
    return Section(_over(name, evaluated), (sentence,), tuple(tables), pictures)


def _columns(evaluated: SplitEvaluation) -> list[tuple[str, LevelFigures]]:
    """A heading for each model and level, and the figures below it."""
    unknown = "" if evaluated.evaluated_on.people else f" ({_UNKNOWN})"
    return [
        (f"{name}, {LEVELS[level]}{unknown}", figures)
        for name, evaluation in evaluated.models.items()
        for level, figures in evaluation.levels.items()
    ]


def _task_table(task: Task, columns: list[tuple[str, LevelFigures]]) -> Table:
    levels = [level for _, level in columns]
    first, details = levels[0].tasks[task.name], [level.details[task.name] for level in levels]
    rows = [["figure", *(heading for heading, _ in columns)]]
    for figure, title in FIGURES.items():
        if figure in first:
            rows.append([title, *(cell(level.figure(task, figure)) for level in levels)])
    for name, of_class in details[0].by_class.items():
        for figure in of_class:
            rows.append([f"{name}: {FIGURES[figure]}", *(cell(entry.by_class[name][figure]) for entry in details)])
    counts = details[0].people
    people = ", ".join(f"{name} {n}" for name, n in counts.items()) if counts else _UNKNOWN
    title = f"{capitalised(task.title)} ({details[0].n} slices; people: {people})"
    notes = dict.fromkeys(note for entry in details for note in entry.notes)
    positive = (f"Sensitivity, specificity and areas are those of {task.classes[1]}.",) if task.binary else ()
    return Table(title, rows, (*positive, *notes))


def _teacher_table(columns: list[tuple[str, LevelFigures]]) -> Table:
    compared = [(heading, level.teacher) for heading, level in columns if level.teacher]
    rows = [["figure", *(heading for heading, _ in compared)]]
    for figure, title in _TEACHER_FIGURES.items():
        rows.append([title, *(cell(figures[figure]) for _, figures in compared)])
    return Table("Agreement with the teacher", rows)


def _difference_table(evaluated: SplitEvaluation) -> Table:
    first = next(iter(evaluated.models))
    columns = [
        (name, level, tasks) for name, levels in evaluated.differences.items() for level, tasks in levels.items()
    ]
    rows = [["figure", *(f"{name}, {LEVELS[level]}" for name, level, _ in columns)]]
    for task in TASKS:
        for figure in task.summary:
            values = [cell(tasks[task.name][figure]) for *_, tasks in columns]
            rows.append([f"{FIGURES[figure]}, {task.title}", *values])
    note = "Both models are resampled alike, so an interval without 0 is a difference that is hardly chance."
    return Table(f"Differences from {first}", rows, (note,))
