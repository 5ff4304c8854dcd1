"""Figures as SVG that takes the colours of the page around it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.figure import Figure

# Stands in for the text colour of the page, and is replaced by it in the SVG.
INK = "#010203"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "alzedge",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.facecolor": "none",
    "legend.edgecolor": "none",
}


@contextmanager
def page_style() -> Iterator[None]:
    """Draw in the style of a page while it lasts."""
    with matplotlib.rc_context(_STYLE):
        yield


def to_svg(figure: Figure) -> str:
    """An `<svg>` element; equal figures give equal text."""
    buffer = io.StringIO()
    with page_style():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    drawn = buffer.getvalue()
    return drawn[drawn.index("<svg") :].replace(INK, "currentColor")
