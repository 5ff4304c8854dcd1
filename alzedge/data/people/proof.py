"""Evidence for a recovered order that a user makes on his own copy: estimates from images against the table.

If subjects are the people they are said to be, regressions trained on other subjects estimate their
brain volume, age, head size and sex from their images. Two comparisons say how much of that would come by
itself: the same people shuffled within their classes, and the whole search repeated on tables
whose covariates were shuffled within each class, so that it may choose the best order of a wrong table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alzedge.data.people.candidates import COVARIATES, covariates_of
from alzedge.data.people.recovery import Recovery, recover_people
from alzedge.data.people.regression import cross_fitted
from alzedge.data.people.table import Person

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CovariateProof:
    """Correlations between a covariate's cross-fitted estimates and the table.

    Attributes:
        covariate: one of `COVARIATES`.
        found: under the recovered order.
        shuffled, shuffled_highest: mean and highest over people shuffled within their classes.
        searched, searched_highest: mean and highest over searches on shuffled tables; NaN when none was made.
    """

    covariate: str
    found: float
    shuffled: float
    shuffled_highest: float
    searched: float
    searched_highest: float


@dataclass(frozen=True, eq=False)
class Proof:
    """Evidence for one recovery.

    Attributes:
        covariates: one of each of `COVARIATES`.
        estimates, table: float64 (P, 4), the cross-fitted estimates under the recovered order, and the table's values.
        shuffled_estimates, shuffled_table: the same under the first shuffled order, for a picture.
    """

    covariates: tuple[CovariateProof, ...]
    estimates: Floats
    table: Floats
    shuffled_estimates: Floats
    shuffled_table: Floats


def prove_order(
    recovery: Recovery,
    labels: NDArray[np.int64],
    features: Floats,
    people: Sequence[Person],
    shuffles: int = 100,
    searches: int = 3,
    seed: int = 0,
    report: Callable[[int], None] = lambda _done: None,
) -> Proof:
    """Compare the recovered order with shuffled ones.

    Args:
        recovery, labels, features, people: as given to and by `recover_people`.
        shuffles: number of shuffled orders, at least 1.
        searches: number of searches on shuffled tables; some seconds each.
        seed: of the shuffles.
        report: is told the number of searches done.
    """
    random = np.random.default_rng(seed)
    table = np.array([covariates_of(match.person) for match in recovery.matches])
    orders = [_shuffled_within(labels, random) for _ in range(shuffles)]
    # All orders at once: the regressions share their decompositions.
    targets = np.concatenate([table, *(table[order] for order in orders)], axis=1)
    estimates = cross_fitted(features, targets)
    correlations = _correlations(estimates, targets).reshape(-1, len(COVARIATES))
    searched = []
    for number in range(searches):
        wrong = _shuffled_table(people, random)
        names = [match.subject for match in recovery.matches]
        again = recover_people(names, labels, features, wrong, searches=1)
        chosen = np.array([covariates_of(match.person) for match in again.matches])
        searched.append(_correlations(cross_fitted(features, chosen), chosen))
        report(number + 1)
    by_search = np.array(searched) if searched else np.full((1, len(COVARIATES)), np.nan)
    width = len(COVARIATES)
    return Proof(
        covariates=tuple(
            CovariateProof(
                name,
                float(correlations[0, k]),
                float(correlations[1:, k].mean()),
                float(correlations[1:, k].max()),
                float(by_search[:, k].mean()),
                float(by_search[:, k].max()),
            )
            for k, name in enumerate(COVARIATES)
        ),
        estimates=estimates[:, :width],
        table=table,
        shuffled_estimates=estimates[:, width : 2 * width],
        shuffled_table=targets[:, width : 2 * width],
    )


def _shuffled_within(labels: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.intp]:
    order = np.arange(len(labels))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        order[rows] = random.permutation(rows)
    return order


def _shuffled_table(people: Sequence[Person], random: np.random.Generator) -> list[Person]:
    """The same people, whose first scans were dealt anew among those of one CDR."""
    cdr = np.array([-1.0 if person.first.cdr is None else person.first.cdr for person in people])
    order = _shuffled_within(np.unique(cdr, return_inverse=True)[1], random)
    return [replace(person, sessions=people[other].sessions) for person, other in zip(people, order, strict=True)]


def _correlations(estimates: Floats, targets: Floats) -> Floats:
    """Pearson correlation of each column; 0 where one does not vary."""
    a, b = estimates - estimates.mean(axis=0), targets - targets.mean(axis=0)
    norm = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    result: Floats = (a * b).sum(axis=0) / np.where(norm > 0, norm, np.inf)
    return result
