"""Fit the guard on axial brain slices, and measure it on people, sources and images that it has not seen."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from alzedge.data.dataset import DataSet, Split
from alzedge.data.folds import N_FOLDS, deal_folds, image_folds
from alzedge.export.guard.ood_images import ood_images
from alzedge.inference.guard import Guard, block_means

_COMPONENTS = 12
# Bands of heights, in mm: what OASIS-1's prepared scans are cut at. Never more of them than fit the file.
_BAND_MM = 4.0
_BANDS = 24
# Three quarters of a percent of unseen people's slices may be refused by mistake; the promise is at most one.
_QUANTILE = 0.9925
# Of the mean over bands: no band's residual is taken for smaller, as few slices are easily fitted.
_LEAST_RESIDUAL = 0.25
_Doubles = NDArray[np.float64]


def make_guard(dataset: DataSet, split: Split, seed: int) -> Guard:
    """Fit the guard on the training side and measure it on the test side.

    Every source of slices counts the same in a band of heights, however many people it has. The threshold is the 99.25 %
    quantile of the distances of training people's slices, each measured by a guard fitted without that person (five
    folds): that of the source for which it is highest.

    Args:
        dataset, split: what from.
        seed: of the pictures that must be refused.

    Returns:
        The guard, as a reader of the file will have it. `measured` holds the share of test slices refused by mistake
        (with several sources also for each, and by a guard that was fitted without that source) and, by kind of picture,
        the share refused rightly.
    """
    train, test = dataset.take(split.train), dataset.take(split.test)
    guard = _fit_with_threshold(train)
    measured = {
        "threshold": f"{_QUANTILE:.2%} quantile of training slices, each judged without its own person"
        + (", for the source with the highest" if len(np.unique(train.source)) > 1 else ""),
        "false_refusals": _false_refusals(guard, test),
        **_unseen_sources(train, test),
        "detected": {name: _refused(guard, images) for name, images in ood_images(test, seed).items()},
    }
    return replace(guard, measured=measured)


def _fit_with_threshold(train: DataSet) -> Guard:
    means = block_means(train.images)
    group = _folds(train)
    held_out = np.empty(len(train))
    for fold in np.unique(group):
        fitted = _fit(train.take(np.flatnonzero(group != fold)), means[group != fold])
        held_out[group == fold] = fitted.distance(train.images[group == fold])
    sources = np.unique(train.source)
    threshold = max(float(np.quantile(held_out[train.source == source], _QUANTILE)) for source in sources)
    return _fit(train, means, threshold)


def _folds(train: DataSet) -> NDArray[np.int64]:
    """Fold of each slice; dealt anew, as folds that are stored leave none of one fold on the training side."""
    if not train.subjects_known:
        return image_folds(train.paths, train.labels)
    people, first, inverse = np.unique(train.subject, return_index=True, return_inverse=True)
    if len(people) < N_FOLDS:
        return image_folds(train.paths, train.labels)
    return deal_folds(people, train.labels[first])[inverse]


def _fit(train: DataSet, means: NDArray[np.float32], threshold: float = 1.0) -> Guard:
    heights, band = _bands(train.height)
    weights = _weights(train.source, band)
    count = int(band.max()) + 1
    mean = np.stack([np.average(means[band == b], axis=0, weights=weights[band == b]) for b in range(count)])
    offset = means.astype(np.float64) - mean[band]
    # BLAS and LAPACK add up in another order with another number of threads, and the file's bytes would differ.
    with threadpool_limits(1):
        _, columns = np.linalg.eigh((weights[:, np.newaxis] * offset).T @ offset)  # the largest last
        components = columns.T[::-1][:_COMPONENTS]
        within = offset @ components.T
        outside = ((offset - within @ components) ** 2).sum(axis=1)
    # Never 0: few or flat slices would make every distance infinite.
    variance = np.maximum(np.average(within**2, axis=0, weights=weights), 1e-6)
    residual = np.array([np.average(outside[band == b], weights=weights[band == b]) for b in range(count)])
    residual = np.maximum(residual, max(_LEAST_RESIDUAL * float(residual.mean()), 1e-6))
    fitted = Guard(mean.astype(np.float32), components.astype(np.float32), variance, residual, threshold, {}, heights)
    return Guard.from_dict(fitted.to_dict())  # with the precision a file keeps


def _bands(height: _Doubles) -> tuple[tuple[float, ...], NDArray[np.intp]]:
    """Middle of each band in mm and the band of each slice; one band where any height is unknown."""
    if np.isnan(height).any():
        return (), np.zeros(len(height), np.intp)
    lowest, highest = float(height.min()), float(height.max())
    width = max(_BAND_MM, (highest - lowest) / (_BANDS - 1))
    steps, band = np.unique(np.floor((height - lowest) / width + 0.5), return_inverse=True)
    return tuple(round(lowest + float(step) * width, 2) for step in steps), band


def _weights(source: NDArray[np.str_], band: NDArray[np.intp]) -> _Doubles:
    """Weight of each slice: every band counts the same, and every source within it; they add up to 1."""
    cell = np.unique(source, return_inverse=True)[1] * (band.max() + 1) + band
    weights = 1 / np.bincount(cell)[cell]
    weights /= np.bincount(band, weights)[band]
    shares: _Doubles = weights / weights.sum()
    return shares


def _refused(guard: Guard, images: NDArray[np.uint8]) -> dict[str, Any]:
    return {"n": len(images), "refused": float((guard.unlikeness(images) > 1).mean())}


def _false_refusals(guard: Guard, test: DataSet) -> dict[str, Any]:
    whole, sources = _refused(guard, test.images), np.unique(test.source).tolist()
    if len(sources) < 2:
        return whole
    return whole | {"by_source": {name: _refused(guard, test.images[test.source == name]) for name in sources}}


def _unseen_sources(train: DataSet, test: DataSet) -> dict[str, Any]:
    """False refusals in each source by a guard of the others, at heights that it knows."""
    sources = np.unique(train.source).tolist()
    rates = {}
    for name in sources if len(sources) > 1 else ():
        others = train.take(np.flatnonzero(train.source != name))
        shown = test.source == name
        if not np.isnan(others.height).any():
            shown &= (test.height >= others.height.min()) & (test.height <= others.height.max())
        if shown.any():
            rates[name] = _refused(_fit_with_threshold(others), test.images[shown])
    return {"unseen_source": rates} if rates else {}
