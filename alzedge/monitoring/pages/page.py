"""The frame of a page and its tables, built as a tree, so that no text can become an element."""

from collections.abc import Sequence
from importlib import resources
from xml.etree import ElementTree as ET

from alzedge import __version__
from alzedge.stages import DISCLAIMER

# A cell: text, small print below it, or a picture.
Cell = str | tuple[str, str] | ET.Element


def new_page(title: str) -> tuple[ET.Element, ET.Element]:
    """A page with its heading and the statement of research software; the document, and its body to add to."""
    document = ET.Element("html", {"lang": "en"})
    head = ET.SubElement(document, "head")
    ET.SubElement(head, "meta", {"charset": "utf-8"})
    ET.SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    ET.SubElement(head, "title").text = title
    style = resources.files("alzedge.monitoring.pages").joinpath("page.css").read_text("utf-8")
    ET.SubElement(head, "style").text = style
    body = ET.SubElement(document, "body")
    ET.SubElement(body, "h1").text = title
    banner = ET.SubElement(body, "p", {"class": "banner"})
    ET.SubElement(banner, "strong").text = DISCLAIMER
    return document, body


def finished(document: ET.Element, command: str) -> str:
    """The page as text, with a footer that names the command."""
    body = document.find("body")
    assert body is not None
    ET.SubElement(body, "footer").text = f"AlzEdge {__version__}, {command}."
    return f"<!doctype html>\n{ET.tostring(document, encoding='unicode', method='html')}\n"


def add_text(body: ET.Element, *sentences: str, kind: str = "") -> None:
    """Add paragraphs."""
    for sentence in sentences:
        ET.SubElement(body, "p", {"class": kind} if kind else {}).text = sentence


def add_table(
    body: ET.Element, header: Sequence[str], rows: Sequence[Sequence[Cell]], marked: Sequence[bool] = ()
) -> None:
    """Add a table whose first column names the rows.

    Args:
        body: to add to.
        header: of the columns.
        rows: of the same number of cells.
        marked: rows that stand out; none where left out.
    """
    table = ET.SubElement(ET.SubElement(body, "div", {"class": "scroll"}), "table")
    top = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    for text in header:
        ET.SubElement(top, "th").text = text
    content = ET.SubElement(table, "tbody")
    for number, row in enumerate(rows):
        line = ET.SubElement(content, "tr", {"class": "drifted"} if marked and marked[number] else {})
        for column, cell in enumerate(row):
            _add_cell(ET.SubElement(line, "td" if column else "th"), cell)


def _add_cell(place: ET.Element, cell: Cell) -> None:
    if isinstance(cell, ET.Element):
        place.append(cell)
    elif isinstance(cell, tuple):
        place.text, small = cell
        ET.SubElement(place, "small").text = small
    else:
        place.text = cell
