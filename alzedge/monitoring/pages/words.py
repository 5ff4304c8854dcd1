"""Numbers and verdicts as words, for pages and for the terminal alike."""

import math

from alzedge.monitoring.drift import LEVEL, Drift
from alzedge.monitoring.quantities import NUMBERS


def number_text(value: float, spread: float | None = None) -> str:
    """A number with three digits that count, or with as many as its spread needs; '-' for none."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    digits = 0 if size >= 100 or value == 0 else 1 if size >= 10 else 2 if size >= 1 else 3
    if spread and math.isfinite(spread):
        digits = max(digits, min(4, 1 - math.floor(math.log10(spread))))
    return f"{value:,.{digits}f}"


def mean_text(mean: float, spread: float) -> str:
    """A mean and its standard deviation."""
    return f"{number_text(mean, spread)} ± {number_text(spread)}"


def p_text(value: float) -> str:
    """A P value; those below a thousandth as such."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def verdict(drift: Drift) -> str:
    """The outcome of a comparison in one sentence."""
    if not drift.drifted:
        return f"No drift found in {len(drift.features)} features."
    titles = ", ".join(NUMBERS[name].title for name in drift.drifted)
    return f"Drift in {len(drift.drifted)} of {len(drift.features)} features: {titles}."


def power_sentence(drift: Drift) -> str:
    """Sentence on what so many people can show."""
    return (
        f"So many people show a shift of {drift.detectable:.2f} standard deviations four times in five; smaller ones may be "
        f"there unseen. If nothing has changed, an alarm is raised in {LEVEL:.0%} of comparisons at most."
    )
