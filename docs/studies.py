"""Write the page of the studies, docs/studies.md and docs/studies.html with its pictures, from stored results alone.

python docs/studies.py                        from docs/studies.json and docs/studies.toml
python docs/studies.py NAME=EXPERIMENTS.json ...   stores results of `alzedge experiments` there first
"""

import json
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure

from alzedge.export.experiments.comparison import NOTE, comparison_rows, problems
from alzedge.export.experiments.costs import Cost, cost_rows
from alzedge.export.experiments.plots import draw_study
from alzedge.export.experiments.results import StudyResults, read_results
from alzedge.export.experiments.table import slug
from alzedge.export.report.plots import save_figure
from alzedge.export.report.sections import Table
from alzedge.export.report.svg import page_style, to_svg
from alzedge.export.report.tables import markdown_rows, split_title
from alzedge.stages import DISCLAIMER
from alzedge.utils.files import write_json, write_text

HERE = Path(__file__).parent
STORED, WRITTEN = HERE / "studies.json", HERE / "studies.toml"
MAKE = "alzedge experiments {data} --people oasis_cross-sectional.csv --group {group}"
DATA = {"kaggle": "archive.zip", "oasis1": "prepared"}
TITLES = {"kaggle": "Kaggle slices", "oasis1": "OASIS-1 scans"}
UNWRITTEN, NOT_RUN = "NOT WRITTEN YET", "not run yet."
LEAD = (
    "Each study is repeated on the same data at a budget that a small machine can pay, and tested twice: on the split it "
    "was published on, whose test people are its training people too, and on people that nobody trained on."
)
OPENING = (LEAD, NOTE)


@dataclass(frozen=True)
class Study:
    """One study as the page shows it."""

    group: str
    title: str
    theirs: str
    budget: str
    survives: str
    command: str
    tables: tuple[Table, ...]
    figures: tuple[tuple[str, Figure], ...]


def store(named: list[str]) -> None:
    """Put results, by group, and costs of networks into docs/studies.json, each under its name; what else is there stays."""
    stored = json.loads(STORED.read_text("utf-8")) if STORED.exists() else {}
    for one in named:
        name, _, path = one.partition("=")
        if name == "costs":
            stored[name] = json.loads(Path(path).read_text("utf-8"))
        elif name in TITLES:
            found, known = read_results(Path(path)).to_json(), stored.get(name, {})
            merged = {key: known.get(key, {}) | found[key] for key in ("splits", "groups")}
            stored[name] = {"data": found["data"], **merged}
        else:
            sys.exit(f"{one}: name kaggle=, oasis1= or costs= and a file.")
    write_json(STORED, stored)


def published_table(entries: list[dict[str, str]], results: StudyResults, group: str) -> Table:
    """Set published figures beside ours: on the split they were published on, and on unseen people."""
    rows = [["published", "theirs", "ours, same split", "ours, unseen people"]]
    for entry in entries:
        ours = [figure_of(results, group, split, entry) for split in (entry.get("split", "official"), "subject")]
        rows.append([entry["what"], entry["value"], *ours])
    return Table("Published figures beside ours", rows)


def figure_of(results: StudyResults, group: str, split: str, entry: dict[str, str]) -> str:
    """One figure of ours as text."""
    level, _, key = entry["figure"].partition(".")
    for result in results.of(group, split):
        if result.name == entry["name"]:
            found = result.figure((level, key))
            return "-" if found is None else found.short()
    return "-"


def studies_of(stored: dict[str, Any], written: list[dict[str, Any]]) -> list[Study]:
    """Join stored results with what is written by hand."""
    sources = {name: StudyResults.from_json(stored[name]) for name in TITLES if name in stored}
    costs = [Cost(**entry) for entry in stored.get("costs", [])]
    studies = []
    for entry in written:
        group = entry["group"]
        tables, figures, commands = [], [], []
        for name, results in sources.items():
            if not results.groups.get(group):
                continue
            if name == "kaggle" and entry["published"]:
                tables.append(published_table(entry["published"], results, group))
            commands.append(MAKE.format(data=DATA[name], group=group))
            for split in results.splits_of(group):
                title = f"{TITLES[name]}, {split_title(split)}"
                tables.append(Table(title, comparison_rows(results, group, split), notes(results, group, split)))
            with page_style():
                figures.append((f"studies-{slug(group)}-{name}.png", draw_study(results, group)))
        if group == "networks" and costs:
            tables.append(Table("What they cost", cost_rows(costs), (COSTS_NOTE,)))
            commands.append("python -m alzedge.export.experiments.costs --out costs.json")
        survives = entry["survives"] or (UNWRITTEN if tables else NOT_RUN)
        commands = commands or [MAKE.format(data=DATA["kaggle"], group=group)]
        studies.append(
            Study(
                group,
                entry["title"],
                entry["theirs"],
                entry["budget"],
                survives,
                "\n".join(commands),
                tuple(tables),
                tuple(figures),
            )
        )
    return studies


COSTS_NOTE = (
    "Time of a training step of 64 slices in float32 and latency of one slice as multiples of ResNet-18 x 1/4, all measured in one "
    "run on one processor thread; int8 is the quantized file, untrained, since weights do not change its speed."
)


def notes(results: StudyResults, group: str, split: str) -> tuple[str, ...]:
    """Problems of a table, equal ones once."""
    return tuple(dict.fromkeys(problems(results, group, split)))


def markdown(studies: list[Study]) -> str:
    """Write the page as Markdown."""
    parts = ["# The studies, repeated", f"**{DISCLAIMER}**", *OPENING]
    parts.append(
        "[The same page with tables that can be sorted](studies.html). `python docs/studies.py` makes both from "
        "[studies.json](studies.json)."
    )
    for study in studies:
        parts += [f"## {study.title}", study.theirs, f"**What survives on unseen people:** {study.survives}"]
        parts += [f"Budget: {study.budget}"]
        parts += [
            f"<!-- run by tests/export/test_experiments.py: on phantoms, at a tiny budget -->\n```bash\n{study.command}\n```"
        ]
        for table in study.tables:
            parts += [f"### {table.title}", markdown_rows(table.rows), *(f"- {note}" for note in table.notes)]
        parts += [f"![{study.title}]({name})" for name, _ in study.figures]
    return "\n\n".join(parts) + "\n"


def page(studies: list[Study]) -> str:
    """Write the page as HTML that needs nothing else."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((HERE / "studies.html.jinja").read_text("utf-8"))
    shown = [vars(study) | {"pictures": [to_svg(figure) for _, figure in study.figures]} for study in studies]
    css = (HERE.parent / "export/report/templates/report.css").read_text("utf-8")
    return template.render(studies=shown, opening=OPENING, disclaimer=DISCLAIMER, css=css)


def main() -> None:
    """Write the page, and say what is missing in it."""
    if sys.argv[1:]:
        store(sys.argv[1:])
    written = tomllib.loads(WRITTEN.read_text("utf-8"))["study"]
    studies = studies_of(json.loads(STORED.read_text("utf-8")), written)
    write_text(HERE / "studies.md", markdown(studies))
    write_text(HERE / "studies.html", page(studies))
    for study in studies:
        for name, figure in study.figures:
            save_figure(figure, HERE / name)
        if study.survives == UNWRITTEN:
            print(f"docs/studies.toml: {study.group}: no sentence on what survives", file=sys.stderr)
        for table in study.tables:
            empty = sum(cell in ("", "-") for row in table.rows[1:] for cell in row[1:2])
            if empty:
                print(f"{study.group}: {table.title}: {empty} rows without figures", file=sys.stderr)


if __name__ == "__main__":
    main()
