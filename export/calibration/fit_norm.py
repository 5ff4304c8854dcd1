"""Fit the normative curve of the brain volume to people without dementia."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from alzedge.data.dataset import UNKNOWN_STAGE
from alzedge.data.people.table import Person
from alzedge.inference.measures.entry import Floats
from alzedge.inference.measures.norm import SEXES, NormativeCurve, unit_age
from alzedge.stages import CDR

# Nobody of OASIS-1 with dementia is younger, and it examined hardly anybody younger: they count as healthy unexamined.
HEALTHY_BELOW = 60.0
_LEAST_PEOPLE = 30
_LEAST_YEARS = 10.0
_CUBIC_FROM = 40.0  # years that the people span; over fewer a line must do


def fit_norm(nwbv: Floats, age: Floats, sex: NDArray[np.str_], stage: NDArray[np.int64]) -> NormativeCurve | None:
    """Fit mean and spread over age by maximum likelihood.

    People without dementia are those examined without finding any, and those never examined who are under 60.

    Args:
        nwbv, age: float64 (P,), one a person; NaN where unknown.
        sex: str (P,), 'F', 'M' or ''.
        stage: int64 (P,), index into `STAGES` or `UNKNOWN_STAGE`.

    Returns:
        None where they are fewer than 30, or span less than ten years.
    """
    healthy = (stage == 0) | ((stage == UNKNOWN_STAGE) & (age < HEALTHY_BELOW))
    rows = healthy & np.isfinite(nwbv) & np.isfinite(age)
    if rows.sum() < _LEAST_PEOPLE or np.ptp(age[rows]) < _LEAST_YEARS or np.ptp(nwbv[rows]) == 0:
        return None
    volume, years, sex = nwbv[rows], age[rows], sex[rows]
    powers = unit_age(years)[:, np.newaxis] ** np.arange(4 if np.ptp(years) >= _CUBIC_FROM else 2)
    offset = (sex == SEXES[1]).astype(np.float64)
    offset = np.where(sex == "", offset[sex != ""].mean() if (sex != "").any() else 0, offset)
    offset -= offset.mean()
    design = np.column_stack([powers, offset])
    coefficients, log_deviation = _maximum_likelihood(design, powers[:, :2], volume)
    male = float(coefficients[-1])
    share = float((sex == SEXES[1]).mean() / max((sex != "").mean(), 1e-12))
    return NormativeCurve(
        ages=(float(years.min()), float(years.max())),
        people=int(rows.sum()),
        mean=coefficients[:-1],
        log_deviation=log_deviation,
        offsets=(-share * male, (1 - share) * male),
    )


def fit_norm_to_table(people: tuple[Person, ...]) -> NormativeCurve | None:
    """Fit the normative curve to OASIS-1's table, by each person's first session; see `fit_norm`."""
    first = [person.first for person in people]
    stages = [UNKNOWN_STAGE if one.cdr is None else sum(one.cdr >= cdr for cdr in CDR) - 1 for one in first]
    return fit_norm(
        np.array([np.nan if one.nwbv is None else one.nwbv for one in first]),
        np.array([one.age for one in first], np.float64),
        np.array([one.sex for one in first]),
        np.array(stages, np.int64),
    )


def _maximum_likelihood(design: Floats, spread: Floats, volume: Floats) -> tuple[Floats, Floats]:
    """Coefficients of the mean, and of the standard deviation's logarithm."""
    start = np.linalg.lstsq(design, volume, rcond=None)[0]
    scale = np.log(np.std(volume - design @ start))
    width = design.shape[1]

    def cost(parameters: Floats) -> float:
        logarithm = spread @ parameters[width:]
        return float(np.sum(logarithm + ((volume - design @ parameters[:width]) / np.exp(logarithm)) ** 2 / 2))

    found = minimize(cost, [*start, scale, *np.zeros(spread.shape[1] - 1)], method="BFGS").x
    return found[:width], found[width:]
