"""Agreement of two readers: Cohen's kappa (Cohen 1960, doi 10.1177/001316446002000104), also weighted by the squared
distance of stages (Cohen 1968, doi 10.1037/h0026256), with intervals over people."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.metrics.bootstrap import draw_people, with_interval
from alzedge.metrics.estimate import Estimate
from alzedge.reporting.labels import Label
from alzedge.stages import STAGES


@dataclass(frozen=True, eq=False)
class Agreement:
    """Agreement on the images that both have read.

    Attributes:
        images, people: that both judged.
        unjudged: images that one of them could not judge, left out.
        share: of images with the same stage.
        kappa, weighted: None where both always say the same single stage, which leaves nothing to be beyond chance.
        table: int (4, 4), images by the first reader's stage and by the second's.
    """

    images: int
    people: int
    unjudged: int
    share: Estimate
    kappa: Estimate | None
    weighted: Estimate | None
    table: NDArray[np.int64]


def agreement(first: Sequence[Label], second: Sequence[Label], blind: bool = True, seed: int = 0) -> Agreement:
    """Compare two readers.

    Args:
        first, second: their labels; of several for one image each reader's first counts where `blind`, else the last.
        blind: compare the readings given before the model's answer was seen, or those after it.
        seed: of the bootstrap.

    Raises:
        UserError: no image in common.
    """
    ours, theirs = (_by_image(labels, blind) for labels in (first, second))
    common = [image for image in ours if image in theirs]
    judged = [image for image in common if ours[image].stage is not None and theirs[image].stage is not None]
    if not judged:
        when = "blind" if blind else "after the model's answer"
        raise UserError(f"The two readers have judged no image in common {when}; give labels of the same images.")
    one, other = (np.array([labels[image].stage for image in judged]) for labels in (ours, theirs))
    names, person = np.unique([ours[image].person for image in judged], return_inverse=True)
    weights = draw_people(len(names), seed)[:, person]
    table = np.zeros((len(STAGES), len(STAGES)), np.int64)
    np.add.at(table, (one, other), 1)
    share = with_interval((weights * (one == other)).sum(axis=1) / weights.sum(axis=1))
    assert share is not None
    kappas = (with_interval(_kappas(one, other, weights, kind)) for kind in (None, "quadratic"))
    return Agreement(len(judged), len(names), len(common) - len(judged), share, *kappas, table)


def _by_image(labels: Sequence[Label], blind: bool) -> dict[str, Label]:
    chosen = [label for label in labels if label.blind == blind]
    return {label.image: label for label in (reversed(chosen) if blind else chosen)}


def _kappas(
    one: NDArray[np.int64], other: NDArray[np.int64], weights: NDArray[np.float64], kind: str | None
) -> NDArray[np.float64]:
    """Kappa of the readings themselves, then of each resample; NaN where it is not defined."""
    from sklearn.metrics import cohen_kappa_score

    stages = list(range(len(STAGES)))
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore")
        return np.array(
            [cohen_kappa_score(one, other, labels=stages, weights=kind, sample_weight=row) for row in weights]
        )
