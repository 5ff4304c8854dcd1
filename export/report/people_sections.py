"""Sections of a report on the people of each source."""

from collections.abc import Mapping

from alzedge.export.report.people_tables import (
    chance_sentences,
    group_rows,
    headline_rows,
    measure_rows,
    people_rows,
)
from alzedge.export.report.sections import Pictures, Section, Table
from alzedge.export.report.tables import capitalised, split_title
from alzedge.metrics.people_figures import SourceFigures
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.metrics.tasks import TASKS

# By split, source and model.
MeasurePictures = Mapping[str, Mapping[str, Mapping[str, Pictures]]]

_HOW = (
    "Each person is asked about by the slices of the first scan. People of unknown stage count for what is measured alone. The "
    "threshold for any dementia is the file's; for pooled predictions and baselines it is chosen, fold by fold, on the people of "
    "the other folds (highest Youden's J)."
)
_SEEN = "The people tested are also those of the training images: nothing here says anything about new people."
_HEADLINE_NOTES = (
    "Baselines are logistic regressions fitted to the models' training people, one for each question; a missing value is the median.",
    "Among people of similar age: the covariate-adjusted area of Janes and Pepe 2009. A score that follows age alone gets 0.5.",
)
_GROUP_NOTE = (
    "Calibration error: expected calibration error, 15 bins, which small groups inflate. Mean probability less share: above 0 "
    "the model says dementia too often. Groups with fewer than five people of either class have no figure."
)
_MEASURE_NOTE = (
    "Bias is measured less table; limits of agreement are bias less and plus 1.96 standard deviations of the differences (Bland "
    "and Altman 1986). SD between two scans: of their difference, over people scanned twice."
)


def people_sections(splits: Mapping[str, SplitEvaluation], pictures: MeasurePictures) -> list[Section]:
    """Write a section for the people of each source of each split.

    Args:
        splits: by name.
        pictures: of what is measured.
    """
    return [
        people_section(split, evaluated, source, figures, pictures.get(split, {}).get(source, {}))
        for split, evaluated in splits.items()
        for source, figures in evaluated.sources.items()
    ]


def people_section(
    split: str, evaluated: SplitEvaluation, source: str, figures: SourceFigures, pictures: Mapping[str, Pictures]
) -> Section:
    """Everything about the people of one source."""
    tables = [
        Table("All people, and those of 60 and more", headline_rows(figures), _HEADLINE_NOTES),
        *(
            Table(f"{model}: {task.title}", group_rows(ranked[task.name]), (_GROUP_NOTE,))
            for model, ranked in figures.models.items()
            for task in TASKS
            if task.name in ranked
        ),
    ]
    if measured := measure_rows(figures):
        tables.append(Table("What is measured, against the table", measured, (_MEASURE_NOTE,)))
    tables.append(Table("Who they are", people_rows(figures.people)))
    warning = (_SEEN,) if evaluated.evaluated_on.unseen_people is False else ()
    sentences = (*warning, _HOW, *chance_sentences(figures))
    return Section(f"People of {source}, {capitalised(split_title(split))}", sentences, tuple(tables), pictures)
