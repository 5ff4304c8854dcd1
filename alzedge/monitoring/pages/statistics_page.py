"""The page of statistics: every column with its numbers and histograms, per slice and per person."""

from xml.etree import ElementTree as ET

from alzedge.monitoring.pages.charts import histogram, shares_picture
from alzedge.monitoring.pages.page import Cell, add_table, add_text, finished, new_page
from alzedge.monitoring.pages.words import mean_text, number_text
from alzedge.monitoring.quantities import ANSWER, IMAGE, NUMBERS, PERSON, TEXTS
from alzedge.monitoring.statistics import Reference, Statistics, Summary

_PARTS = {
    IMAGE: ("Pictures", "Measured on the pixels of each slice; a person's value is the mean over their slices."),
    ANSWER: ("Answers", "The model's, for each slice by itself and for all slices of a person together."),
    PERSON: ("People", "As far as the data set says it."),
}


def statistics_page(reference: Reference) -> str:
    """Write statistics as one HTML page that needs nothing else, light or dark as the reader's system is."""
    document, body = new_page(f"Statistics of {reference.name}")
    levels = {
        title: of for title, of in (("per slice", reference.slices), ("per person", reference.people)) if of is not None
    }
    counts = [f"{of.count:,} {'slices' if title == 'per slice' else 'people'}" for title, of in levels.items()]
    add_text(body, f"{' of '.join(counts)}.")
    if reference.people is None:
        add_text(
            body, "Nobody knows who is on the slices, so nothing is said per person and drift cannot be looked for."
        )
    if reference.model is not None:
        add_text(body, f"Answers are of the model {reference.model[:12]} (SHA-256).")
    for kind, (title, sentence) in _PARTS.items():
        rows = _rows(levels, kind)
        if rows:
            ET.SubElement(body, "h2").text = title
            add_text(body, sentence)
            add_table(body, ["", *(one for level in levels for one in (level, ""))], rows)
    return finished(document, "alzedge stats")


def _rows(levels: dict[str, Statistics], kind: str) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for name, quantity in NUMBERS.items():
        found = [of.numbers.get(name) for of in levels.values()]
        if quantity.kind == kind and any(found):
            cells = [cell for one in found for cell in _number_cells(one, quantity.title)]
            rows.append([(quantity.title, quantity.unit), *cells])
    for name, quantity in TEXTS.items():
        counted = [of.texts.get(name) for of in levels.values()]
        if quantity.kind == kind and any(counted):
            pairs = [
                ("", "") if one is None else (f"{len(one)} value{'s' if len(one) > 1 else ''}", shares_picture(one))
                for one in counted
            ]
            rows.append([quantity.title, *(cell for pair in pairs for cell in pair)])
    return rows


def _number_cells(summary: Summary | None, title: str) -> tuple[Cell, Cell]:
    if summary is None:
        return "-", ""
    low, middle, high = (number_text(value, summary.spread) for value in _low_middle_high(summary))
    missing = f", {summary.missing:,} unknown" if summary.missing else ""
    words = mean_text(summary.mean, summary.spread)
    picture = histogram(summary.bars, summary.counts, f"histogram of {title}")
    return (words, f"{low} to {high}, median {middle}{missing}"), picture


def _low_middle_high(summary: Summary) -> tuple[float, float, float]:
    quantiles = summary.quantiles
    return float(quantiles[0]), float(quantiles[len(quantiles) // 2]), float(quantiles[-1])
