"""HTML from templates: every value is escaped unless it is itself the output of a template."""

from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from alzedge.reporting.html_templates import html_templates
from alzedge.stages import DISCLAIMER, TITLES


def render(template: str, **values: Any) -> Markup:
    """Fill a template of the folder `templates`.

    Args:
        template: name of its file, without `.html`.
        values: what it names; a name that is missing is an error.

    Returns:
        HTML, which other templates take in as it stands.
    """
    return Markup(_environment().get_template(f"{template}.html").render(values))


@cache
def _environment() -> Environment:
    environment = html_templates("alzedge.demo.html")
    environment.filters["percent"] = percent
    environment.globals.update(titles=TITLES, disclaimer=DISCLAIMER)
    return environment


def percent(share: float, digits: int = 0) -> str:
    """A share as a percentage: 0.25 as '25%'."""
    return f"{share:.{digits}%}"
