"""Differences between experiments: paired bootstrap over people, and Holm's correction over the cells of a group."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.metrics.bootstrap import REPLICATES, Floats, with_interval
from alzedge.metrics.classification import make_levels
from alzedge.metrics.estimate import Estimate
from alzedge.metrics.scores import Resamples, resample

SEED = 0  # the resamples are the same for all experiments of a split
# By level, then by task and figure.
LevelResamples = dict[str, Resamples]


@dataclass(frozen=True)
class Difference:
    """A figure of one experiment minus that of its reference, on the same people.

    Attributes:
        estimate: with its 95 % interval, both resampled alike.
        p: two-sided, of the difference against its standard error over the resamples.
        p_holm: corrected over the experiments that were compared on this split (Holm 1979); None before that.
    """

    estimate: Estimate
    p: float
    p_holm: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As `experiments.json` holds it."""
        return {**self.estimate.rounded().to_json(), "p": self.p, "p_holm": self.p_holm}

    @staticmethod
    def from_json(content: dict[str, Any]) -> "Difference":
        """Read what `to_json` wrote."""
        return Difference(Estimate.from_json(content), content["p"], content["p_holm"])


def pooled_resamples(
    answers: Sequence[NDArray[np.float64]],
    labels: NDArray[np.int64],
    subject: NDArray[np.str_] | None,
    replicates: int = REPLICATES,
) -> LevelResamples:
    """Resample the figures of an experiment: of several seeds the mean figure, all of them on the same resamples.

    Args:
        answers: probabilities (N, 4), one array for each seed.
        labels: int64 (N,).
        subject: str (N,), or None where people are unknown.
        replicates: of the bootstrap.

    Returns:
        By level ('slice' and, where people are known, 'person').

    Raises:
        UserError: see `alzedge.metrics.classification.make_levels`.
    """
    of_seeds = [
        {name: resample(level, SEED, replicates) for name, level in make_levels(one, labels, subject).items()}
        for one in answers
    ]
    return {
        level: {figure: np.mean([one[level][figure] for one in of_seeds], axis=0) for figure in figures}
        for level, figures in of_seeds[0].items()
    }


def difference(own: Floats, reference: Floats) -> Difference | None:
    """Compare one figure under the same resamples; None where either is missing."""
    values = own - reference
    estimate = with_interval(values)
    if estimate is None:
        return None
    error = float(np.nanstd(values[1:], ddof=1))
    if error == 0:
        return Difference(estimate, 0.0 if estimate.value else 1.0)
    return Difference(estimate, math.erfc(abs(estimate.value) / error / math.sqrt(2)))


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for their number by Holm's step-down rule (Holm 1979, Scand J Stat 6:65)."""
    order = sorted(range(len(p)), key=lambda index: p[index])
    corrected = [0.0] * len(p)
    least = 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, (len(p) - rank) * p[index]))
        corrected[index] = least
    return corrected
