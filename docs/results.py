"""Print the results page, docs/results.md, from what `make results` left behind.

python docs/results.py AUDIT CROSSVAL RUN > docs/results.md
"""

import json
import sys
from pathlib import Path
from typing import Any

from alzedge.export.report.tables import markdown_rows
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


def cell(figure: dict[str, float] | None) -> str:
    return "-" if figure is None else f"{figure['value']:.3f} ({figure['low']:.2f}-{figure['high']:.2f})"


def look_up(levels: dict[str, Any] | None, *keys: str) -> dict[str, float] | None:
    found: Any = levels
    for key in keys:
        found = found.get(key) if found else None
    return found


def floor_cell(method: dict[str, Any], task: str, level: str, figure: str) -> str:
    return cell(look_up(method.get(task), level, figure))


def unseen_table(crossval: dict[str, Any], floors: dict[str, Any], methods: dict[str, str]) -> str:
    rows = [["method", *(title for title, *_ in UNSEEN)]]
    for name, method in floors["people"].items():
        cells = [floor_cell(method, task, level, figure) for _, level, task, figure in UNSEEN]
        rows.append([f"floor: {methods[name]}", *cells])
    for name in OURS:
        levels = crossval["models"][f"{name}.csv"]
        rows.append([f"**ours: {name}**", *(cell(look_up(levels, *where)) for _, *where in UNSEEN)])
    return markdown_rows(rows)


def official_table(run: dict[str, Any], floors: dict[str, Any], methods: dict[str, str]) -> str:
    rows = [["method", *(f"{title}, slices" for title, _ in OFFICIAL)]]
    rows += [[name, *figures] for name, figures in STUDY.items()]
    for name, method in floors["official"].items():
        rows.append(
            [f"floor: {methods[name]}", *(floor_cell(method, "stages4", "slice", figure) for _, figure in OFFICIAL)]
        )
    for name, file in OURS.items():
        figures = run["official"]["models"][file]["slice"]["stages4"]
        rows.append([f"ours: {name}", *(cell(figures.get(figure)) for _, figure in OFFICIAL)])
    return markdown_rows(rows)


def main(audit: Path, crossval: Path, run: Path) -> str:
    found = json.loads((audit / "audit.json").read_text())
    pooled = json.loads((crossval / "evaluation" / "metrics.json").read_text())["crossval"]
    own = json.loads((run / "metrics.json").read_text())
    floors, methods = found["floors"]["splits"], found["floors"]["methods"]
    return f"""# Results on the Kaggle 4-class set

**{DISCLAIMER}** `DATA=path/to/archive.zip make results` makes this page: the audit, the
cross-validation and the run of recipe `cpu`, seed 0. In brackets 95 % bootstrap intervals over people.

> {found["verdict"]["sentence"]}

## People that no phase of training has seen

{pooled["people"]} people, {pooled["slices"]} slices; {pooled["description"]}. Areas are per person, whose answer is the mean over the person's slices.

{unseen_table(pooled, floors, methods)}

Two of the {pooled["people"]} people have moderate dementia, so nothing is claimed about that stage alone: three stages join it to mild, and CDR 1 or
more leaves very mild out.

## The official split

Other slices of the people in the training images: it measures recognition of people as much as of dementia. It is here because it
is what others report. The study's figures are as published (CMPE 297, 2021), without intervals.

{official_table(own, floors, methods)}
"""


if __name__ == "__main__":
    print(main(*map(Path, sys.argv[1:4])), end="")
