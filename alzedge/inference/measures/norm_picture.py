"""The normative curve drawn, with one person on it: an SVG that stands by itself, for pages and reports.

Colours of text and axes are those of the text around it (`currentColor`); a style sheet may change the rest by class:
`band`, `centile`, `median`, `person`. Elements are built as a tree, so that no text can become one.
"""

import math
from xml.etree import ElementTree as ET

import numpy as np

from alzedge.inference.measures.entry import Floats
from alzedge.inference.measures.norm import PERCENTILES, NormativeCurve
from alzedge.inference.measures.quantities import BrainVolume
from alzedge.inference.measures.words import volume_in_words

# In units of the picture; so wide that the letters can be read on a phone, where it is shown at its own size.
WIDTH, HEIGHT = 440, 256
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 34, 24, 38
_LETTERS = 13
_APART = 14  # between the labels of percentiles, for a phone's larger letters too
# Shades that add up from the outer band to the inner one.
_BANDS = ((3, 97), (10, 90), (25, 75))
_BLUE, _ORANGE = "#0072b2", "#d55e00"
_STEPS = 80  # of the lines, along the ages
_YEARS, _SHARE = 20, 0.05  # between ticks


def norm_svg(
    curve: NormativeCurve, volume: BrainVolume, age: float | None = None, sex: str | None = None, name: str = "norm"
) -> str:
    """Draw one person's brain volume on the curve: a dot with its interval, or a band over all ages.

    Args:
        curve: of people without dementia.
        volume: of the person.
        age: years; None draws the interval as a horizontal band.
        sex: 'F' or 'M', for the curve of women or of men; None for that of both.
        name: prefix of the identifiers of title and description, for a document with several pictures.
    """
    ages = np.linspace(*curve.ages, _STEPS)
    lines = {percentile: curve.curve(percentile, ages, sex) for percentile in PERCENTILES}
    place = _Place(curve, lines, volume, age)
    svg = ET.Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "class": "norm", "role": "img",
         "aria-labelledby": f"{name}-title {name}-description", "font-size": str(_LETTERS), "fill": "currentColor"},
    )  # fmt: skip
    ET.SubElement(svg, "title", {"id": f"{name}-title"}).text = "Brain volume over age, among people without dementia"
    described = ET.SubElement(svg, "desc", {"id": f"{name}-description"})
    described.text = f"This person: {volume_in_words(volume, age, sex)}. {curve_sentence(curve, sex)}"
    _draw_axes(svg, place)
    _draw_curve(svg, place, ages, lines)
    if age is None:
        _draw_everywhere(svg, place, volume)
    else:
        _draw_dot(svg, place, volume, age)
    return ET.tostring(svg, encoding="unicode")


def curve_sentence(curve: NormativeCurve, sex: str | None = None) -> str:
    """The legend: whom the curve is about, and what its bands are."""
    people = {"F": f"women, from {curve.people} people", "M": f"men, from {curve.people} people"}
    whom = people.get(sex or "", f"{curve.people} people")
    low, high = curve.ages
    return (
        f"Curve of {whom} without dementia, {low:.0f} to {high:.0f} years old: the median, and bands from the 25th to the "
        "75th, the 10th to the 90th and the 3rd to the 97th percentile."
    )


class _Place:
    """Places in the picture of ages and volumes; both axes hold the curve and the person."""

    def __init__(self, curve: NormativeCurve, lines: dict[int, Floats], volume: BrainVolume, age: float | None) -> None:
        young, old = curve.ages
        # A little beyond a person whom the curve does not reach, so that the dot stays off the edge.
        beyond = (young if age is None or age >= young else age - 2, old if age is None or age <= old else age + 2)
        lowest = min(float(lines[PERCENTILES[0]].min()), volume.low)
        highest = max(float(lines[PERCENTILES[-1]].max()), volume.high)
        self.youngest, self.oldest = beyond
        self.low = _SHARE * math.floor(lowest / _SHARE)
        self.high = _SHARE * math.ceil(highest / _SHARE)
        self.right, self.bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def x(self, age: float) -> float:
        """Across, of an age."""
        return _LEFT + (self.right - _LEFT) * (age - self.youngest) / (self.oldest - self.youngest)

    def y(self, volume: float) -> float:
        """Down, of a volume."""
        return self.bottom - (self.bottom - _TOP) * (volume - self.low) / (self.high - self.low)

    def path(self, ages: Floats, volumes: Floats) -> str:
        """A line through points, as an SVG path without its first letter."""
        return "L".join(
            f"{self.x(a):.1f} {self.y(v):.1f}" for a, v in zip(ages.tolist(), volumes.tolist(), strict=True)
        )


def _draw_axes(svg: ET.Element, place: _Place) -> None:
    grid = ET.SubElement(svg, "g", {"class": "axes", "stroke": "currentColor", "stroke-opacity": ".18"})
    every = _SHARE * (1 if place.high - place.low < 0.5 else 2)
    for volume in np.arange(place.low, place.high + every / 2, every).tolist():
        ET.SubElement(grid, "path", {"d": f"M{_LEFT} {place.y(volume):.1f}H{place.right}"})
        _text(svg, _LEFT - 6, place.y(volume) + 4.5, f"{volume:.2f}", "end")
    first = _YEARS * math.ceil(place.youngest / _YEARS)
    for age in range(first, int(place.oldest) + 1, _YEARS):
        ET.SubElement(grid, "path", {"d": f"M{place.x(age):.1f} {place.bottom}v5"})
        _text(svg, place.x(age), place.bottom + 18, str(age), "middle")
    _text(svg, 2, 12, "brain volume (nWBV)", "start")
    _text(svg, WIDTH - 2, 12, "percentile", "end")
    _text(svg, (_LEFT + place.right) / 2, HEIGHT - 5, "age in years", "middle")


def _draw_curve(svg: ET.Element, place: _Place, ages: Floats, lines: dict[int, Floats]) -> None:
    for low, high in _BANDS:
        there, back = place.path(ages, lines[low]), place.path(ages[::-1], lines[high][::-1])
        ET.SubElement(svg, "path", {"class": "band", "d": f"M{there}L{back}Z", "fill": _BLUE, "fill-opacity": ".13"})
    for percentile, line in lines.items():
        median = percentile == 50
        ET.SubElement(
            svg,
            "path",
            {"class": "median" if median else "centile", "d": f"M{place.path(ages, line)}", "fill": "none",
             "stroke": _BLUE, "stroke-width": "2" if median else "1", "stroke-opacity": "1" if median else ".55"},
        )  # fmt: skip
    # As high as the lines end; pushed apart from the median on where the curve is narrow there.
    ends = {percentile: place.y(float(line[-1])) + 4.5 for percentile, line in lines.items()}
    above = below = ends[50]
    for percentile in (50, 75, 90, 97):
        above = min(ends[percentile], above if percentile == 50 else above - _APART)
        _text(svg, place.right + 5, above, str(percentile), "start")
    for percentile in (25, 10, 3):
        below = max(ends[percentile], below + _APART)
        _text(svg, place.right + 5, below, str(percentile), "start")


def _draw_dot(svg: ET.Element, place: _Place, volume: BrainVolume, age: float) -> None:
    x, top, bottom = place.x(age), place.y(volume.high), place.y(volume.low)
    person = ET.SubElement(svg, "g", {"class": "person", "fill": _ORANGE, "stroke": _ORANGE})
    bar = f"M{x:.1f} {top:.1f}V{bottom:.1f}M{x - 6:.1f} {top:.1f}h12M{x - 6:.1f} {bottom:.1f}h12"
    ET.SubElement(person, "path", {"d": bar, "stroke-width": "2.5", "fill": "none"})
    dot = {"cx": f"{x:.1f}", "cy": f"{place.y(volume.value):.1f}", "r": "6.5", "stroke": "#fff", "stroke-width": "2"}
    ET.SubElement(person, "circle", dot)


def _draw_everywhere(svg: ET.Element, place: _Place, volume: BrainVolume) -> None:
    """The volume at every age, as nobody has told the person's."""
    top, middle, bottom = (place.y(value) for value in (volume.high, volume.value, volume.low))
    person = ET.SubElement(svg, "g", {"class": "person", "fill": _ORANGE, "stroke": _ORANGE})
    size = {"x": str(_LEFT), "y": f"{top:.1f}", "width": str(place.right - _LEFT), "height": f"{bottom - top:.1f}"}
    ET.SubElement(person, "rect", size | {"fill-opacity": ".22", "stroke": "none"})
    ET.SubElement(person, "path", {"d": f"M{_LEFT} {middle:.1f}H{place.right}", "stroke-width": "2.5"})


def _text(svg: ET.Element, x: float, y: float, text: str, anchor: str) -> None:
    ET.SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}).text = text
