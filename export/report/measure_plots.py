"""Pictures of what a model measures of people: brain volume against the table's, its differences, and apparent age."""

import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alzedge.export.report.plots import COLOURS, save_figure
from alzedge.export.report.svg import INK, page_style, to_svg
from alzedge.metrics.bootstrap import Floats

_LIMITS = 1.96  # standard deviations, Bland and Altman 1986
_PANEL = (3.6, 3.3)  # inches
_TITLE_WIDTH = 110  # characters


@dataclass(frozen=True, eq=False)
class MeasuredPeople:
    """Measured and true values of P people; NaN where unknown.

    Attributes:
        brain_volume, nwbv: float64 (P,), measured and the table's, shares.
        apparent_age, age: float64 (P,), measured and true, years.
    """

    brain_volume: Floats
    nwbv: Floats
    apparent_age: Floats
    age: Floats

    @property
    def empty(self) -> bool:
        """Nothing to draw."""
        return not (_both(self.brain_volume, self.nwbv).any() or _both(self.apparent_age, self.age).any())


def draw_measures(people: MeasuredPeople) -> str:
    """Draw three panels as SVG: measured against the table's nWBV, Bland-Altman, apparent age against age."""
    with page_style():
        return to_svg(_figure(people, INK))


def save_measures(people: MeasuredPeople, title: str, path: Path) -> None:
    """Write the same three panels as PNG."""
    figure = _figure(people, "#444444")
    figure.suptitle(textwrap.fill(title, _TITLE_WIDTH), fontsize=10)
    save_figure(figure, path)


def _figure(people: MeasuredPeople, ink: str) -> Figure:
    figure = Figure(figsize=(3 * _PANEL[0], _PANEL[1]), layout="constrained")
    against, difference, age = figure.subplots(1, 3)
    _identity(against, people.nwbv, people.brain_volume, ink)
    against.set(xlabel="nWBV, the table's", ylabel="nWBV, measured", title="Brain volume")
    _bland_altman(difference, people.nwbv, people.brain_volume, ink)
    _identity(age, people.age, people.apparent_age, ink)
    age.set(xlabel="age, years", ylabel="apparent age, years", title="Apparent age")
    for axis in (against, difference, age):
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _both(measured: Floats, truth: Floats) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = np.isfinite(measured) & np.isfinite(truth)
    return known


def _identity(axis: Axes, truth: Floats, measured: Floats, ink: str) -> None:
    """Measured against true values, with the line on which they are equal."""
    known = _both(measured, truth)
    if not known.any():
        _nothing(axis)
        return
    x, y = truth[known], measured[known]
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    axis.plot(ends, ends, ":", color=ink, lw=1.2, label="equal", zorder=3)
    axis.scatter(x, y, s=12, color=COLOURS[0], alpha=0.6, lw=0, label=f"{len(x)} people")
    axis.set_aspect("equal", adjustable="datalim")
    axis.legend(fontsize=7, loc="upper left", frameon=False)


def _bland_altman(axis: Axes, truth: Floats, measured: Floats, ink: str) -> None:
    """Difference against the mean of both, with bias and limits of agreement (Bland and Altman 1986, Lancet 327:307)."""
    known = _both(measured, truth)
    axis.set(xlabel="mean of measured and table's nWBV", ylabel="measured less table's", title="Differences")
    if not known.any():
        _nothing(axis)
        return
    difference, mean = measured[known] - truth[known], (measured[known] + truth[known]) / 2
    bias, spread = difference.mean(), _LIMITS * difference.std()
    axis.scatter(mean, difference, s=12, color=COLOURS[0], alpha=0.6, lw=0)
    axis.axhline(0, color=ink, ls=":", lw=0.9)
    axis.axhline(bias, color=COLOURS[1], lw=1.2, label=f"bias {bias:+.4f}")
    for end in (bias - spread, bias + spread):
        axis.axhline(end, color=COLOURS[1], ls="--", lw=1.0)
    axis.plot([], [], "--", color=COLOURS[1], lw=1.0, label=f"limits {bias - spread:+.4f}, {bias + spread:+.4f}")
    axis.margins(y=0.25)
    axis.legend(fontsize=7, loc="upper left", frameon=False)


def _nothing(axis: Axes) -> None:
    axis.text(0.5, 0.5, "not measured", ha="center", va="center", transform=axis.transAxes)
