"""The tables of a model card: figures by task and by class, calibration, threshold, refusals."""

from collections.abc import Mapping, Sequence

from alzedge.export.benchmark.results import Benchmark
from alzedge.export.report.tables import BASELINES, capitalised, markdown_rows, split_title
from alzedge.metrics.estimate import Estimate, figures_from_json
from alzedge.metrics.evaluation import Evaluation, LevelFigures
from alzedge.metrics.split_evaluation import Quote
from alzedge.metrics.tasks import FIGURES, STAGES3, STAGES4, TASKS, Task
from alzedge.model_file.read_write import Record
from alzedge.utils.text_table import Rows

# The order of reading: what may be cited first.
_ORDER = ("crossval", "subject", "random", "official")
_BY_CLASS = ("sensitivity", "specificity", "roc_auc", "pr_auc")


def figure_title(task: Task, figure: str) -> str:
    """Title of a figure of a task."""
    return f"{capitalised(FIGURES[figure])}, {task.title}"


def figure_sections(record: Record, quotes: Mapping[str, Quote], benchmark: Benchmark | None, name: str) -> str:
    """Write everything that was measured of a model's answers, as Markdown.

    Args:
        record: of the model.
        quotes: its figures by split.
        benchmark: for the figures by class.
        name: the model's in the benchmark.
    """
    splits = [split for split in _ORDER if split in quotes]
    parts = [_split_section(split, quotes[split], _evaluation(benchmark, split, name)) for split in splits]
    over = "people" if record["dataset"]["people"] else "slices; the people are unknown, so the truth is wider"
    rule = ", without the record's rule for a person" if record.get("measures") else ""
    parts.append(
        f"In brackets the 95 % bootstrap interval over {over}. Here a person's answer is the mean over the person's slices{rule}. "
        "Macro means are over the stages that occur."
    )
    parts += [_calibration(quotes, splits), _threshold(record), _refusals(record)]
    return "\n\n".join(part for part in parts if part)


def _evaluation(benchmark: Benchmark | None, split: str, name: str) -> Evaluation | None:
    """All figures of a model on a split, of which the record carries a summary."""
    evaluated = benchmark.splits.get(split) if benchmark else None
    return evaluated.models.get(name) if evaluated else None


def _split_section(split: str, quoted: Quote, evaluation: Evaluation | None) -> str:
    title = capitalised(split_title(split))
    heading = f"### {title}\n\nMeasured on {quoted.measured_on}. Split: {quoted.description}."
    levels = quoted.summary.levels
    rows = [["figure", *(f"per {name} (n = {level.n})" for name, level in levels.items())]]
    for task in TASKS:
        for figure in task.summary[:-1]:  # the last is calibration's and has its own table
            rows.append([figure_title(task, figure), *(_cell(level.figure(task, figure)) for level in levels.values())])
    if all(level.teacher for level in levels.values()):
        rows.append(["Same answer as the teacher", *(_cell(level.teacher["agreement"]) for level in levels.values())])
    accuracies = sorted(quoted.baselines.items(), reverse=True)
    baselines = ", ".join(f"{BASELINES[name]} {accuracy:.3f}" for name, accuracy in accuracies)
    parts = [heading, markdown_rows(rows), f"Accuracy of what knows nothing of dementia, per slice: {baselines}."]
    if evaluation:
        level = "person" if evaluation.person else "slice"
        parts += [_class_table(task, evaluation.by_person, level) for task in (STAGES4, STAGES3)]
    return "\n\n".join(parts)


def _class_table(task: Task, figures: LevelFigures, level: str) -> str:
    """Figures of each class of a task, and counts of what was answered."""
    details = figures.details[task.name]
    counts = details.people or {}
    rows: Rows = [
        ["true class", "people", *(FIGURES[figure] for figure in _BY_CLASS), *(f"as {c}" for c in task.classes)]
    ]
    for name, answers in zip(task.classes, details.confusion, strict=True):
        cells = [_cell(details.by_class[name][figure], "not claimed") for figure in _BY_CLASS]
        rows.append([name, str(counts.get(name, "unknown")), *cells, *map(str, answers)])
    notes = "\n".join(f"- {note}" for note in details.notes)
    title = f"By class, {task.title}, per {level}; the last columns count answers:"
    return "\n\n".join(part for part in (title, markdown_rows(rows), notes) if part)


def _cell(figure: Estimate | None, absent: str = "a class is missing") -> str:
    return figure.text() if figure else absent


def _calibration(quotes: Mapping[str, Quote], splits: Sequence[str]) -> str:
    rows = [["expected calibration error", *(task.title for task in TASKS)]]
    for split in splits:
        for name, level in quotes[split].summary.levels.items():
            rows.append([f"{split_title(split)}, per {name}", *(_cell(level.figure(task, "ece")) for task in TASKS)])
    return (
        "### Calibration\n\nHow far confidence and accuracy lie apart, on average over bins of confidence (Guo et al. 2017); 0 "
        f"is perfect.\n\n{markdown_rows(rows)}"
    )


def _threshold(record: Record) -> str:
    """The threshold on one score that says 'any dementia', where the file carries one."""
    threshold = record.get("operating_threshold")
    if not threshold:
        return ""
    measured = figures_from_json({name: threshold[name] for name in ("sensitivity", "specificity")})
    people = threshold.get("people")
    measured_on = "On the test side" if people is None else f"On {people} people that had no part in it"
    sensitivity, specificity = (_cell(figure, "unknown") for figure in measured.values())
    return (
        f"### Operating threshold\n\n{threshold['task'].capitalize()}, per {threshold['level']}, from a score "
        f"({threshold['score']}) of {threshold['value']:.3f} on. Chosen on: {threshold['chosen_on']}. {measured_on}: "
        f"sensitivity {sensitivity}, specificity {specificity}."
    )


def _refusals(record: Record) -> str:
    """Rates of refusal by the guard, where the file carries one."""
    measured = (record.get("guard") or {}).get("measured")
    if not measured:
        return ""
    false, unseen = measured["false_refusals"], measured.get("unseen_source", {})
    tried = {"slices of the test side": false}
    tried |= {f"of these, from {source}": entry for source, entry in false.get("by_source", {}).items()}
    tried |= {f"from {source}, by a guard fitted without that source": entry for source, entry in unseen.items()}
    tried |= measured["detected"]
    rows = [["what", "shown", "refused"]]
    rows += [[name, str(entry["n"]), f"{entry['refused']:.1%}"] for name, entry in tried.items()]
    return (
        "### Refusals\n\nThe file carries a guard that refuses what does not look like the slices of its training; its "
        f"threshold is the {measured['threshold']}. Where AlzEdge runs the file, these never reach the network:\n\n"
        f"{markdown_rows(rows)}"
    )
