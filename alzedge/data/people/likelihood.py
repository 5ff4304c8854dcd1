"""Likelihood of being somebody: how well estimates from images fit a person's covariates."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alzedge.data.people.candidates import COVARIATES, Candidates

Floats = NDArray[np.float64]

# A subject of whom nothing is known still weighs a little, so that the first regression has rows.
_LEAST_WEIGHT = 0.02
# One subject in twenty may be three times as far off.
_OUTLIERS, _WIDER = 0.05, 3.0
_PAIRS_FROM = 1e-4


def expected_covariates(classes: Sequence[Candidates], found: Sequence[Floats], subjects: int) -> tuple[Floats, Floats]:
    """Expected covariates (P, 4) of each subject, and how sure they are (P,)."""
    targets, weights = np.empty((subjects, len(COVARIATES))), np.empty(subjects)
    for part, pairs in zip(classes, found, strict=True):
        targets[part.rows] = pairs @ part.covariates
        weights[part.rows] = (pairs**2).sum(axis=1)
    return targets, weights + _LEAST_WEIGHT


def log_likelihoods(classes: Sequence[Candidates], found: Sequence[Floats], estimates: Floats) -> list[Floats]:
    """Log density of each subject's estimates given each person's covariates.

    The estimates are normal around a linear function of the true values (they shrink towards the mean),
    fitted over all pairs by their probability, with a wider normal for outliers.
    """
    true, seen, weight = [], [], []
    for part, pairs in zip(classes, found, strict=True):
        subject, person = np.nonzero(pairs > _PAIRS_FROM)
        sure = (pairs**2).sum(axis=1)
        true.append(part.covariates[person])
        seen.append(estimates[part.rows][subject])
        weight.append(pairs[subject, person] * sure[subject])
    given = _with_one(np.concatenate(true))
    root = np.sqrt(np.concatenate(weight))[:, None]
    slope = np.linalg.lstsq(given * root, np.concatenate(seen) * root, rcond=None)[0]  # (5, 4)
    rest = (np.concatenate(seen) - given @ slope) * root
    precision = np.linalg.inv(rest.T @ rest / (root**2).sum() + 1e-3 * np.eye(len(COVARIATES)))
    return [_log_density(estimates[part.rows], _with_one(part.covariates) @ slope, precision) for part in classes]


def _log_density(seen: Floats, expected: Floats, precision: Floats) -> Floats:
    """Log density (n, m) of the rows seen (n, 4) around those expected (m, 4), but for a constant."""
    away = seen[:, None] - expected[None]
    squared = np.einsum("ikd,de,ike->ik", away, precision, away)
    far = np.log(_OUTLIERS) - len(COVARIATES) * np.log(_WIDER) - squared / (2 * _WIDER**2)
    return np.asarray(np.logaddexp(np.log(1 - _OUTLIERS) - squared / 2, far))


def _with_one(columns: Floats) -> Floats:
    return np.concatenate([np.ones((len(columns), 1)), columns], axis=1)
