"""The report of an evaluation, as one HTML page that needs nothing else, and as Markdown."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from jinja2 import Environment

from alzedge import __version__
from alzedge.commands.data_sets import describe
from alzedge.data.dataset import DataSet
from alzedge.export.report.sections import Section
from alzedge.export.report.tables import markdown_rows
from alzedge.metrics.bootstrap import REPLICATES
from alzedge.reporting.html_templates import html_templates
from alzedge.stages import DISCLAIMER


class Cell(NamedTuple):
    """Text of a table's cell: a figure and its interval, or anything else and None."""

    text: str
    interval: str | None


def introduction(dataset: DataSet, replicates: int = REPLICATES) -> list[str]:
    """Sentences that a reader must know first; the first of all is the statement of research software."""
    over = "people" if dataset.subjects_known else "slices, because the people are unknown; the truth is wider"
    text = [
        DISCLAIMER,
        f"{describe(dataset)}.",
        (
            f"In brackets the 95 % interval of {replicates} bootstrap resamples over {over}; all models share the resamples. "
            "A person's probabilities are the mean over their slices. Macro means are over the classes that occur. "
            "Figures are scikit-learn's; expected calibration error as in Guo et al. 2017, 15 bins."
        ),
    ]
    if dataset.synthetic:
        text.insert(1, "Phantoms are not medical data; no figure here says anything about people.")
    return text


def html_report(title: str, opening: Sequence[str], sections: Sequence[Section]) -> str:
    """Write one page, pictures inside, light or dark as the reader's system is; it asks no host for anything."""
    template = _environment().get_template("report.html")
    return template.render(title=title, opening=opening, sections=sections, version=__version__) + "\n"


@cache
def _environment() -> Environment:
    environment = html_templates("alzedge.export.report")
    environment.filters["cell"] = split_cell
    return environment


def split_cell(text: str) -> Cell:
    """Tell a figure from its interval, which is shown smaller."""
    value, bracket, interval = text.partition(" (")
    is_figure = bracket and value.replace(".", "").replace("-", "").isdigit()
    return Cell(value, f"({interval}") if is_figure else Cell(text, None)


def markdown_report(title: str, opening: Sequence[str], sections: Sequence[Section]) -> str:
    """Write the same without the pictures."""
    lines = [f"# {title}", f"**{opening[0]}**", *opening[1:]]
    for section in sections:
        lines += [f"## {section.title}", *section.sentences]
        for table in section.tables:
            lines += [f"### {table.title}", markdown_rows(table.rows)]
            lines += ["\n".join(f"- {note}" for note in table.notes)] if table.notes else []
    lines.append(
        "Curves, confusion matrices and reliability diagrams: `report.html`, and as numbers in `metrics.json`."
    )
    return "\n\n".join(lines) + "\n"
