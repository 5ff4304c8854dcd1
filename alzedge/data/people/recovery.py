"""Recovery of who is who: images against OASIS-1's table, with the order of the people as the only start.

Within each class the archive's subjects follow the order of OASIS-1's identifiers (with exceptions; see
`alzedge.data.people.ordering`). Ridge regressions estimate nWBV, age, eTIV and sex from the images; how
well a subject's estimates fit a person gives the likelihood, the order the prior, and the posterior the
next regressions' targets: expectation-maximisation that starts from the order alone. Regressions
are cross-fitted by person, so that nobody's estimates rest on his own target.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.people.ordering import OrderPosterior, OrderPrior, order_posterior
from alzedge.data.people.regression import cross_fitted
from alzedge.data.people.table import Person
from alzedge.errors import UserError

Floats = NDArray[np.float64]
COVARIATES = ("nWBV", "age", "eTIV", "sex")
KNOWN_FROM = 0.9
CDR_OF_CLASS = (0.0, 0.5, 1.0, 2.0)

_STILL = 1e-5
# A subject of whom nothing is known still weighs a little, so that the first regression has rows.
_LEAST_WEIGHT = 0.02
# One subject in twenty may be three times as far off.
_OUTLIERS, _WIDER = 0.05, 3.0
_PAIRS_FROM = 1e-4


@dataclass(frozen=True)
class Match:
    """One subject of the archive and who it is.

    Attributes:
        subject: the archive's name for the subject.
        person: the likeliest, each person given to one subject only.
        posterior: probability of that.
        runner_up, runner_up_posterior: the likeliest other person; None in a class of one person.
        outside: probability that the subject stands outside its class's order.
    """

    subject: str
    person: Person
    posterior: float
    runner_up: Person | None
    runner_up_posterior: float
    outside: float

    @property
    def known(self) -> bool:
        """Whether the person is sure enough to be used; others are treated as unknown."""
        return self.posterior >= KNOWN_FROM


@dataclass(frozen=True, eq=False)
class Recovery:
    """The people of an archive.

    Attributes:
        matches: in the order of the subjects given.
        estimates: float64 (P, 4), the last cross-fitted estimates of `COVARIATES`, in the table's units.
        rounds: of the search.
        settled: whether it stood still.
    """

    matches: tuple[Match, ...]
    estimates: Floats
    rounds: int
    settled: bool


@dataclass(frozen=True, eq=False)
class _Class:
    """Subjects and people of one class in their orders: row numbers, people, standardised covariates (m, 4)."""

    rows: NDArray[np.intp]
    people: tuple[Person, ...]
    covariates: Floats


def recover_people(
    subjects: Sequence[str],
    labels: NDArray[np.int64],
    features: Floats,
    people: Sequence[Person],
    report: Callable[[int, float], None] = lambda _round, _change: None,
    rounds: int = 60,
) -> Recovery:
    """Find out which person of OASIS-1's table each subject is.

    Args:
        subjects: P names; within a class in the archive's order.
        labels: int64 (P,), classes 0..3 of CDR 0, 0.5, 1 and 2.
        features: float64 (P, D); see `alzedge.data.people.features.person_features`.
        people: OASIS-1's; those with a CDR and complete covariates are candidates.
        report: is told the number of each round and the largest change of a probability in it.
        rounds: after so many the search ends, settled or not.

    Raises:
        UserError: a class has more subjects than the table has people of its CDR.
    """
    classes, centre, scale = _classes(labels, people)
    priors = [OrderPrior.for_counts(len(part.rows), len(part.people)) for part in classes]
    found = [
        order_posterior(np.zeros((len(part.rows), len(part.people))), prior)
        for part, prior in zip(classes, priors, strict=True)
    ]
    change, done = np.inf, 0
    estimates = np.zeros((len(subjects), len(COVARIATES)))
    while change > _STILL and done < rounds:
        done += 1
        estimates = cross_fitted(features, *_targets(classes, found, len(subjects)))
        likelihoods = _log_likelihoods(classes, found, estimates)
        before, found = found, [order_posterior(*pair) for pair in zip(likelihoods, priors, strict=True)]
        priors = [prior.updated(posterior) for prior, posterior in zip(priors, found, strict=True)]
        change = max(float(np.abs(a.pairs - b.pairs).max()) for a, b in zip(before, found, strict=True))
        report(done, change)
    matches: dict[int, Match] = {}
    for part, posterior in zip(classes, found, strict=True):
        matches |= _matches(part, posterior, subjects)
    return Recovery(
        matches=tuple(matches[row] for row in range(len(subjects))),
        estimates=estimates * scale + centre,
        rounds=done,
        settled=change <= _STILL,
    )


def covariates_of(person: Person) -> tuple[float, float, float, float] | None:
    """`COVARIATES` at the first scan, sex as 1 for M and 0 for F; None when one is missing."""
    scan = person.first
    if scan.nwbv is None or scan.etiv is None:
        return None
    return scan.nwbv, scan.age, scan.etiv, float(scan.sex == "M")


def _classes(labels: NDArray[np.int64], people: Sequence[Person]) -> tuple[list[_Class], Floats, Floats]:
    """The classes that have subjects, and mean and standard deviation of the candidates' covariates."""
    candidates = sorted((p for p in people if p.first.cdr is not None), key=lambda p: p.oasis_id)
    known = [(person, values) for person in candidates if (values := covariates_of(person)) is not None]
    every = np.array([values for _, values in known]).reshape(-1, len(COVARIATES))
    if len(every) < 2:
        raise UserError("the table of people has nobody with a CDR, nWBV and eTIV; use OASIS-1's complete table.")
    centre, scale = every.mean(axis=0), np.maximum(every.std(axis=0), 1e-9)
    classes = []
    for label in np.unique(labels):
        of_class = [pair for pair in known if pair[0].first.cdr == CDR_OF_CLASS[label]]
        rows = np.flatnonzero(labels == label)
        if len(of_class) < len(rows):
            raise UserError(
                f"the table has {len(of_class)} people of CDR {CDR_OF_CLASS[label]:g} and the archive {len(rows)} "
                "subjects of that class; use OASIS-1's complete table and the Kaggle archive."
            )
        values = (np.array([pair[1] for pair in of_class]) - centre) / scale
        classes.append(_Class(rows, tuple(pair[0] for pair in of_class), values))
    return classes, centre, scale


def _targets(classes: list[_Class], found: list[OrderPosterior], subjects: int) -> tuple[Floats, Floats]:
    """Expected covariates (P, 4) of each subject, and how sure they are (P,)."""
    targets, weights = np.empty((subjects, len(COVARIATES))), np.empty(subjects)
    for part, posterior in zip(classes, found, strict=True):
        targets[part.rows] = posterior.pairs @ part.covariates
        weights[part.rows] = (posterior.pairs**2).sum(axis=1)
    return targets, weights + _LEAST_WEIGHT


def _log_likelihoods(classes: list[_Class], found: list[OrderPosterior], estimates: Floats) -> list[Floats]:
    """Log density of each subject's estimates given each person's covariates.

    The estimates are normal around a linear function of the true values (they shrink towards the mean),
    fitted over all pairs by their probability, with a wider normal for outliers.
    """
    true, seen, weight = [], [], []
    for part, posterior in zip(classes, found, strict=True):
        subject, person = np.nonzero(posterior.pairs > _PAIRS_FROM)
        sure = (posterior.pairs**2).sum(axis=1)
        true.append(part.covariates[person])
        seen.append(estimates[part.rows][subject])
        weight.append(posterior.pairs[subject, person] * sure[subject])
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


def _matches(part: _Class, posterior: OrderPosterior, subjects: Sequence[str]) -> dict[int, Match]:
    """The assignment with the most subjects expected right, each person once."""
    from scipy.optimize import linear_sum_assignment

    pairs = np.minimum(posterior.pairs, 1)
    found = {}
    for subject, person in zip(*linear_sum_assignment(-pairs), strict=True):
        others = pairs[subject].copy()
        others[person] = -1
        second = int(others.argmax()) if len(others) > 1 else None
        row = int(part.rows[subject])
        found[row] = Match(
            subject=subjects[row],
            person=part.people[person],
            posterior=float(pairs[subject, person]),
            runner_up=None if second is None else part.people[second],
            runner_up_posterior=0.0 if second is None else float(others[second]),
            outside=float(posterior.outside[subject]),
        )
    return found
