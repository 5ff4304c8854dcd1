"""A report as one HTML file that needs nothing else, to be read, printed or kept."""

import base64
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from alzedge.reporting.content import TITLE, Report
from alzedge.reporting.html_templates import html_templates
from alzedge.reporting.wording import curve_svg, figures, heading, identity, trust
from alzedge.stages import DISCLAIMER

if TYPE_CHECKING:
    from jinja2 import Environment


def report_html(report: Report) -> str:
    """Write a report as HTML; every text in it is escaped.

    Args:
        report: its content.
    """
    curve = curve_svg(report)
    text: str = (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            title=TITLE,
            banner=DISCLAIMER,
            heading=heading(report),
            figures=figures(report),
            trust=trust(report),
            identity=identity(report),
            curve=None if curve is None else Markup(curve),
        )
    )
    return text


@cache
def _environment() -> "Environment":
    environment = html_templates("alzedge.reporting")
    environment.filters["picture"] = lambda data: f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return environment
