"""Print the results page, docs/results.md, from what `make results` left behind.

python docs/results.py AUDIT CROSSVAL RUN > docs/results.md
"""

import json
import sys
from pathlib import Path
from typing import Any

from alzedge.export.report.tables import markdown_rows
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.split_evaluation import SplitEvaluation, read_metrics
from alzedge.metrics.tasks import STAGES4
from alzedge.stages import DISCLAIMER

# The study this project follows (CMPE 297, 2021), official split: accuracy, micro and macro area under the ROC curve.
STUDY = {
    "study: SimCLR v1, linear": ("-", "0.82", "0.68"),
    "study: SimCLRv2, fine-tuned": ("0.53", "0.80", "0.56"),
    "study: distilled student": ("0.35", "0.72", "0.53"),
}
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


def official_table(official: SplitEvaluation, baselines: dict[str, Any], methods: dict[str, str]) -> str:
    rows = [["method", *(f"{title}, slices" for title, _ in OFFICIAL)]]
    rows += [[name, *figures] for name, figures in STUDY.items()]
    for name, method in baselines["official"].items():
        cells = [baseline_cell(method, STAGES4.name, "slice", figure) for _, figure in OFFICIAL]
        rows.append([f"baseline: {methods[name]}", *cells])
    for name, file in OURS.items():
        figures = official.models[file].slice
        rows.append([f"ours: {name}", *(cell(figures.figure(STAGES4, figure)) for _, figure in OFFICIAL)])
    return markdown_rows(rows)


def main(audit: Path, crossval: Path, run: Path) -> str:
    audited = json.loads((audit / "audit.json").read_text())
    pooled = read_metrics(crossval / "evaluation" / "metrics.json")["crossval"]
    official = read_metrics(run / "metrics.json")["official"]
    baselines, methods = audited["floors"]["splits"], audited["floors"]["methods"]
    data = pooled.evaluated_on
    return f"""# Results on the Kaggle 4-class set

**{DISCLAIMER}** `DATA=path/to/archive.zip make results` makes this page: the audit, the
cross-validation and the run of recipe `cpu`, seed 0. In brackets 95 % bootstrap intervals over people.

> {audited["verdict"]["sentence"]}

## People that no phase of training has seen

{data.people} people, {data.slices} slices; {data.description}. Areas are per person, whose answer is the mean over the person's slices.

{unseen_table(pooled, baselines, methods)}

Two of the {data.people} people have moderate dementia, so nothing is claimed about that stage alone: three stages join it to mild, and CDR 1 or
more leaves very mild out.

## The official split

Other slices of the people in the training images: it measures recognition of people as much as of dementia. It is here because it
is what others report. The study's figures are as published (CMPE 297, 2021), without intervals.

{official_table(official, baselines, methods)}
"""


if __name__ == "__main__":
    print(main(*map(Path, sys.argv[1:4])), end="")
