"""Fit a regression and a discriminant over groups of levels, before their calibration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.export.calibration.moments import shrunk_covariance, weighted_mean
from alzedge.export.calibration.slice_answers import Scans
from alzedge.inference.measures.discriminant import Discriminant
from alzedge.inference.measures.entry import Floats
from alzedge.inference.measures.readings import group_means
from alzedge.inference.measures.regression import Regression
from alzedge.inference.measures.stage_sets import CLASSES

# Scans with a truth in a group of levels that a regression needs, and of each class that a discriminant needs.
LEAST_SCANS, LEAST_OF_CLASS = 8, 4
# Chosen on cross-fitted people of OASIS-1; the figures hardly move between half and twice of it.
_SHRINK_REGRESSION, _SHRINK_DISCRIMINANT = 0.3, 0.2
# Until it is calibrated: 90 % of a normal distribution, the likelihood ratio itself, and every stage.
_NORMAL_90 = (1.645, 1.645)
_EVERY_STAGE = np.ones((2, CLASSES))


@dataclass(frozen=True, eq=False)
class GroupedScans:
    """Outputs of S scans averaged within G groups of levels.

    Attributes:
        means: float64 (S, G, F), NaN where a scan has no slice in a group.
        count: float64 (S, G), slices.
        within: float64 (G, F), variance of a slice around its scan's mean in the group.
        usual: float64 (G,), harmonic mean of the slices in a group over the scans that have any.
    """

    means: Floats
    count: Floats
    within: Floats
    usual: Floats


def group_scans(values: Floats, group: NDArray[np.intp], groups: tuple[int, ...], scans: Scans) -> GroupedScans:
    """Average each scan's slices within groups of levels.

    Args:
        values: float64 (N, F), of the slices.
        group: int (N,), of the slices.
        groups: G groups.
        scans: of the same slices.
    """
    means, count = map(np.stack, zip(*(group_means(values[i], group[i], groups) for i in scans.slices), strict=True))
    squares = np.stack([group_means(values[i] ** 2, group[i], groups)[0] for i in scans.slices])
    spread = np.where(count[..., np.newaxis] > 1, (squares - means**2).clip(0) * count[..., np.newaxis], 0)
    freedom = scans.weight @ (count - 1).clip(0)
    within = np.tensordot(scans.weight, spread, 1) / np.maximum(freedom, 1e-12)[:, np.newaxis]
    seen = count > 0
    usual = seen.sum(axis=0) / np.maximum(np.where(seen, 1 / np.maximum(count, 1), 0).sum(axis=0), 1e-12)
    return GroupedScans(np.where(seen[..., np.newaxis], means, np.nan), count, within, np.maximum(usual, 1))


def fit_regression(grouped: GroupedScans, truth: Floats, weight: Floats) -> Regression | None:
    """Fit offsets, gains and errors of one output, F = 1, against the truth.

    Args:
        grouped: outputs of S scans.
        truth: float64 (S,), NaN where unknown.
        weight: float64 (S,).

    Returns:
        None where a group has fewer than `LEAST_SCANS` scans with a truth, or the truth is one value.
    """
    rows = np.isfinite(truth)
    outputs, truth, weight = grouped.means[rows, :, 0], truth[rows], weight[rows]
    seen = np.isfinite(outputs)
    if not len(truth) or seen.sum(axis=0).min() < LEAST_SCANS or np.ptp(truth) == 0:
        return None
    mean = float(np.average(truth, weights=weight))
    variance = float(np.average((truth - mean) ** 2, weights=weight))
    # The least-squares line of each group, over the scans that have it.
    told = np.where(seen, truth[:, np.newaxis], np.nan)
    centre, centre_of_outputs = weighted_mean(told, weight), weighted_mean(outputs, weight)
    offset = told - centre
    power = weighted_mean(offset**2, weight)
    if power.min() <= 0:
        return None
    slope = weighted_mean(offset * (outputs - centre_of_outputs), weight) / power
    intercept = centre_of_outputs - slope * centre
    errors = outputs - intercept - slope * truth[:, np.newaxis]
    covariance = shrunk_covariance(errors, weight, _SHRINK_REGRESSION, common=True)
    return Regression(intercept, slope, covariance, grouped.within[:, 0], mean, variance, _NORMAL_90)


def fit_discriminant(
    grouped: GroupedScans, ill: NDArray[np.bool_], known: NDArray[np.bool_], weight: Floats
) -> Discriminant | None:
    """Fit the means of people with and without any dementia, and their common covariance.

    Args:
        grouped: features of S scans; see `Readings.evidence`.
        ill: bool (S,), any dementia.
        known: bool (S,), where it is known.
        weight: float64 (S,).

    Returns:
        None where a group has fewer than `LEAST_OF_CLASS` scans of either class.
    """
    groups, features = grouped.means.shape[1:]
    flat = grouped.means.reshape(len(ill), -1)
    classes = [(known & ~ill, flat[known & ~ill]), (known & ill, flat[known & ill])]
    if any(not len(own) or np.isfinite(own).sum(axis=0).min() < LEAST_OF_CLASS for _, own in classes):
        return None
    without, with_ = (weighted_mean(own, weight[rows]) for rows, own in classes)
    errors = flat - np.where(ill[:, np.newaxis], with_, without)
    covariance = shrunk_covariance(errors[known], weight[known], _SHRINK_DISCRIMINANT, common=False)
    shape = (groups, features)
    return Discriminant(
        without.reshape(shape), with_.reshape(shape), covariance, grouped.within, 1.0, 0.0, np.zeros(2), _EVERY_STAGE
    )
