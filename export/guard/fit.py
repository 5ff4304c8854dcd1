"""Fitting the guard against pictures that are no axial brain slices, and saying how good it is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split
from alzedge.data.folds import N_FOLDS, image_folds, subject_folds
from alzedge.export.guard.ood_images import strangers
from alzedge.inference.guard import Guard, block_means

_COMPONENTS = 16
# Half a percent of unseen people's slices may be refused by mistake; the promise is at most two.
_QUANTILE = 0.995


def make_guard(dataset: DataSet, split: Split, seed: int) -> Guard:
    """Fit the guard on the training side and measure it on the test side.

    The threshold is the 99.5 % quantile of the distances of training people's slices, each
    measured by a guard fitted without that person (five folds).

    Args:
        dataset, split: what from.
        seed: of the pictures that must be refused.

    Returns:
        The guard, as a reader of the file will have it; `measured` holds the share of
        test slices refused by mistake and, by kind of picture, the share refused rightly.
    """
    train = dataset.take(split.train)
    means = block_means(train.images)
    group = _folds(train)
    held_out = np.empty(len(means), np.float32)
    for fold in np.unique(group):
        fitted = _fit(means[group != fold])
        held_out[group == fold] = fitted.distance(train.images[group == fold])
    threshold = float(np.quantile(held_out, _QUANTILE))
    fitted = _fit(means, threshold)
    test = dataset.take(split.test)
    return _fit(means, threshold, _measure(fitted, test, seed))


def _folds(train: DataSet) -> NDArray[np.int64]:
    if train.subjects_known and len(np.unique(train.subject)) >= N_FOLDS:
        return subject_folds(train.subject, train.labels)
    return image_folds(train.paths, train.labels)


def _fit(means: NDArray[np.float32], threshold: float = 1.0, measured: dict[str, Any] | None = None) -> Guard:
    mean = means.mean(axis=0)
    offset = means - mean
    _, columns = np.linalg.eigh(offset.T @ offset)  # the largest last
    components = columns.T[::-1][:_COMPONENTS]
    within = offset @ components.T
    outside = offset - within @ components
    # Never 0: few or flat slices would make every distance infinite.
    variance = np.maximum(within.var(axis=0), 1e-6)
    residual = max(float((outside**2).sum(axis=1).mean()), 1e-6)
    fitted = Guard(mean, components, variance, residual, threshold, measured or {})
    return Guard.from_dict(fitted.to_dict())  # with the precision a file keeps


def _measure(guard: Guard, test: DataSet, seed: int) -> dict[str, Any]:
    refused = guard.unlikeness(test.images) > 1
    detected = {
        name: {"n": len(images), "refused": float((guard.unlikeness(images) > 1).mean())}
        for name, images in strangers(test, seed).items()
    }
    return {
        "threshold": f"{_QUANTILE:.1%} quantile of training slices, each judged without its own person",
        "false_refusals": {"n": len(test), "refused": float(refused.mean())},
        "detected": detected,
    }
