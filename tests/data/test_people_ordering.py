"""Posterior of an order against counting all orders, and the exceptions it must find."""

import itertools

import numpy as np
import pytest

from alzedge.data.people.ordering import OrderPrior, order_posterior


def counted(log_likelihood: np.ndarray, prior: OrderPrior) -> np.ndarray:
    """Posterior of pairs by listing every choice of people and every set of exchanged neighbours."""
    n, m = log_likelihood.shape
    pairs, total = np.zeros((n, m)), 0.0
    for chosen in itertools.combinations(range(m), n):
        gaps = np.diff([-1, *chosen, m]) - 1
        in_gaps = np.where(gaps > 0, prior.gap * (1 - prior.extend) * prior.extend ** (gaps - 1), 1 - prior.gap).prod()
        for exchanged in _exchanges(n):
            who = list(chosen)
            for i in exchanged:
                who[i], who[i + 1] = who[i + 1], who[i]
            straight = n - 2 * len(exchanged)
            weight = in_gaps * prior.exchange ** len(exchanged) * (1 - prior.outside - prior.exchange) ** straight
            weight *= np.exp(log_likelihood[range(n), who].sum())
            pairs[range(n), who] += weight
            total += weight
    return pairs / total


def _exchanges(n: int) -> list[tuple[int, ...]]:
    """Sets of disjoint neighbouring pairs, named by their first subject."""
    sets = (s for size in range(n // 2 + 1) for s in itertools.combinations(range(n - 1), size))
    return [s for s in sets if all(b - a > 1 for a, b in itertools.pairwise(s))]


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 3), (2, 2), (3, 5), (4, 4), (4, 7)])
def test_agrees_with_counting_all_orders(n: int, m: int) -> None:
    random = np.random.default_rng(n * 10 + m)
    log_likelihood = random.normal(0, 1.5, (n, m))
    prior = OrderPrior(gap=0.3, extend=0.4, outside=1e-13, exchange=0.05)
    found = order_posterior(log_likelihood, prior)
    np.testing.assert_allclose(found.pairs, counted(log_likelihood, prior), atol=1e-9)


def test_rows_are_probabilities_with_people_outside_the_order() -> None:
    log_likelihood = np.random.default_rng(0).normal(0, 3, (12, 17))
    found = order_posterior(log_likelihood, OrderPrior(0.3, 0.4, outside=0.1, exchange=0.05))
    np.testing.assert_allclose(found.pairs.sum(axis=1), 1, atol=1e-9)
    assert found.outside.min() > 0
    assert found.skipped == pytest.approx(17 - (12 - found.outside.sum()), abs=1e-6)


def evidence_for(who: list[int], m: int, strength: float, seed: int = 0) -> np.ndarray:
    """Noisy log likelihoods (n, m) that speak for the people of `who`."""
    random = np.random.default_rng(seed)
    found = random.normal(0, 1, (len(who), m))
    found[range(len(who)), who] += strength
    return found


def solved(who: list[int], m: int, strength: float = 6) -> tuple[np.ndarray, np.ndarray]:
    found = order_posterior(evidence_for(who, m, strength), OrderPrior.for_counts(len(who), m))
    return found.pairs.argmax(axis=1), found.outside


def test_finds_gaps() -> None:
    who = [0, 1, 5, 6, 7, 12, 13, 14, 15, 19]
    answer, outside = solved(who, 22)
    assert answer.tolist() == who
    assert outside.max() < 0.5


def test_finds_somebody_out_of_order() -> None:
    who = [*range(10), *range(11, 30), 10]
    answer, outside = solved(who, 30)
    assert answer.tolist() == who
    assert outside.argmax() == 29 and outside[29] > 0.9


def test_finds_exchanged_neighbours() -> None:
    who = list(range(0, 40, 2))
    who[7], who[8] = who[8], who[7]
    answer, _ = solved(who, 40)
    assert answer.tolist() == who


def test_the_order_says_nothing_without_need() -> None:
    """As many people as subjects and no evidence: the order decides; more people: it must not pretend to."""
    certain = order_posterior(np.zeros((20, 20)), OrderPrior.for_counts(20, 20))
    assert (certain.pairs.argmax(axis=1) == np.arange(20)).all() and np.diag(certain.pairs).min() > 0.5
    open_ = order_posterior(np.zeros((20, 30)), OrderPrior.for_counts(20, 30))
    assert open_.pairs[5:15].max() < 0.5


def test_far_likelihoods_do_not_overflow() -> None:
    who = list(range(3, 60))
    found = order_posterior(evidence_for(who, 70, 0) - 2000 + 1500 * np.eye(57, 70, 3), OrderPrior.for_counts(57, 70))
    assert np.isfinite(found.pairs).all() and found.pairs.argmax(axis=1).tolist() == who


def test_too_few_people() -> None:
    with pytest.raises(ValueError, match="at least as many"):
        order_posterior(np.zeros((3, 2)), OrderPrior(0.1, 0.5))
