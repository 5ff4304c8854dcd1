"""A figure with its confidence interval, and the one way to write it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval, in the figure's own unit.

    Attributes:
        value: measured on everybody.
        low, high: ends of the percentile bootstrap interval.
    """

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """`{value, low, high}`, as every JSON file of ours holds it."""
        return {"value": self.value, "low": self.low, "high": self.high}

    @staticmethod
    def from_json(content: Any) -> "Estimate":
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: something else.
        """
        ends = [content[name] for name in ("value", "low", "high")]
        if not all(isinstance(end, int | float) and math.isfinite(end) for end in ends):
            raise ValueError(f"expected three numbers, got {content}")
        return Estimate(*ends)

    def rounded(self, digits: int = 6) -> "Estimate":
        """Round all three numbers."""
        return Estimate(*(round(end, digits) for end in (self.value, self.low, self.high)))

    def text(self, form: str = ".3f", bounds: str | None = None, *, to: str = " to ", unit: str = "") -> str:
        """Write the figure with its interval in brackets, such as `0.812 (0.760 to 0.861)`.

        Args:
            form: format specification of the value.
            bounds: of the two ends; like the value's where None.
            to: between the ends.
            unit: behind the value.
        """
        ends = bounds or form
        return f"{self.value:{form}}{unit} ({self.low:{ends}}{to}{self.high:{ends}})"

    def short(self) -> str:
        """Write the figure for a narrow column, such as `0.812 (0.76-0.86)`."""
        return self.text(".3f", ".2f", to="-")


# Figures by name; None where the classes that a figure needs are absent.
Figures = dict[str, Estimate | None]


def figures_to_json(figures: Figures) -> dict[str, Any]:
    """Figures by name as JSON values."""
    return {name: figure and figure.to_json() for name, figure in figures.items()}


def figures_from_json(content: Mapping[str, Any]) -> Figures:
    """Read what `figures_to_json` wrote; raises as `Estimate.from_json`."""
    return {name: None if figure is None else Estimate.from_json(figure) for name, figure in content.items()}


def rounded(figures: Figures) -> Figures:
    """Figures to six decimals, as model files carry them."""
    return {name: figure and figure.rounded() for name, figure in figures.items()}
