"""All evidence on the people of each source, from readings of their slices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.inference.measures.readings import Readings
from alzedge.metrics.baselines import Sides
from alzedge.metrics.bootstrap import REPLICATES, Floats, draw_people, with_interval
from alzedge.metrics.people.baselines import Sided, baseline_answers, permuted_baselines, side_people
from alzedge.metrics.people.cohort import Cohort, demographics
from alzedge.metrics.people.groups import GROUP_TASKS, Areas, TaskAnswers, cross_fitted_threshold, rank_groups
from alzedge.metrics.people.person_answers import PersonAnswers, PersonRule, answer_people, mean_over_slices
from alzedge.metrics.people.quantities import agreement, retest, set_coverage
from alzedge.metrics.people_figures import (
    ADJUSTED,
    AGE,
    BRAIN_VOLUME,
    CSF,
    STAGE_SET,
    Measures,
    Ranked,
    SourceFigures,
)
from alzedge.metrics.tasks import ANY_DEMENTIA

_LEAST_TO_DRAW = 2
# Permutations of the labels for each resample of the bootstrap.
_PERMUTATIONS = 1 / 20


@dataclass(frozen=True, eq=False)
class Asked:
    """One model asked about the test side.

    Attributes:
        readings: of the slices, in the order of `rows` of `source_figures`.
        rule: from readings of one scan to the person's answer.
        threshold: on the probability of any dementia; None to choose it for each fold on the others.
    """

    readings: Readings
    rule: PersonRule = mean_over_slices
    threshold: float | None = None


def source_figures(
    models: Mapping[str, Asked],
    dataset: DataSet,
    rows: NDArray[np.intp],
    sides: Sides,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> dict[str, SourceFigures]:
    """Compute the evidence on the people of each source, a source at a time.

    People are asked about by their first scan; a second scan is compared with it. Who has no stage counts for what is
    measured and not for what is ranked. Baselines are fitted to the people of the training sides.

    Args:
        models: by name.
        dataset: whose people are known.
        rows: int (N,), ascending, the slices tested.
        sides: rows of the data set that train and that test: those of the split, or one pair for each fold.
        seed, replicates: of the bootstrap over people; labels are permuted once for every 20 resamples.

    Returns:
        By name of the source, of those with at least two people; the data set's name where it is unknown.
    """
    names = source_names(dataset)
    figures = {}
    for name in np.unique(names[rows]).tolist():
        of_source = ((train[names[train] == name], test[names[test] == name]) for train, test in sides)
        own = tuple((train, test) for train, test in of_source if len(test))
        places = np.flatnonzero(names[rows] == name)
        sided = side_people(dataset, list(own))
        if len(sided.test) >= _LEAST_TO_DRAW:
            asked = {model: (one, one.readings.take(places)) for model, one in models.items()}
            figures[name] = _figures(asked, dataset, sided, own, (seed, replicates))
    return figures


def source_names(dataset: DataSet) -> NDArray[np.str_]:
    """Name of each slice's source, str (N,); the data set's where it is unknown."""
    names: NDArray[np.str_] = np.where(dataset.source == "", dataset.name, dataset.source)
    return names


def _figures(
    models: Mapping[str, tuple[Asked, Readings]],
    dataset: DataSet,
    sided: Sided,
    sides: tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...],
    bootstrap: tuple[int, int],
) -> SourceFigures:
    seed, replicates = bootstrap
    weights = draw_people(len(sided.test), seed, replicates)
    by_side = [np.unique(np.concatenate(rows)) for rows in zip(*sides, strict=True)]
    described = dict(zip(("training", "test"), (demographics(dataset, rows) for rows in by_side), strict=True))
    baselines: dict[str, Ranked] = {}
    csf: Areas | None = None
    for name, answers in baseline_answers(sided).items():
        if answers:
            found_ranked, areas = _ranked(answers, sided, weights, None)
            baselines[name] = _unadjusted(found_ranked) if name == AGE else found_ranked
            csf = areas if name == CSF else csf
    ranked: dict[str, Ranked] = {}
    measures: dict[str, Measures] = {}
    for name, (asked, readings) in models.items():
        first = answer_people(readings, sided.test.slices, sided.test.subject, asked.rule)
        tasks = dict.fromkeys((task.name for task in GROUP_TASKS), first.probabilities)
        ranked[name], _ = _ranked(tasks, sided, weights, asked.threshold, csf)
        found = _measures(asked.rule, readings, first, dataset, by_side[1], sided.test, weights)
        if found:
            measures[name] = found
    permuted = permuted_baselines(sided, max(1, round(replicates * _PERMUTATIONS)), seed)
    return SourceFigures(described, ranked, baselines, permuted, measures)


def _unadjusted(ranked: Ranked) -> Ranked:
    """The figures of age itself without the area adjusted for age.

    That is 0.5 by definition; regressions that were cross-fitted on age alone stray from it only by their intercepts, which
    differ between the folds against the shares of cases in them.
    """
    return {
        task: {group: replace(of, figures=of.figures | {ADJUSTED: None}) for group, of in groups.items()}
        for task, groups in ranked.items()
    }


def _ranked(
    answers: TaskAnswers, sided: Sided, weights: Floats, threshold: float | None, csf: Areas | None = None
) -> tuple[Ranked, Areas]:
    each: Floats | None = None
    if threshold is not None:
        each = np.full(len(sided.test), threshold)
    elif ANY_DEMENTIA.name in answers:
        each = cross_fitted_threshold(1 - answers[ANY_DEMENTIA.name][:, 0], sided.test.labels, sided.part)
    known = csf if csf is not None and all((task, "all") in csf for task in answers) else None
    return rank_groups(answers, sided.test, weights, each, known)


def _measures(
    rule: PersonRule,
    readings: Readings,
    first: PersonAnswers,
    dataset: DataSet,
    rows: NDArray[np.intp],
    cohort: Cohort,
    weights: Floats,
) -> Measures:
    """Agreement of what is measured, per slice and per person; empty where nothing is."""
    person = np.searchsorted(cohort.subject, dataset.subject[rows])
    own = np.arange(len(cohort))
    twice = np.flatnonzero([len(places) > 0 for places in cohort.again])
    second = answer_people(readings, [cohort.again[p] for p in twice], cohort.subject[twice], rule)
    found: Measures = {}
    for name, per_slice, truths, truth, answers, again in (
        (BRAIN_VOLUME, readings.brain_volume, dataset.nwbv[rows], cohort.nwbv, first.brain_volume, second.brain_volume),
        (AGE, readings.age, dataset.age[rows], cohort.age, first.age, second.age),
    ):
        by_level = {
            "slice": None if per_slice is None else agreement(per_slice, truths, person, weights),
            "person": agreement(answers, truth, own, weights),
        }
        levels = {level: figures for level, figures in by_level.items() if figures is not None}
        if "person" in levels:
            other = np.full(len(cohort), np.nan)
            other[twice] = again[:, 0]
            table = retest(cohort.nwbv, cohort.nwbv_again, weights) if name == BRAIN_VOLUME else None
            repeated = {"retest_sd": retest(answers[:, 0], other, weights), "retest_sd_table": table}
            further = {figure: with_interval(values) for figure, values in repeated.items() if values is not None}
            levels["person"] = replace(levels["person"], figures=levels["person"].figures | further)
        if levels:
            found[name] = levels
    sets = set_coverage(first, cohort, weights)
    return found | ({STAGE_SET: {"person": sets}} if sets is not None else {})
