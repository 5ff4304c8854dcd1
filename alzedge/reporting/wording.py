"""The sentences and figures of a report, the same in HTML, PDF and DICOM."""

from dataclasses import dataclass

from alzedge import __version__
from alzedge.inference.answer import notes_in_words
from alzedge.inference.measures.norm_picture import curve_sentence, norm_svg
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.inference.measures.words import percentile_in_words, percentile_sentence, set_in_words
from alzedge.inference.writers import digits_of
from alzedge.reporting.content import Report
from alzedge.stages import STAGES, TITLES


@dataclass(frozen=True)
class Line:
    """A figure with its name, and what must be known beside it."""

    name: str
    value: str
    note: str = ""


def heading(report: Report) -> str:
    """The answer in a few words, any dementia first."""
    dementia = report.person.any_dementia
    if dementia is None:
        return "No answer"
    if dementia.above is None:
        return "Any dementia: no threshold known"
    return f"Any dementia: {'above' if dementia.above else 'below'} the threshold"


def figures(report: Report) -> list[Line]:
    """Everything that was measured, or why nothing was."""
    person, lines = report.person, []
    if person.any_dementia is None:
        return [Line("Refused", f"{person.refused}.")]
    score, beside = f"{person.any_dementia.value:.3f}", ""
    if person.threshold is not None:
        score, threshold = digits_of(person.any_dementia.value, person.threshold)
        beside = f"threshold {threshold}"
    lines.append(Line("Score for any dementia, 0 to 1", score, beside))
    if person.brain_volume is not None:
        lines.append(_volume(report, person.brain_volume))
    if person.apparent_age is not None:
        lines.append(_age(person.apparent_age))
    if person.stage_set is not None:
        titles = tuple(TITLES[STAGES.index(stage)].lower() for stage in person.stage_set)
        lines.append(Line("Stages, a set of 90 % coverage over people", set_in_words(titles)))
    shares = person.probabilities or {}
    stages = ", ".join(
        f"{title.lower()} {shares[stage]:.0%}" for stage, title in zip(STAGES, TITLES, strict=True) if stage in shares
    )
    lines.append(Line("Stages, not to be relied on", stages))
    return lines


def trust(report: Report) -> list[str]:
    """Sentences on how far to trust it: operating point, stages, quality, unlikeness, limits."""
    sentences = [report.operating, report.cannot, *([report.weighed] if report.weighed else []), _answered(report)]
    sentences += notes_in_words(report.slices, report.person)
    if report.norm is not None:
        sentences.append(curve_sentence(report.norm, report.told.sex))
        volume = report.person.brain_volume
        if report.told.age is not None and volume is not None and volume.percentile is None:
            sentences.append(percentile_sentence(report.norm, report.told.age))
    if report.registration is None:
        sentences.append("No registration belongs to these slices, so nothing is said about their quality.")
    else:
        remarks = "; ".join(report.registration.remarks)
        sentences.append(f"Registration: {report.registration.verdict}{f' ({remarks})' if remarks else ''}.")
    return [*sentences, *report.limits]


def identity(report: Report) -> list[Line]:
    """Model, images, versions and date."""
    lines = [
        Line("Model", report.model.kind, f"made by AlzEdge {report.model.version}"),
        Line("Model SHA-256", report.model.sha256),
        Line("Images SHA-256", report.images, f"{len(report.slices)} slice{'s' if len(report.slices) > 1 else ''}"),
        Line("Written", report.made.isoformat(), f"by AlzEdge {__version__}"),
    ]
    told = [f"{report.told.age:g} years" if report.told.age is not None else "", report.told.sex or ""]
    if any(told):
        lines.append(Line("Told by the asker", ", ".join(part for part in told if part)))
    return lines


def curve_svg(report: Report) -> str | None:
    """The person's brain volume on the normative curve, as an SVG; None where nothing was measured."""
    volume = report.person.brain_volume
    if report.norm is None or volume is None:
        return None
    return norm_svg(report.norm, volume, report.told.age, report.told.sex)


def _volume(report: Report, volume: BrainVolume) -> Line:
    note = f"90 % interval {volume.low:.3f} to {volume.high:.3f}"
    if volume.percentile is not None and report.told.age is not None:
        whom = {"F": "women", "M": "men"}.get(report.told.sex or "", "people")
        note += f"; {percentile_in_words(volume.percentile)} of {whom} without dementia at {report.told.age:g}"
    return Line("Brain volume, share of the skull's inside", f"{volume.value:.3f}", note)


def _age(age: ApparentAge) -> Line:
    return Line(
        "Age that the brain looks like", f"{age.value:.0f} years", f"90 % interval {age.low:.0f} to {age.high:.0f}"
    )


def _answered(report: Report) -> str:
    refused = sum(answer.probabilities is None for answer in report.slices)
    slices, answered = len(report.slices), len(report.slices) - refused
    words = f"{answered} of {slices} slices {'was' if answered == 1 else 'were'} answered"
    if slices == 1:
        words = f"The slice was {'answered' if answered else 'refused'}"
    values = [answer.unlikeness for answer in report.slices if answer.unlikeness is not None]
    if values:
        ends = dict.fromkeys((f"{min(values):.2f}", f"{max(values):.2f}"))  # one where they are alike
        whose = "its" if slices == 1 else "their"
        words += f"; {whose} unlikeness to slices the model knows is {' to '.join(ends)}, refused above 1"
    return f"{words}."
