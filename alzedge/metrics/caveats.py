"""Sentences that belong beside every answer: what the operating point costs, and what a model cannot tell."""

from alzedge.inference.measures.demographics import Coding
from alzedge.inference.measures.operating_point import Estimate, OperatingPoint
from alzedge.inference.measures.rule import Measures
from alzedge.inference.measures.words import percentile_sentence
from alzedge.metrics.record_facts import is_synthetic, largest_unseen
from alzedge.metrics.tasks import STAGES4
from alzedge.model_file.read_write import Record
from alzedge.model_file.record_entries import entry_of

_WHO = {"person": "people", "slice": "slices of people"}


def operating_sentence(record: Record) -> str:
    """The sentence on any dementia at the operating threshold: sensitivity, specificity, and on whom they were measured."""
    point = OperatingPoint.read(record)
    if point is None:
        return "The model file carries no threshold for any dementia, so the score is on no side of one."
    if point.sensitivity is None or point.specificity is None or is_synthetic(record):
        return f"At the threshold {point.threshold:.3f} sensitivity and specificity were not measured on people."
    people = "" if point.people is None else f"{point.people} "
    return (
        f"At the threshold {point.threshold:.3f}, on {people}people never seen in training: sensitivity "
        f"{_interval(point.sensitivity)}, specificity {_interval(point.specificity)}, per {point.level}."
    )


def cannot_sentence(record: Record) -> str:
    """The sentence on stages, which the model cannot tell apart or only just, by its own test on unseen people."""
    test = largest_unseen(record)
    accuracy = test.level(person=True).of(STAGES4, "accuracy") if test else None
    if test is None or accuracy is None or test.majority is None or is_synthetic(record):
        return (
            "The model cannot be trusted with the stage: how often it names the right one was not measured on people."
        )
    verb = "cannot" if accuracy.low <= test.majority else "can hardly"
    who = "it was" if test.itself else "models made like it were"
    return (
        f"The model {verb} tell the stages apart: asked about {test.levels[-1].n} {_WHO[test.levels[-1].level]} "
        f"{'it' if test.itself else 'they'} had never seen, {who} right for {_percent(accuracy.value)} (95% interval "
        f"{_percent(accuracy.low)} to {_percent(accuracy.high)}), and always saying the commonest stage would be right for "
        f"{_percent(test.majority)}."
    )


def measured_sentences(record: Record, age: float | None = None) -> dict[str, str]:
    """Sentences on brain volume and stage set by name of the answer's part; none where the file carries no rule.

    Args:
        record: of the model file.
        age: years of the person, where told.
    """
    measures = Measures.read(record)
    told: dict[str, str] = {}
    if measures is not None and measures.has_brain_volume:
        told["brain_volume"] = percentile_sentence(measures.norm, age)
    elif age is not None:
        told["brain_volume"] = "The model measures no brain volume, so the age changes nothing."
    return told if measures is None else told | {"coverage": _coverage_sentence(record)}


def demographics_sentence(record: Record, age: float | None = None, sex: str | None = None) -> str:
    """The sentence on age and sex as the network's second input; empty for a file that looks at the image alone.

    Args:
        record: of the model file.
        age, sex: years, and 'F' or 'M', as they were told; None where not.
    """
    if Coding.read(record) is None:
        return ""
    told = " and ".join([*([f"{age:g} years"] if age is not None else []), *([f"sex {sex}"] if sex else [])])
    weighed = (
        f"weigh what was told of the person, {told}"
        if told
        else "weigh age and sex where they are told, and were told neither"
    )
    return f"The score and the stages {weighed}; brain volume and apparent age are of the image alone."


def _coverage_sentence(record: Record) -> str:
    unseen = entry_of(record.get("measures"), "unseen")
    held = Estimate.read(entry_of(unseen, "stage_set_coverage"))
    if held is None or is_synthetic(record):
        return "Intervals, and the stages not ruled out, are made to hold the truth for 90%; that was not measured on people."
    return (
        "Intervals, and the stages not ruled out, are made to hold the truth for 90%; of people never seen in training "
        f"the stages held it for {_interval(held)}."
    )


def _interval(figure: Estimate) -> str:
    return f"{_percent(figure.value)} (95% interval {_percent(figure.low)} to {_percent(figure.high)})"


def _percent(share: float) -> str:
    return f"{share:.0%}"
