"""Results of experiments as tables."""

from dataclasses import dataclass

from alzedge.export.experiments.results import ACCURACY, AREA, PERSON, SLICE, ExperimentResult, StudyResults
from alzedge.export.report.tables import BASELINES, markdown_rows, split_title
from alzedge.utils.text_table import Rows, in_columns

NOTE = (
    "In brackets the 95 % bootstrap interval over people, or over slices where people are unknown. The difference is the "
    "experiment's less its reference's on the same people and resamples; p after Holm's correction over the "
    "experiments of the table. Of several seeds figures are means. Folds that not all experiments have finished are left out."
)
_MISSING = "-"


@dataclass(frozen=True)
class Column:
    """A column of a table and an axis of a plot: one figure of one level."""

    title: str
    level: str
    figure: str

    @property
    def key(self) -> tuple[str, str]:
        """As `ExperimentResult.figure` takes it."""
        return self.level, self.figure


_ACCURACY = Column("accuracy, 4 stages, slices", *ACCURACY)
_AREA = Column("any dementia, AUC, people", *AREA)
_CDR1 = Column("CDR 1 or more, AUC, people", PERSON, "cdr1.roc_auc")
_STAGES = Column("3 stages, macro AUC, people", PERSON, "stages3.macro_roc_auc")
_USUAL = (_ACCURACY, _STAGES, _AREA, _CDR1)
# Figures that the repeated studies published, where they differ from the usual.
_OF_GROUP = {
    "study": (
        _ACCURACY,
        Column("macro F1, slices", SLICE, "stages4.macro_f1"),
        Column("ROC AUC micro, slices", SLICE, "stages4.micro_roc_auc"),
        Column("ROC AUC macro, slices", SLICE, "stages4.macro_roc_auc"),
        Column("PR AUC micro, slices", SLICE, "stages4.micro_pr_auc"),
        Column("PR AUC macro, slices", SLICE, "stages4.macro_pr_auc"),
        _AREA,
    ),
    "preprocessing": (
        _ACCURACY,
        Column("any dementia, accuracy, slices", SLICE, "any_dementia.accuracy"),
        Column("sensitivity, slices", SLICE, "any_dementia.sensitivity"),
        Column("specificity, slices", SLICE, "any_dementia.specificity"),
        _AREA,
        Column("sensitivity, people", PERSON, "any_dementia.sensitivity"),
    ),
}


def columns_of(group: str) -> tuple[Column, ...]:
    """Columns of a group's table."""
    return _OF_GROUP.get(group, _USUAL)


def compared_by(split: str, people_known: bool) -> tuple[str, str]:
    """Figure that experiments are compared by: per person on people nobody trained on, else per slice."""
    return AREA if people_known and split == "subject" else ACCURACY


def comparison_rows(results: StudyResults, group: str, split: str) -> Rows:
    """Lay out one group on one split: header, a row for each experiment, and the split's baselines."""
    columns, rows = columns_of(group), results.of(group, split)
    key = compared_by(split, results.splits[split].people is not None)
    named = "AUC" if key == AREA else "accuracy"
    table = [["experiment", "tested on", *(column.title for column in columns), f"difference in {named}", "p (Holm)"]]
    for result in rows:
        figures = [result.figure(column.key) for column in columns]
        cells = [_MISSING if one is None else one.short() for one in figures]
        if not result.figures:
            cells[0] = result.problem or "not run"
        table.append([result.name, _tested_on(result), *cells, *_difference(result, key)])
    for name, title in BASELINES.items():
        if name in results.splits[split].baselines:
            value = f"{results.splits[split].baselines[name]:.3f}"
            rest = [_MISSING] * (len(columns) + 1)
            table.append([f"baseline: {title}", f"{results.splits[split].slices} slices", value, *rest])
    return table


def text_comparison(results: StudyResults) -> str:
    """Lay out all tables in columns, for a terminal."""
    parts = [
        f"{group}, {split_title(split)}\n{in_columns(comparison_rows(results, group, split))}"
        for group in results.groups
        for split in results.splits_of(group)
    ]
    return "\n\n".join([*parts, NOTE])


def markdown_comparison(results: StudyResults) -> str:
    """Lay out all tables in Markdown."""
    parts = [results.data]
    for group in results.groups:
        parts.append(f"## {group}")
        for split in results.splits_of(group):
            parts += [f"### {split_title(split)}", markdown_rows(comparison_rows(results, group, split))]
            parts += problems(results, group, split)
    return "\n\n".join([*parts, NOTE]) + "\n"


def problems(results: StudyResults, group: str, split: str) -> list[str]:
    """Sentences on trainings that are missing, diverged or did not fit."""
    return [f"{result.name}: {result.problem}" for result in results.of(group, split) if result.problem]


def _tested_on(result: ExperimentResult) -> str:
    if not result.figures:
        return _MISSING
    unit = f"{result.people} people" if result.people else f"{result.slices} slices"
    folds = f", {len(result.folds)} folds" if len(result.folds) > 1 else ""
    seeds = f", {len(result.seeds)} seeds" if len(result.seeds) > 1 else ""
    return f"{unit}{folds}{seeds}"


def _difference(result: ExperimentResult, key: tuple[str, str]) -> list[str]:
    found = result.difference(key)
    if found is None:
        return ["reference" if result.name == result.reference and result.figures else _MISSING, _MISSING]
    p = _MISSING if found.p_holm is None else "< 0.001" if found.p_holm < 0.001 else f"{found.p_holm:.3f}"
    return [found.estimate.text("+.3f", "+.2f", to=" to "), p]
