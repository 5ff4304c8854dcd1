"""The report of an evaluation, as one HTML page that needs nothing else, and as Markdown."""

import html
from typing import Any

from alzedge import __version__
from alzedge.commands.options import describe
from alzedge.data.dataset import DataSet
from alzedge.export.report.sections import Section, Table, claims_table, glance_table, split_section
from alzedge.export.report.tables import markdown_rows
from alzedge.metrics.bootstrap import REPLICATES
from alzedge.stages import DISCLAIMER

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2127; --soft: #5b6570; --line: #d8dde3; --panel: #f5f7f9;
  --accent: #0072b2; --warn: #fff3d6; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e4e8ec; --soft: #9aa5b1; --line: #323a43;
  --panel: #1b2128; --accent: #5cb3e6; --warn: #3a2f12; } }
body { margin: 0 auto; max-width: 80rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { margin: 2.5rem 0 .5rem; font-size: 1.25rem; }
h3 { margin: 1.6rem 0 .4rem; font-size: 1rem; }
p { max-width: 60rem; margin: .4rem 0; }
.banner { background: var(--warn); border-left: 4px solid #d55e00; padding: .6rem 1rem; border-radius: 4px; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .86rem; }
th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { background: var(--panel); font-weight: 600; min-width: 9rem; }
tbody tr:last-child > * { border-bottom: 0; } tbody th { font-weight: 400; white-space: nowrap; }
td.figure { white-space: nowrap; } td.figure small { color: var(--soft); }
.note { color: var(--soft); font-size: .86rem; }
details { margin: .8rem 0; border: 1px solid var(--line); border-radius: 6px; padding: .5rem 1rem; }
summary { cursor: pointer; font-weight: 600; }
svg { width: 100%; height: auto; color: var(--ink); }
footer { margin-top: 3rem; color: var(--soft); font-size: .86rem; }
"""


def report_sections(splits: dict[str, Any], pictures: dict[str, Any]) -> list[Section]:
    """What there is to say about an evaluation.

    Args:
        splits: content of `metrics.json`.
        pictures: by split and model titles and SVGs.
    """
    first = Section("Figures", (), (glance_table(splits), claims_table(splits)))
    return [first, *(split_section(name, found, pictures[name]) for name, found in splits.items() if found["models"])]


def introduction(dataset: DataSet) -> list[str]:
    """What a reader must know first; the first sentence is the statement of research software."""
    over = "people" if dataset.subjects_known else "slices, because the people are unknown; the truth is wider"
    text = [
        DISCLAIMER,
        f"{describe(dataset)}.",
        (
            f"In brackets the 95 % interval of {REPLICATES} bootstrap resamples over {over}; all models share the resamples. "
            "A person's probabilities are the mean over their slices. Macro means are over the classes that occur. "
            "Figures are scikit-learn's; expected calibration error as in Guo et al. 2017, 15 bins."
        ),
    ]
    if dataset.synthetic:
        text.insert(1, "Phantoms are not medical data; no figure here says anything about people.")
    return text


def html_report(title: str, opening: list[str], sections: list[Section]) -> str:
    """One page, pictures inside, light or dark as the reader's system is; it asks no host for anything."""
    body = "\n".join(_html_section(section) for section in sections)
    first, *others = (html.escape(sentence) for sentence in opening)
    lead = "\n".join(f"<p>{sentence}</p>" for sentence in others)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
<p class="banner"><strong>{first}</strong></p>
{lead}
{body}
<footer>AlzEdge {__version__}, <code>alzedge evaluate</code>. Every number of this page is in metrics.json beside it.</footer>
</body>
</html>
"""


def _html_section(section: Section) -> str:
    parts = [f"<h2>{html.escape(section.title)}</h2>"]
    parts += [f"<p>{html.escape(sentence)}</p>" for sentence in section.sentences]
    parts += [_html_table(table) for table in section.tables]
    for place, (model, pictures) in enumerate(section.pictures.items()):
        drawn = "\n".join(f"<h3>{html.escape(title)}</h3>\n{svg}" for title, svg in pictures)
        opened = " open" if place == 0 else ""
        parts.append(f"<details{opened}><summary>Curves of {html.escape(model)}</summary>\n{drawn}</details>")
    return "\n".join(parts)


def _html_table(table: Table) -> str:
    header, *rows = table.rows
    head = "".join(f"<th>{html.escape(text)}</th>" for text in header)
    body = "\n".join(_html_row(row, above) for row, above in zip(rows, [[""], *rows], strict=False))
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in table.notes)
    return (
        f'<h3>{html.escape(table.title)}</h3>\n<div class="scroll"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>\n{notes}"
    )


def _html_row(row: list[str], above: list[str]) -> str:
    """The first cell is said once where the next row repeats it."""
    first = "" if row[0] == above[0] else html.escape(row[0])
    return f"<tr><th>{first}</th>{''.join(_html_cell(text) for text in row[1:])}</tr>"


def _html_cell(text: str) -> str:
    """A figure's interval is smaller than the figure."""
    value, bracket, interval = text.partition(" (")
    if bracket and value.replace(".", "").replace("-", "").isdigit():
        return f'<td class="figure">{value} <small>({html.escape(interval)}</small></td>'
    return f"<td>{html.escape(text)}</td>"


def markdown_report(title: str, opening: list[str], sections: list[Section]) -> str:
    """The same without the pictures."""
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
