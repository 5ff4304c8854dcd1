"""Matching of a class's subjects with people who stand in the same order, with gaps and exceptions.

A hidden Markov model over the subjects 1..n: the state is the last person met in order, 0..m. From one
subject to the next nobody is skipped, or a run of people whose length is geometric (affine gap costs,
Gotoh 1982, J Mol Biol 162:705). Two exceptions are allowed for, each at a small price: two neighbours
have changed places, or a subject stands outside the order and is somebody who was skipped. Forward and
backward passes (Rabiner 1989, Proc IEEE 77:257) give the posterior of every pair.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Rounds in which "who was skipped" and "who stands outside the order" adapt to one another.
_ROUNDS, _STILL = 12, 1e-3
_SKIPPED_AT_LEAST = 1e-3


@dataclass(frozen=True)
class OrderPrior:
    """Prior over orders.

    Attributes:
        gap: probability that people are skipped before a subject.
        extend: probability that one more is skipped once somebody is.
        outside: probability that a subject stands outside the order.
        exchange: probability that a subject has changed places with the next.
    """

    gap: float
    extend: float
    outside: float = 0.01
    exchange: float = 0.01

    @classmethod
    def for_counts(cls, subjects: int, people: int) -> "OrderPrior":
        """Expect as many people skipped as there are more of them than subjects, in runs of two."""
        runs = (people - subjects + 0.5) / 2
        return cls(gap=min(0.5, runs / subjects), extend=0.5)

    def updated(self, posterior: "OrderPosterior") -> "OrderPrior":
        """Gap probabilities as the posterior has them, steadied by half a gap (one step of Baum-Welch)."""
        gap = (posterior.gaps + 0.5) / (posterior.steps + 1)
        extend = 1 - (posterior.gaps + 0.5) / (posterior.skipped + 1)
        return OrderPrior(float(np.clip(gap, 1e-3, 0.9)), float(np.clip(extend, 0.1, 0.9)), self.outside, self.exchange)


@dataclass(frozen=True, eq=False)
class OrderPosterior:
    """Posterior of a class.

    Attributes:
        pairs: float64 (n, m), probability that subject i is person k; rows add up to 1.
        outside: float64 (n,), probability that the subject stands outside the order.
        used: float64 (m,), probability that the person stands in order.
        gaps, steps, skipped: expected number of gaps, of steps from person to person, of people skipped.
    """

    pairs: Floats
    outside: Floats
    used: Floats
    gaps: float
    steps: float
    skipped: float


def order_posterior(log_likelihood: Floats, prior: OrderPrior, used: Floats | None = None) -> OrderPosterior:
    """Posterior of all pairs by forward and backward passes.

    Args:
        log_likelihood: float64 (n, m), of subject i being person k, both in their orders.
        prior: see `OrderPrior`.
        used: float64 (m,), a first guess of how likely each person stands in order; an earlier posterior's saves rounds.

    Raises:
        ValueError: more subjects than people.
    """
    subjects, people = log_likelihood.shape
    if subjects > people:
        raise ValueError(f"expected at least as many people as subjects, got {people} for {subjects}")
    used = np.full(people, subjects / people) if used is None else used
    for _ in range(_ROUNDS):
        # Whoever stands outside the order is among those whom the others leave out.
        skipped = np.maximum(1 - used, _SKIPPED_AT_LEAST)
        log_outside = log_likelihood + np.log(skipped / skipped.sum())
        posterior = _passes(log_likelihood, log_outside, prior)
        if np.abs(posterior.used - used).max() < _STILL:
            break
        used = (used + posterior.used) / 2
    return posterior


@dataclass(frozen=True, eq=False)
class _Model:
    """Log weights of a class: of being person k in order, at the exchange's first and second subject, and outside.

    Attributes:
        matched, early, late: float64 (n, m); `late` is the first of two exchanged subjects, on the later person.
        outside: float64 (n,).
        steps: float64 (m + 1, m), probability of the next person in order, from each state.
        ends: float64 (m + 1,), log probability that everybody after the state is skipped.
    """

    matched: Floats
    early: Floats
    late: Floats
    outside: Floats
    steps: Floats
    ends: Floats


def _model(log_likelihood: Floats, log_outside: Floats, prior: OrderPrior) -> _Model:
    people = log_likelihood.shape[1]
    skips = _gap_probabilities(people, prior)
    skipped = np.arange(people)[None] - np.arange(people + 1)[:, None]  # (state, person)
    return _Model(
        matched=log_likelihood + np.log(1 - prior.outside - prior.exchange),
        early=log_likelihood,
        late=log_likelihood + np.log(prior.exchange),
        outside=_log_sum(log_outside) + np.log(prior.outside),
        steps=np.where(skipped >= 0, skips[np.maximum(skipped, 0)], 0.0),
        ends=np.log(skips[people - np.arange(people + 1)]),
    )


def _forward(model: _Model) -> tuple[Floats, Floats, Floats]:
    """Log weight of all paths up to a state (n + 2, m + 1), to the person reached next, and through an exchange (n, m)."""
    subjects, people = model.matched.shape
    forward = np.full((subjects + 2, people + 1), -np.inf)
    forward[0, 0] = 0
    reach, exchanged = np.empty((subjects, people)), np.full((subjects, people), -np.inf)
    for i in range(subjects):
        reach[i] = _log_product(forward[i], model.steps)
        forward[i + 1] = np.logaddexp(forward[i + 1], forward[i] + model.outside[i])
        forward[i + 1, 1:] = np.logaddexp(forward[i + 1, 1:], reach[i] + model.matched[i])
        if i + 1 < subjects:  # subject i + 1 takes the earlier person, i a later one
            exchanged[i] = _log_product(reach[i] + model.early[i + 1], model.steps[1:]) + model.late[i]
            forward[i + 2, 1:] = np.logaddexp(forward[i + 2, 1:], exchanged[i])
    return forward, reach, exchanged


def _backward(model: _Model) -> tuple[Floats, Floats, Floats]:
    """Log weight of all paths on from a state (n + 2, m + 1), and from the person reached: in order, exchanged (n, m)."""
    subjects, people = model.matched.shape
    backward = np.full((subjects + 2, people + 1), -np.inf)
    backward[subjects] = model.ends
    straight, swapped = np.empty((subjects, people)), np.full((subjects, people), -np.inf)
    for i in reversed(range(subjects)):
        straight[i] = model.matched[i] + backward[i + 1, 1:]
        if i + 1 < subjects:
            swapped[i] = _log_product(model.late[i] + backward[i + 2, 1:], model.steps[1:].T) + model.early[i + 1]
        reached = _log_product(np.logaddexp(straight[i], swapped[i]), model.steps.T)
        backward[i] = np.logaddexp(reached, backward[i + 1] + model.outside[i])
    return backward, straight, swapped


def _passes(log_likelihood: Floats, log_outside: Floats, prior: OrderPrior) -> OrderPosterior:
    """The posterior when `log_outside` (n, m) is of standing outside the order and being person k."""
    subjects, people = log_likelihood.shape
    model = _model(log_likelihood, log_outside, prior)
    forward, reach, exchanged = _forward(model)
    backward, straight, swapped = _backward(model)
    evidence = backward[0, 0]
    in_order = np.exp(reach + straight - evidence) + np.exp(exchanged + backward[2:, 1:] - evidence)
    in_order[1:] += np.exp(reach[:-1] + swapped[:-1] - evidence)
    outside = np.exp(_log_sum(forward[:subjects] + backward[1 : subjects + 1]) + model.outside - evidence)
    share_outside = np.exp(log_outside - _log_sum(log_outside)[:, None])
    onwards = np.logaddexp(straight, swapped)
    adjacent = forward[:subjects, :-1] + np.log(1 - prior.gap) + onwards
    steps = float(np.exp(reach + onwards - evidence).sum())
    return OrderPosterior(
        pairs=in_order + outside[:, None] * share_outside,
        outside=outside,
        used=np.minimum(in_order.sum(axis=0), 1),
        gaps=max(steps - float(np.exp(adjacent - evidence).sum()), 0.0),
        steps=steps,
        skipped=max(people - float(in_order.sum()), 0.0),
    )


def _gap_probabilities(longest: int, prior: OrderPrior) -> Floats:
    """Probability that 0..longest people are skipped."""
    length = np.arange(1, longest + 1)
    probabilities: Floats = np.concatenate(
        [[1 - prior.gap], prior.gap * (1 - prior.extend) * prior.extend ** (length - 1)]
    )
    return probabilities


def _log_product(log_vector: Floats, matrix: Floats) -> Floats:
    """log(exp(vector) @ matrix), without underflow of the whole."""
    top = log_vector.max()
    if top == -np.inf:
        return np.full(matrix.shape[1], -np.inf)
    with np.errstate(divide="ignore"):
        product: Floats = np.log(np.exp(log_vector - top) @ matrix) + top
    return product


def _log_sum(rows: Floats) -> Floats:
    """Log of the sum of each row's exponentials."""
    top = rows.max(axis=1)
    total: Floats = np.log(np.exp(rows - top[:, None]).sum(axis=1)) + top
    return total
