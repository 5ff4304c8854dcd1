"""Sections of a model card on people: who they are, how they came in, how their stage was found, figures by age and sex."""

from collections.abc import Mapping

from alzedge.export.hub.card_text import is_kaggle
from alzedge.export.report.people_tables import chance_sentences, group_rows, headline_rows, measure_rows, people_rows
from alzedge.export.report.tables import capitalised, markdown_rows, split_title
from alzedge.metrics.people_figures import Demographics, SourceFigures
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.model_file.read_write import Record

# The order of reading, see `alzedge.export.hub.card_tables`.
_ORDER = ("crossval", "subject", "official")
# Sources whose people are OASIS-1's, as data sets call them.
_OASIS = {"kaggle", "oasis1"}
_NOBODY = "Unknown: nobody knows who is on the images, so nothing is said of age, sex or anything else."


def is_oasis(record: Record, splits: Mapping[str, SplitEvaluation]) -> bool:
    """True when a model was made from images of OASIS-1: the Kaggle set, its scans, or both."""
    named = {source for split in splits.values() for source in split.sources}
    return is_kaggle(record) or (not record["dataset"]["synthetic"] and bool(named & _OASIS))


def people_section(record: Record, splits: Mapping[str, SplitEvaluation]) -> str:
    """Describe the people of training and test, source by source, and how many came in."""
    if record["dataset"]["people"] is None:
        return _NOBODY
    found = _chosen(splits)
    if found is None:
        return f"Ages, sexes and other values of the people: unknown to this card. {_how_to_know(record)}"
    title, evaluated = found
    parts = [f"By side of the split '{split_title(title)}' ({evaluated.evaluated_on.description})."]
    for source, figures in evaluated.sources.items():
        parts.append(f"**{source}**\n\n{markdown_rows(people_rows(figures.people))}")
        parts.append(_flow(figures.people["test"]))
    if evaluated.evaluated_on.description.startswith("fold"):
        parts.append("In a cross-validation everybody is tested once, and trains the models of the other folds.")
    return "\n\n".join(parts)


def _how_to_know(record: Record) -> str:
    told = (
        "OASIS-1's table (`--people oasis_cross-sectional.csv`)" if is_kaggle(record) else "ages and sexes in its table"
    )
    return (
        f"Cross-validate or evaluate on data with {told}, and name the `metrics.json` with `alzedge card --evaluation`."
    )


def _flow(tested: Demographics) -> str:
    """The flow of people through the test."""
    unknown = tested.stages.get("unknown", 0)
    ages = tested.people - tested.values["age"].known if "age" in tested.values else tested.people
    return (
        f"Flow of people: {tested.people} with {tested.scans} scans and {tested.slices} slices were tested. {unknown} of them "
        f"have no stage, were never examined, and count for what is measured alone; {tested.people - unknown} count for what "
        f"is ranked. The age of {ages} is unknown: they are in no age band. Nobody was left out for an answer; whoever was "
        "left out before, by the makers of the data or because the identity was not certain, is not in these numbers."
    )


def _chosen(splits: Mapping[str, SplitEvaluation]) -> tuple[str, SplitEvaluation] | None:
    """The split that says most about new people and knows its people."""
    known = [name for name in (*_ORDER, *splits) if name in splits and splits[name].sources]
    return (known[0], splits[known[0]]) if known else None


def subgroups(record: Record, splits: Mapping[str, SplitEvaluation], names: tuple[str, ...]) -> str:
    """Write the figures by age and sex, the baselines of the table, and what is measured.

    Args:
        record: of the model.
        splits: evaluations that know the people.
        names: that the model, or its cross-validated sisters, go by in them.
    """
    parts = []
    for split in dict.fromkeys(name for name in (*_ORDER, *splits) if name in splits):
        for source, figures in splits[split].sources.items():
            name = next((name for name in names if name in figures.models), None)
            if name is not None:
                parts += _source(split, splits[split], source, figures, name)
    if not parts and record["dataset"]["synthetic"]:
        return ""
    if not parts:
        people = record["dataset"]["people"]
        return _NOBODY if people is None else f"Unknown: not measured for this card. {_how_to_know(record)}"
    return "\n\n".join(part for part in parts if part)


def _source(split: str, evaluated: SplitEvaluation, source: str, figures: SourceFigures, name: str) -> list[str]:
    warning = ""
    if evaluated.evaluated_on.unseen_people is False:
        warning = "**These people also trained the models**: nothing here says anything about new people."
    measured = measure_rows(figures, {name: "this model" if split != "crossval" else "cross-validated"})
    return [
        f"### {capitalised(split_title(split))}, people of {source}",
        warning,
        markdown_rows(headline_rows(figures, {name: f"**{name}**"})),
        *(
            f"By group, {'any dementia' if task == 'any_dementia' else 'CDR 1 or more'}:\n\n{markdown_rows(group_rows(groups))}"
            for task, groups in figures.models[name].items()
        ),
        f"What is measured, against the table:\n\n{markdown_rows(measured)}" if measured else "",
        " ".join(chance_sentences(figures)),
    ]


def reference_standard(oasis: bool) -> str:
    """Describe how the stage of people was found."""
    if not oasis:
        return "Unknown: the record does not say who gave the labels, by what rule, or when."
    return """The Clinical Dementia Rating (CDR; Morris 1993), given by clinicians of the Alzheimer's Disease Research Center of Washington
University from interviews with the person and somebody close, without the scan and without regard to psychometric tests
(Marcus et al. 2007). 0 is no dementia, 0.5 very mild, 1 mild, 2 moderate. It is a clinical judgement, not pathology: no
biomarker or autopsy is behind it, and nothing is said of the kind of dementia. Agreement between raters and the time between
examination and scan are not in the table: unknown. People under 60 were mostly not examined; for them the table has no rating,
and none is assumed in any figure. Brain volume is measured against the table's nWBV, which the software FAST computed from the whole scan."""


def scanner(oasis: bool) -> str:
    """Describe how the images were taken and prepared."""
    if not oasis:
        return "Unknown: the record does not say on which scanner, with which sequence or when the images were taken."
    return """One scanner of one hospital: 1.5 T Siemens Vision, T1-weighted MP-RAGE, three or four repetitions of one session averaged,
1 mm isotropic after resampling, bias field corrected, skull removed, registered to an atlas (OASIS-1; Marcus et al. 2007).
Years of acquisition: not in the table, unknown here; published 2007. For 20 people OASIS-1 has a second session within 90 days."""


def acknowledgement(oasis: bool) -> str:
    """The text that OASIS-1 asks for; empty for other data."""
    if not oasis:
        return ""
    return """OASIS-1 asks for these words wherever its data, or data derived from it, are used:

> OASIS-1: Cross-Sectional: Principal Investigators: D. Marcus, R. Buckner, J. Csernansky, J. Morris; P50 AG05681, P01 AG03991,
> R01 AG021910, P20 MH071616, U24 RR021382.

Its terms forbid trying to find out who a participant is."""
