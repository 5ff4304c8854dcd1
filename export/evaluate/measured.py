"""Pictures of what models measure of the people of a test set."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from alzedge.data.dataset import DataSet
from alzedge.export.evaluate.evaluate_models import EvaluatedSplit
from alzedge.export.report.measure_plots import MeasuredPeople, draw_measures, save_measures
from alzedge.export.report.sections import Pictures
from alzedge.export.report.tables import split_title
from alzedge.metrics.people.cohort import cohort_of
from alzedge.metrics.people.evidence import source_names
from alzedge.metrics.people.person_answers import answer_people
from alzedge.stages import DISCLAIMER

# By source and model.
Measured = dict[str, dict[str, MeasuredPeople]]


def measured_people(split: EvaluatedSplit, dataset: DataSet) -> Measured:
    """Measured and true values of each source's people, of the models that measure anything."""
    found: Measured = {}
    names = source_names(dataset)[split.rows]
    for source in split.evaluation.sources:
        places = np.flatnonzero(names == source)
        cohort = cohort_of(dataset, split.rows[places])
        for model, asked in split.asked.items():
            answers = answer_people(asked.readings.take(places), cohort.slices, cohort.subject, asked.rule)
            people = MeasuredPeople(answers.brain_volume[:, 0], cohort.nwbv, answers.age[:, 0], cohort.age)
            if not people.empty:
                found.setdefault(source, {})[model] = people
    return found


def measure_pictures(measured: Mapping[str, Measured]) -> dict[str, dict[str, dict[str, Pictures]]]:
    """Titles and SVGs by split, source and model."""
    title = "Brain volume and apparent age per person"
    return {
        split: {
            source: {model: ((title, draw_measures(people)),) for model, people in models.items()}
            for source, models in sources.items()
        }
        for split, sources in measured.items()
    }


def write_measure_pictures(measured: Mapping[str, Measured], folder: Path) -> None:
    """Write `measures-SPLIT-SOURCE.png` of the last model of each."""
    for split, sources in measured.items():
        for source, models in sources.items():
            name, people = list(models.items())[-1]
            path = folder / f"measures-{split}-{re.sub(r'[^A-Za-z0-9_.-]+', '_', source)}.png"
            save_measures(people, f"{name}, people of {source}, {split_title(split)}. {DISCLAIMER}", path)
