"""Recovery of who is who: images against OASIS-1's table, with the order of the people as the only start.

Within each class the archive's subjects follow the order of OASIS-1's identifiers (with exceptions; see
`alzedge.data.people.ordering`). Ridge regressions estimate nWBV, age, eTIV and sex from the images; how
well a subject's estimates fit a person gives the likelihood, the order the prior, and the posterior the
next regressions' targets: expectation-maximisation that starts from the order alone. Regressions
are cross-fitted by person, so that nobody's estimates rest on his own target.

A search that teaches itself grows surer than it should. It is therefore repeated with random weights on the
people (weighted likelihood bootstrap; Newton and Raftery 1994, J R Stat Soc B 56:3), each time from the
start, and the posterior is the mean over searches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from alzedge.data.people.candidates import COVARIATES, Candidates, Classes, candidates_of
from alzedge.data.people.likelihood import expected_covariates, log_likelihoods
from alzedge.data.people.ordering import OrderPosterior, OrderPrior, order_posterior
from alzedge.data.people.regression import cross_fitted
from alzedge.data.people.table import Person

Floats = NDArray[np.float64]
KNOWN_FROM = 0.9
SEARCHES = 6
_STILL = 1e-3


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
        """True when the person is sure enough to be used; others are treated as unknown."""
        return self.posterior >= KNOWN_FROM


@dataclass(frozen=True, eq=False)
class Recovery:
    """The people of an archive.

    Attributes:
        matches: in the order of the subjects given.
        estimates: float64 (P, 4), the last cross-fitted estimates of `COVARIATES`, in the table's units.
        rounds: of the first search.
        settled: whether the first search stood still.
    """

    matches: tuple[Match, ...]
    estimates: Floats
    rounds: int
    settled: bool


@dataclass(frozen=True, eq=False)
class _Search:
    """Posteriors of each class, standardised estimates (P, 4), rounds, and whether it stood still."""

    posteriors: list[OrderPosterior]
    estimates: Floats
    rounds: int
    settled: bool


def recover_people(
    subjects: Sequence[str],
    labels: NDArray[np.int64],
    features: Floats,
    people: Sequence[Person],
    report: Callable[[int, int, float], None] = lambda _search, _round, _change: None,
    searches: int = SEARCHES,
    rounds: int = 25,
) -> Recovery:
    """Find out which person of OASIS-1's table each subject is.

    Args:
        subjects: P names; within a class in the archive's order.
        labels: int64 (P,), classes 0..3 of CDR 0, 0.5, 1 and 2.
        features: float64 (P, D); see `alzedge.data.people.features.person_features`.
        people: OASIS-1's; those with a CDR and complete covariates are candidates.
        report: is told the number of the search, of the round, and the largest change of a probability in it.
        searches: the first with equal weights, the others with random ones (always the same).
        rounds: after so many a search ends, settled or not.

    Raises:
        UserError: a class has more subjects than the table has people of its CDR.
    """
    from threadpoolctl import threadpool_limits

    classes = candidates_of(labels, people)
    random = np.random.default_rng(0)
    made = []
    for number in range(searches):
        weights = random.exponential(size=len(subjects)) if number else np.ones(len(subjects))
        # Thousands of small products: more threads would wait for one another, and round differently.
        with threadpool_limits(1):
            made.append(_search(classes, features, weights, rounds, partial(report, number + 1)))
    matches: dict[int, Match] = {}
    for k, part in enumerate(classes.candidates):
        pairs = np.mean([search.posteriors[k].pairs for search in made], axis=0)
        outside = np.mean([search.posteriors[k].outside for search in made], axis=0)
        matches |= _matches(part, pairs, outside, subjects)
    return Recovery(
        matches=tuple(matches[row] for row in range(len(subjects))),
        estimates=made[0].estimates * classes.deviation + classes.mean,
        rounds=made[0].rounds,
        settled=made[0].settled,
    )


def _search(
    classes: Classes, features: Floats, weights: Floats, rounds: int, report: Callable[[int, float], None]
) -> _Search:
    """Expectation-maximisation from the order alone, with people weighing `weights` (P,) in the regressions."""
    parts = classes.candidates
    priors = [OrderPrior.for_counts(len(part.rows), len(part.people)) for part in parts]
    blank = [np.zeros((len(part.rows), len(part.people))) for part in parts]
    found = [order_posterior(*pair) for pair in zip(blank, priors, strict=True)]
    estimates = np.zeros((len(features), len(COVARIATES)))
    change, done = np.inf, 0
    while change > _STILL and done < rounds:
        done += 1
        pairs = [posterior.pairs for posterior in found]
        targets, sure = expected_covariates(parts, pairs, len(features))
        estimates = cross_fitted(features, targets, sure * weights)
        likelihoods = log_likelihoods(parts, pairs, estimates)
        used = [posterior.used for posterior in found]
        found = [order_posterior(*triple) for triple in zip(likelihoods, priors, used, strict=True)]
        priors = [prior.updated(posterior) for prior, posterior in zip(priors, found, strict=True)]
        change = max(float(np.abs(a - b.pairs).max()) for a, b in zip(pairs, found, strict=True))
        report(done, change)
    return _Search(found, estimates, done, change <= _STILL)


def _matches(part: Candidates, pairs: Floats, outside: Floats, subjects: Sequence[str]) -> dict[int, Match]:
    """The assignment with the most subjects expected right, each person once."""
    from scipy.optimize import linear_sum_assignment

    found = {}
    for subject, person in zip(*linear_sum_assignment(-pairs), strict=True):
        others = pairs[subject].copy()
        others[person] = -1
        second = int(others.argmax()) if len(others) > 1 else None
        row = int(part.rows[subject])
        found[row] = Match(
            subject=subjects[row],
            person=part.people[person],
            posterior=min(float(pairs[subject, person]), 1.0),
            runner_up=None if second is None else part.people[second],
            runner_up_posterior=0.0 if second is None else float(others[second]),
            outside=float(outside[subject]),
        )
    return found
