"""Measured quantities in HTML: the person's brain volume on the normative curve, the apparent age, stages in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alzedge.demo.answering.told import Told
from alzedge.demo.html.rendering import render
from alzedge.inference.answer import Answer
from alzedge.inference.measures.norm import NormativeCurve
from alzedge.inference.measures.norm_picture import curve_sentence, norm_svg
from alzedge.inference.measures.rule import Measures
from alzedge.inference.measures.stage_sets import STAGE_COVERAGE
from alzedge.inference.measures.words import percentile_in_words
from alzedge.stages import STAGES, TITLES

_WHOM = {"F": "women", "M": "men", None: "people"}


@dataclass(frozen=True)
class _Range:
    value: str
    low: str
    high: str


def measures_html(answer: Answer, measures: Measures | None, told: Told) -> Markup:
    """Draw the brain volume on the curve, with the apparent age beside it.

    Args:
        answer: of one person.
        measures: the model's rule; None where it carries none.
        told: age and sex of the person.

    Returns:
        Nothing for a model that measures nothing.
    """
    volume, age = answer.brain_volume, answer.apparent_age
    if volume is None and age is None:
        return Markup("")
    norm = None if measures is None else measures.norm
    percentile = None if volume is None else volume.percentile
    # Built as a tree of elements, whose texts are escaped when it is written.
    picture = Markup("") if volume is None or norm is None else Markup(norm_svg(norm, volume, told.age, told.sex))
    return render(
        "measures",
        volume=volume and _Range(*(f"{value:.3f}" for value in (volume.value, volume.low, volume.high))),
        percentile=None if percentile is None else percentile_in_words(percentile),
        whom=_WHOM[told.sex],
        age=told.age,
        missing=_no_percentile(norm, told.age) if percentile is None else "",
        ask=norm is not None and told.age is None,
        apparent=age and _Range(*(f"{value:.0f}" for value in (age.value, age.low, age.high))),
        picture=picture,
        legend=_legend(norm, told),
    )


def stage_set_html(answer: Answer) -> Markup:
    """The stages that cannot be ruled out, in words; nothing where the model has no calibration for it."""
    if answer.stage_set is None:
        return Markup("")
    return render("stage_set", sentence=_stages(answer.stage_set), coverage=STAGE_COVERAGE)


def measured_words(answer: Answer) -> str:
    """Volume and apparent age of one slice in a line; empty where nothing is measured."""
    volume, age = answer.brain_volume, answer.apparent_age
    parts = []
    if volume is not None:
        parts.append(f"brain volume {volume.value:.3f} ({volume.low:.3f} to {volume.high:.3f})")
    if age is not None:
        parts.append(f"looks like {age.value:.0f} years ({age.low:.0f} to {age.high:.0f})")
    return f"By this slice alone: {', '.join(parts)}." if parts else ""


def _no_percentile(norm: NormativeCurve | None, age: float | None) -> str:
    """The reason why a brain volume has no percentile; the cure stands beside it."""
    if norm is None:
        return "The model carries no normative curve, so there is no percentile."
    if age is None:
        return "Without an age there is no percentile."
    low, high = norm.ages
    return f"The curve reaches from {low:.0f} to {high:.0f} years, so there is no percentile at {age:g}."


def _stages(stages: Sequence[str]) -> str:
    """The stages that cannot be ruled out, in words; an abstention where that is all of them, or none fits."""
    if len(stages) == len(STAGES):
        return "Abstains: the model cannot rule out any stage."
    if not stages:
        return "Abstains: no stage fits well enough."
    if len(stages) == 1:
        return f"Rules out every stage but {TITLES[STAGES.index(stages[0])].lower()}."
    titles = [TITLES[STAGES.index(stage)].lower() for stage in stages]
    short = [title if title == TITLES[0].lower() else title.removesuffix(" dementia") for title in titles]
    return f"Cannot rule out: {', '.join(short)}."


def _legend(norm: NormativeCurve | None, told: Told) -> str:
    return "" if norm is None else curve_sentence(norm, told.sex)
