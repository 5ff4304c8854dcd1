"""The section of a model card on what a model measures besides stages, and on how far that was off."""

from alzedge.export.report.tables import markdown_rows
from alzedge.inference.measures.rule import Measures
from alzedge.inference.measures.stage_sets import STAGE_COVERAGE
from alzedge.metrics.estimate import figures_from_json
from alzedge.model_file.read_write import Record

# Figures of `alzedge.export.calibration.cross_fit.person_figures`: words, and the format of the value.
_FIGURES = {
    "brain_volume_error": ("brain volume (nWBV), mean absolute error", ".4f"),
    "brain_volume_coverage": ("share of its intervals that hold the table's value", ".3f"),
    "age_error": ("apparent age, mean absolute error against the age, years", ".1f"),
    "age_coverage": ("share of its intervals that hold the age", ".3f"),
    "stage_set_coverage": ("share of the sets of stages that hold the true one", ".3f"),
    "stage_set_coverage_none": ("of people without dementia", ".3f"),
    "stage_set_coverage_very_mild": ("of people with very mild dementia", ".3f"),
    "stage_set_coverage_mild_or_moderate": ("of people with mild or moderate dementia", ".3f"),
    "stage_set_size": ("stages in a set, on average, people never examined included", ".2f"),
    "stage_set_full": ("share of sets that rule out nothing", ".3f"),
    "stage_set_empty": ("share of sets in which no stage fits", ".3f"),
}


def measures_section(record: Record) -> str:
    """Describe brain volume, apparent age and sets of stages, with their errors; empty where a model measures nothing."""
    measures = Measures.read(record)
    if measures is None:
        return ""
    quantities = (
        "**Brain volume** is the share of the space within the skull that is brain (nWBV, 0 to 1), **apparent age** the age in "
        "years that the brain looks like; both come with an interval. "
        if measures.has_brain_volume
        else ""
    )
    text = (
        f"{quantities}A **set of stages** names those that cannot be ruled out. Intervals and sets are made to hold the truth for "
        f"{STAGE_COVERAGE:.0%} of people. The rules that make them of any number of slices of one person are in the record's entry "
        f"`measures`, fitted on the answers for {measures.people} people of models that had not seen them."
    )
    if measures.norm is not None:
        low, high = measures.norm.ages
        text += (
            f" Percentiles of the brain volume come from a curve of {measures.norm.people} people without dementia, {low:.0f} to "
            f"{high:.0f} years old."
        )
    text += learned_measures(record)
    unseen = figures_from_json((record.get("measures") or {}).get("unseen") or {})
    rows = [
        [words, figure.text(form)]
        for name, (words, form) in _FIGURES.items()
        if (figure := unseen.get(name)) is not None
    ]
    if not rows:
        return f"{text}\n\nHow far they are off was not measured."
    return f"{text} Measured on people that neither models nor rules had seen:\n\n{markdown_rows([['figure', 'value'], *rows])}"


def learned_measures(record: Record) -> str:
    """Say what the network learned besides stages, and of whom; starts with a space, empty where it did not."""
    recipe = record["recipe"].get("measures") or {}
    if not recipe.get("learn"):
        return ""
    return (
        " The network learned the table's nWBV and age beside the stage; in training alone, people under "
        f"{recipe['healthy_below']:g} whom nobody examined counted as without dementia."
    )
