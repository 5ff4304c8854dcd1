"""Agreement of measured quantities with the table, and of two scans of one person with one another."""

import numpy as np
from numpy.typing import NDArray

from alzedge.metrics.bootstrap import Floats, ratio, with_interval
from alzedge.metrics.estimate import Figures
from alzedge.metrics.people.cohort import Cohort
from alzedge.metrics.people.person_answers import PersonAnswers
from alzedge.metrics.people_figures import MeasureFigures
from alzedge.metrics.scores import MIN_PEOPLE

# 95 % of a normal distribution lie within so many standard deviations (Bland and Altman 1986, Lancet 327:307).
_LIMITS = 1.96


def agreement(measured: Floats, truth: Floats, person: NDArray[np.intp], weights: Floats) -> MeasureFigures | None:
    """Compare measured values with the table's: Pearson's r, mean absolute error, bias and limits of agreement.

    Bias is measured less table; the limits are bias less and plus 1.96 standard deviations of the difference (Bland and
    Altman 1986). Intervals are over people.

    Args:
        measured: (N,), or (N, 3) with the ends of 90 % intervals behind the value.
        truth: (N,); rows where either is NaN are left out.
        person: int (N,), column of `weights`.
        weights: (R, people).

    Returns:
        None where fewer than five people can be compared.
    """
    ends = measured.reshape(len(measured), -1)
    known = np.isfinite(ends[:, 0]) & np.isfinite(truth)
    ends, y, who = ends[known], truth[known], person[known]
    people = len(np.unique(who))
    if people < MIN_PEOPLE:
        return None
    x, mean = ends[:, 0], y.mean()
    difference = x - y
    rows = [np.ones(len(x)), x - mean, y - mean, (x - mean) ** 2, (y - mean) ** 2, (x - mean) * (y - mean)]
    rows += [np.abs(difference), difference, difference**2]
    if ends.shape[1] == 3 and np.isfinite(ends[:, 1:]).all():
        rows.append(((ends[:, 1] <= y) & (y <= ends[:, 2])).astype(np.float64))
    sums = np.stack([np.bincount(who, row, weights.shape[1]) for row in rows], axis=1)
    return MeasureFigures(len(x), people, _with_intervals(weights @ sums))


def _with_intervals(sums: Floats) -> Figures:
    """Figures of weighted sums (R, 9 or 10); see `agreement` for their order."""
    total = sums[:, 0]
    x, y, xx, yy, xy, absolute, bias, square = (ratio(column, total) for column in sums.T[1:9])
    spread = np.sqrt(np.maximum(square - bias**2, 0))
    deviations = np.sqrt(np.maximum((xx - x**2) * (yy - y**2), 0))
    figures: dict[str, Floats] = {
        "r": ratio(xy - x * y, deviations),
        "mae": absolute,
        "bias": bias,
        "loa_low": bias - _LIMITS * spread,
        "loa_high": bias + _LIMITS * spread,
        "table_sd": np.sqrt(np.maximum(yy - y**2, 0)),
    }
    if sums.shape[1] > 9:
        figures["coverage"] = ratio(sums[:, 9], total)
    return {name: with_interval(values) for name, values in figures.items()}


def retest(first: Floats, second: Floats, weights: Floats) -> Floats | None:
    """Standard deviation of the difference between two scans of one person, in each resample.

    Args:
        first, second: (P,), of the same people; NaN without one.
        weights: (R, P).

    Returns:
        (R,), NaN in resamples of fewer than two such people; None where fewer than five people were scanned twice.
    """
    difference = second - first
    known = np.isfinite(difference)
    if known.sum() < MIN_PEOPLE:
        return None
    counts, own = weights[:, known], difference[known] - difference[known].mean()
    total = counts.sum(axis=1)
    squares = counts @ own**2 - ratio((counts @ own) ** 2, total)
    return np.sqrt(np.maximum(ratio(squares, np.where(total > 1, total - 1, 0)), 0))


def set_coverage(answers: PersonAnswers, cohort: Cohort, weights: Floats) -> MeasureFigures | None:
    """Share of people whose set of stages holds their stage, and the mean size of the sets.

    Returns:
        None where there are no sets, or fewer than five people have a stage.
    """
    rows = np.flatnonzero(cohort.labels >= 0)
    if answers.stage_set is None or len(rows) < MIN_PEOPLE:
        return None
    sets, counts = answers.stage_set[rows], weights[:, rows]
    held = sets[np.arange(len(rows)), cohort.labels[rows]]
    figures = {"coverage_of_sets": held.astype(np.float64), "size_of_sets": sets.sum(axis=1).astype(np.float64)}
    return MeasureFigures(
        len(rows),
        len(rows),
        {name: with_interval(ratio(counts @ values, counts.sum(axis=1))) for name, values in figures.items()},
    )
