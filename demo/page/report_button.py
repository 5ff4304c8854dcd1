"""The button that makes a report of the answer on show, to be taken away as HTML or PDF."""

import base64
from importlib.util import find_spec
from typing import Any

import gradio as gr
from markupsafe import Markup

from alzedge.demo.html.rendering import render
from alzedge.demo.page.bare import BARE
from alzedge.demo.page.desk import Answered
from alzedge.reporting.html import report_html

_PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def add_report(answered: gr.State) -> None:
    """Add the button and the place of the links, and wire them.

    Args:
        answered: holds an `Answered` once something was answered.
    """
    button = gr.Button("Make a report", size="sm", elem_id="report")
    links = gr.HTML("", **BARE, elem_id="report-links")
    # One report at a time: that is Gradio's limit for a function of the page.
    button.click(lambda kept: str(links_html(kept)), answered, links, **_PRIVATE)
    answered.change(lambda: "", None, links, show_progress="hidden", **_PRIVATE)


def links_html(answered: Answered | None) -> Markup:
    """Links that hold the report itself: no file of it is made on the server.

    Without reportlab (`pip install 'alzedge[report]'`) there is no PDF.
    """
    if answered is None:
        return render("note", sentence="Nothing is on show; upload something first.")
    if answered.report is None:
        return render("note", sentence="A phantom is nobody, so there is no report of it.")
    if answered.student.pictures and not answered.student.one_person:
        return render("note", sentence="A report is of one person; say first that these slices are of one person.")
    files = [("HTML", "text/html;charset=utf-8", report_html(answered.report).encode())]
    if find_spec("reportlab") is not None:
        from alzedge.reporting.pdf import report_pdf

        files.append(("PDF", "application/pdf", report_pdf(answered.report)))
    return render("report_links", links=[(name, kind, base64.b64encode(data).decode()) for name, kind, data in files])
