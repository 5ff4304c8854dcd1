"""Measured quantities in words, the same wherever a person reads them."""

from alzedge.inference.measures.norm import NormativeCurve
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.stages import STAGES

_WHO = {None: "age", "F": "women of", "M": "men of"}


def volume_in_words(volume: BrainVolume, age: float | None = None, sex: str | None = None) -> str:
    """A brain volume, such as `brain volume 0.71 (0.69 to 0.73), 8th percentile for women of 75`.

    Args:
        volume: with a percentile where one is to be shown.
        age, sex: years, and 'F' or 'M', that the percentile is for.
    """
    text = f"brain volume {volume.value:.3f} ({volume.low:.3f} to {volume.high:.3f})"
    if volume.percentile is None:
        return text
    whom = "" if age is None else f" for {_WHO[sex]} {age:g}"
    return f"{text}, {percentile_in_words(volume.percentile)}{whom}"


def age_in_words(apparent: ApparentAge) -> str:
    """An apparent age, such as `apparent age 78 (66 to 90)`."""
    return f"apparent age {apparent.value:.0f} ({apparent.low:.0f} to {apparent.high:.0f})"


def set_in_words(stages: tuple[str, ...]) -> str:
    """A conformal set of stages: what it leaves open, or that it abstains."""
    if not stages:
        return "no stage fits well enough, so none is named"
    if len(stages) == len(STAGES):
        return "no stage can be ruled out"
    left = " or ".join([", ".join(stages[:-1]), stages[-1]]) if len(stages) > 1 else f"{stages[0]} alone"
    return f"not ruled out: {left}"


def percentile_sentence(norm: NormativeCurve | None, age: float | None) -> str:
    """The sentence on the percentile: among whom it is, or why there is none."""
    if norm is None:
        return "The model file carries no normative curve, so brain volumes have no percentile."
    low, high = norm.ages
    if age is None:
        return "Without the person's age a brain volume has no percentile; give it, for example with --age 74 --sex F."
    if not low <= age <= high:
        return f"The normative curve reaches from {low:.0f} to {high:.0f} years, so there is no percentile at {age:g}."
    return (
        f"The percentile is that among people without dementia of the same age, by a curve fitted to {norm.people} of "
        f"them, {low:.0f} to {high:.0f} years old, of the same collection."
    )


def percentile_in_words(value: float) -> str:
    """A percentile as an ordinal; below the first and above the 99th it is not told closer."""
    if value < 1:
        return "below the 1st percentile"
    if value > 99:
        return "above the 99th percentile"
    whole = round(value)
    ending = "th" if 10 < whole % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    return f"{whole}{ending} percentile"
