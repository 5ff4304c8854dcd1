"""Histograms as small SVG pictures: bars of one sample, and the line of another one over them."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from alzedge.monitoring.pages.words import number_text

# In units of the picture, axis and letters below the bars.
_WIDTH, _HEIGHT, _BELOW = 240, 48, 17
_BARS = 24
Floats = NDArray[np.float64]


def histogram(edges: Floats, counts: Floats, title: str) -> ET.Element:
    """Draw the bars of one sample.

    Args:
        edges: (b + 1,), ascending.
        counts: (b,).
        title: for readers who cannot see it.
    """
    svg = _picture(title)
    _add_bars(svg, edges, counts, edges[0], edges[-1])
    _add_axis(svg, edges[0], edges[-1])
    return svg


def two_histograms(reference: Floats, new: Floats, title: str) -> ET.Element:
    """Draw the shares of a reference as bars and of a new sample as a line.

    Args:
        reference, new: (n,) and (m,), values without NaN.
        title: for readers who cannot see it.
    """
    low, high = (float(f(np.concatenate([reference, new]))) for f in (np.min, np.max))
    edges = np.linspace(low, high if high > low else low + 1, _BARS + 1)
    shares = [np.histogram(values, edges)[0] / len(values) for values in (reference, new)]
    highest = max(share.max() for share in shares)
    svg = _picture(title)
    _add_bars(svg, edges, shares[0], edges[0], edges[-1], highest)
    steps = np.repeat(_HEIGHT * (1 - shares[1] / highest), 2)
    across = np.repeat(np.linspace(0, _WIDTH, _BARS + 1), 2)[1:-1]
    points = [
        (0.0, float(_HEIGHT)),
        *zip(across.tolist(), steps.tolist(), strict=True),
        (float(_WIDTH), float(_HEIGHT)),
    ]
    ET.SubElement(svg, "polyline", {"class": "line", "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points)})
    _add_axis(svg, low, high)
    return svg


def shares_picture(counts: Mapping[str, int]) -> ET.Element:
    """Draw how often each text occurs, a bar each, at most six."""
    shown = list(counts.items())[:6]
    svg = _picture("frequency of each value")
    most, thick = max(count for _, count in shown), (_HEIGHT + _BELOW) / max(len(shown), 3)
    for row, (text, count) in enumerate(shown):
        y = row * thick
        size = {"width": f"{0.55 * _WIDTH * count / most:.1f}", "height": f"{thick - 3:.1f}"}
        ET.SubElement(svg, "rect", {"class": "bar", "x": "0", "y": f"{y:.1f}", **size})
        words = {"x": f"{0.55 * _WIDTH * count / most + 5:.1f}", "y": f"{y + thick / 2 + 2:.1f}"}
        ET.SubElement(svg, "text", words).text = f"{text} {count:,}"
    return svg


def _picture(title: str) -> ET.Element:
    svg = ET.Element(
        "svg",
        {"viewBox": f"0 0 {_WIDTH} {_HEIGHT + _BELOW}", "role": "img", "aria-label": title,
         "font-size": "11", "fill": "currentColor"},
    )  # fmt: skip
    return svg


def _add_bars(
    svg: ET.Element, edges: Floats, heights: Floats, low: float, high: float, highest: float | None = None
) -> None:
    top, span = highest or max(float(heights.max()), 1e-12), (high - low) or 1.0
    for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
        x, width = _WIDTH * (left - low) / span, max(_WIDTH * (right - left) / span - 0.8, 2.0)
        tall = _HEIGHT * height / top
        place = {"x": f"{x:.1f}", "y": f"{_HEIGHT - tall:.1f}", "width": f"{width:.1f}", "height": f"{tall:.1f}"}
        ET.SubElement(svg, "rect", {"class": "bar", **place})


def _add_axis(svg: ET.Element, low: float, high: float) -> None:
    line = {"x1": "0", "x2": str(_WIDTH), "y1": str(_HEIGHT), "y2": str(_HEIGHT), "stroke": "currentColor"}
    ET.SubElement(svg, "line", line)
    ET.SubElement(svg, "text", {"x": "0", "y": str(_HEIGHT + 13)}).text = number_text(low, (high - low) / 4)
    if high > low:
        right = {"x": str(_WIDTH), "y": str(_HEIGHT + 13), "text-anchor": "end"}
        ET.SubElement(svg, "text", right).text = number_text(high, (high - low) / 4)
