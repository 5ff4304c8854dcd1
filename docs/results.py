"""Print the results page, docs/results.md, from what `make results` left behind.

python docs/results.py AUDIT CROSSVAL RUN > docs/results.md
"""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from alzedge.export.report.people_tables import (
    chance_sentences,
    group_rows,
    headline_rows,
    measure_rows,
    people_rows,
)
from alzedge.export.report.tables import markdown_rows
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.people_figures import SourceFigures
from alzedge.metrics.split_evaluation import SplitEvaluation, read_metrics
from alzedge.metrics.tasks import ANY_DEMENTIA, STAGES4
from alzedge.stages import DISCLAIMER

# The study this project follows (CMPE 297, 2021), official split: accuracy, micro and macro area under the ROC curve.
STUDY = {
    "study: SimCLR v1, linear": ("-", "0.82", "0.68"),
    "study: SimCLRv2, fine-tuned": ("0.53", "0.80", "0.56"),
    "study: distilled student": ("0.35", "0.72", "0.53"),
}
COMMAND = "DATA=archive.zip SCANS=prepared make results ARGS='--people oasis_cross-sectional.csv --recipe measure'"
OURS = {"teacher": "teacher.keras", "student": "student.keras", "student_int8": "student_int8.tflite"}
UNSEEN = (
    ("accuracy, 4 stages, slices", "slice", "stages4", "accuracy"),
    ("balanced accuracy, 3 stages, people", "person", "stages3", "balanced_accuracy"),
    ("3 stages, macro AUC", "person", "stages3", "macro_roc_auc"),
    ("any dementia, AUC", "person", "any_dementia", "roc_auc"),
    ("CDR 1 or more, AUC", "person", "cdr1", "roc_auc"),
    ("calibration error, slices", "slice", "stages4", "ece"),
)
OFFICIAL = (("accuracy", "accuracy"), ("micro AUC", "micro_roc_auc"), ("macro AUC", "macro_roc_auc"))


def cell(figure: Estimate | None) -> str:
    return "-" if figure is None else figure.short()


def baseline_cell(method: dict[str, Any], task: str, level: str, figure: str) -> str:
    """A figure of a method of `audit.json`, which has no task whose classes are absent and no level it does not answer."""
    content = ((method.get(task) or {}).get(level) or {}).get(figure)
    return cell(Estimate.from_json(content) if content else None)


def unseen_table(crossval: SplitEvaluation, baselines: dict[str, Any], methods: dict[str, str]) -> str:
    rows = [["method", *(title for title, *_ in UNSEEN)]]
    for name, method in baselines["people"].items():
        cells = [baseline_cell(method, task, level, figure) for _, level, task, figure in UNSEEN]
        rows.append([f"baseline: {methods[name]}", *cells])
    for name in OURS:
        levels = crossval.models[f"{name}.csv"].levels
        cells = [cell(levels[level].tasks[task][figure]) for _, level, task, figure in UNSEEN]
        rows.append([f"**ours: {name}**", *cells])
    return markdown_rows(rows)


def official_table(official: SplitEvaluation | None, baselines: dict[str, Any], methods: dict[str, str]) -> str:
    rows = [["method", *(f"{title}, slices" for title, _ in OFFICIAL)]]
    rows += [[name, *figures] for name, figures in STUDY.items()]
    for name, method in baselines["official"].items():
        cells = [baseline_cell(method, STAGES4.name, "slice", figure) for _, figure in OFFICIAL]
        rows.append([f"baseline: {methods[name]}", *cells])
    for name, file in OURS.items() if official else ():
        figures = official.models[file].slice
        rows.append([f"ours: {name}", *(cell(figures.figure(STAGES4, figure)) for _, figure in OFFICIAL)])
    return markdown_rows(rows)


def people_section(source: str, figures: SourceFigures, files: dict[str, str], warning: str) -> str:
    """All people and those of 60 and more, then the int8 student by age and sex, and what it measures."""
    rows = headline_rows(figures, {file: f"**ours: {name}**" for name, file in files.items()})
    student = files["student_int8"]
    groups = group_rows(figures.models[student][ANY_DEMENTIA.name])
    measured = measure_rows(figures, {file: name for name, file in files.items()})
    parts = [
        f"### People of {source}",
        warning,
        markdown_rows(rows),
        f"The int8 student, any dementia, by age and sex:\n\n{markdown_rows(groups)}",
        f"What is measured, against the table:\n\n{markdown_rows(measured)}" if measured else "",
        " ".join(chance_sentences(figures)),
        f"Who they are:\n\n{markdown_rows(people_rows(figures.people))}" if not warning else "",
    ]
    return "\n\n".join(part for part in parts if part)


def people_sections(evaluated: SplitEvaluation, files: dict[str, str], warning: str = "") -> str:
    sections = [people_section(source, figures, files, warning) for source, figures in evaluated.sources.items()]
    return (
        "\n\n".join(sections)
        or "Ages and sexes are unknown in this run: `ARGS='--people oasis_cross-sectional.csv'` names OASIS-1's table."
    )


def official_people(official: SplitEvaluation | None) -> str:
    if official is None:
        return "A recipe that learns from two sources has no official split; `DATA=path/to/archive.zip make results` adds recipe `cpu`."
    warning = "Per person, and **no evidence about new people**: everybody tested also trained the models."
    return people_sections(official, OURS, warning)


def main(audit: Path, crossval: Path, run: Path) -> str:
    audited = json.loads((audit / "audit.json").read_text())
    pooled = read_metrics(crossval / "evaluation" / "metrics.json")["crossval"]
    official = read_metrics(run / "metrics.json").get("official")
    recipe = tomllib.loads((run / "recipe.toml").read_text())
    baselines, methods = audited["floors"]["splits"], audited["floors"]["methods"]
    data = pooled.evaluated_on
    return f"""# Results

**{DISCLAIMER}** `{COMMAND}` makes this page: the audit, the
cross-validation and the run of recipe `{recipe["name"]}`, seed {recipe["seed"]}. In brackets 95 % bootstrap intervals over people.

> {audited["verdict"]["sentence"]}

## People that no phase of training has seen

{data.people} people of known stage, {data.slices} slices; {data.description}. Areas are per person, whose answer is the mean over the person's slices.

{unseen_table(pooled, baselines if official else {"people": {}}, methods)}

Two of the {data.people} people have moderate dementia, so nothing is claimed about that stage alone: three stages join it to mild, and CDR 1 or
more leaves very mild out.

## By age and sex, on unseen people

Without dementia people are younger, so part of an AUC may be age. Baselines of the table see no image: a model that does not beat
age, or the table's own brain volume, shows no more than these. [How to read it](evidence.md#age).

{people_sections(pooled, {name: f"{name}.csv" for name in OURS})}

## The official split of the Kaggle set

Other slices of the people in the training images: it measures recognition of people as much as of dementia. It is here because it
is what others report. The study's figures are as published (CMPE 297, 2021), without intervals.

{official_table(official, baselines, methods)}

{official_people(official)}
"""


if __name__ == "__main__":
    print(main(*map(Path, sys.argv[1:4])), end="")
