"""The button that makes a report of the answer on show, to be taken away as HTML or PDF."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

import gradio as gr
from markupsafe import Markup

from alzedge.demo.answering.told import Told, read_told
from alzedge.demo.html.rendering import render
from alzedge.demo.page.bare import BARE
from alzedge.demo.page.desk import AS_ASKED, Answered, years_of
from alzedge.errors import UserError
from alzedge.model_file.read_write import Record
from alzedge.reporting.compose import make_report
from alzedge.reporting.content import Report
from alzedge.reporting.content import Told as Of
from alzedge.reporting.html import report_html

_PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def add_report(record: Record, answered: gr.State, age: gr.Textbox, sex: gr.Dropdown) -> None:
    """Add the button, seen once something was answered, and the place of the links, and wire them.

    Args:
        record: of the model.
        answered: holds an `Answered` once something was answered.
        age, sex: the controls in which a visitor tells them.
    """
    button = gr.Button("Make a report", size="sm", elem_id="report", visible=False)
    links = gr.HTML("", **BARE, elem_id="report-links")
    # One report at a time: that is Gradio's limit for a function of the page.
    button.click(lambda *told: str(links_html(record, *told)), [answered, age, sex], links, **_PRIVATE)
    fresh: dict[str, Any] = {"outputs": [links, button], "show_progress": "hidden", **_PRIVATE}
    answered.change(lambda kept: ("", gr.Button(visible=kept is not None)), answered, **fresh)


def links_html(record: Record, answered: Answered | None, age: Any = None, sex: Any = None) -> Markup:
    """Links that hold the report itself: no file of it is made on the server.

    Without reportlab and svglib (`pip install 'alzedge[report]'`) there is no PDF.

    Args:
        record: of the model that answered.
        answered: what is on show.
        age, sex: as the controls hold them.
    """
    if answered is None:
        return render("note", sentence="Nothing is on show; upload something first.")
    if answered.student.phantom:
        return render("note", sentence="A phantom is nobody, so there is no report of it.")
    if answered.student.pictures and not answered.student.one_person:
        return render("note", sentence="A report is of one person; say first that these slices are of one person.")
    try:
        report = _report(record, answered, read_told(years_of(age), sex))
    except UserError as error:
        return render("note", sentence=str(error))
    files = [("HTML", "text/html;charset=utf-8", report_html(report).encode())]
    if find_spec("reportlab") is not None and find_spec("svglib") is not None:
        from alzedge.reporting.pdf import report_pdf

        files.append(("PDF", "application/pdf", report_pdf(report)))
    return render("report_links", links=[(name, kind, base64.b64encode(data).decode()) for name, kind, data in files])


def _report(record: Record, answered: Answered, told: Told) -> Report:
    reply, today = answered.student, datetime.now(UTC).date()
    person = reply.person_told(told)
    report = make_report(record, person, reply.answers, answered.pictures, today, told=Of(told.age, told.sex))
    return replace(report, weighed=AS_ASKED if report.weighed else "")
