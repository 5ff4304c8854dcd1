"""Brain features of people's slices that tell brain volume, age, head size and sex.

Four groups, each in agreement with what is known of the Kaggle images:

* shares of dark pixels, absolute and relative to white matter: fluid grows as the brain shrinks;
* blurred slices: where the fluid is;
* power spectra of whole slices and through the slices, and of their middle: OASIS-1 scaled every head
  to one atlas, and scaling a small head up blurs it, so sharpness tells the head's own size (eTIV).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Wraps a sequence in a progress bar; `iter` shows none.
Progress = Callable[[Sequence[int]], Iterable[int]]

_BACKGROUND = 6
# The brain's histogram starts here; below it are the smoothed edges of the mask.
_TISSUE = 10
_RELATIVE = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1)
_ABSOLUTE = (20, 34, 59, 80, 100, 120, 140)
_BINS = 16
# The middle of the slices, free of the brain's outline.
_MIDDLE = (slice(40, 168), slice(24, 152))


def person_features(volumes: NDArray[np.uint8], progress: Progress = iter) -> Floats:
    """Describe each person's slices by a vector; only differences between people matter.

    Each column is standardised over people and each group weighs the same. The columns, far more than
    people, are then turned to their principal axes, which leaves all inner products as they are.

    Args:
        volumes: uint8 (P, S, 208, 176), the same S slices of P people.
        progress: wraps the numbers of the people.

    Returns:
        float64 (P, D) with D < P.
    """
    from threadpoolctl import threadpool_limits

    described = [_describe(volumes[i]) for i in progress(range(len(volumes)))]
    groups = [_standardised(np.stack(group)) for group in zip(*described, strict=True)]
    with threadpool_limits(1):  # the same to the last bit on any machine's number of cores
        weights, axes = np.linalg.eigh(sum(group @ group.T for group in groups))
    kept = weights > 1e-9 * weights.max()
    return np.asarray(axes[:, kept] * np.sqrt(weights[kept]))


def _standardised(columns: Floats) -> Floats:
    """Columns of zero mean and unit variance, scaled so that a group's inner products do not grow with its width."""
    centred = columns - columns.mean(axis=0)
    deviation = centred.std(axis=0)
    scaled: Floats = centred / np.where(deviation > 1e-9, deviation, np.inf) / np.sqrt(columns.shape[1])
    return scaled


def _describe(slices: NDArray[np.uint8]) -> tuple[Floats, ...]:
    """The groups of features of one person, slices (S, 208, 176)."""
    from scipy.ndimage import gaussian_filter

    histogram = np.stack([np.bincount(plane.ravel(), minlength=256) for plane in slices]).astype(np.float64)
    white = white_matter(histogram)
    pixels = slices.astype(np.float64)
    blurred = gaussian_filter(pixels / white[:, None, None], (1, 2, 2))[::2, ::4, ::4]
    middle = pixels[:, *_MIDDLE]
    window = np.outer(np.hanning(middle.shape[1]), np.hanning(middle.shape[2]))
    whole = np.concatenate([_spectrum(pixels), _depth_spectrum(middle)])
    return _dark_shares(histogram, white).ravel(), blurred.ravel(), whole, _spectrum(middle, window)


def white_matter(histogram: Floats) -> NDArray[np.int64]:
    """Grey value of white matter in each slice: the commonest above the median of the tissue.

    Args:
        histogram: (S, 256), number of pixels by grey value.

    Returns:
        int64 (S,), at least 1.
    """
    from scipy.ndimage import gaussian_filter1d

    tissue = np.where(np.arange(256) < _TISSUE, 0, histogram)
    below = np.cumsum(tissue, axis=1) / np.maximum(tissue.sum(axis=1, keepdims=True), 1)
    median = (below < 0.5).sum(axis=1)
    bright = np.arange(256)[None] >= median[:, None]
    smooth = np.where(bright, gaussian_filter1d(tissue, 3, axis=1), 0)
    commonest: NDArray[np.int64] = np.maximum(smooth.argmax(axis=1), 1)
    return commonest


def _dark_shares(histogram: Floats, white: NDArray[np.int64]) -> Floats:
    """Shares (S, 17) of the brain's pixels up to each threshold."""
    up_to = np.cumsum(histogram, axis=1) - np.cumsum(histogram, axis=1)[:, [_BACKGROUND - 1]]
    relative = np.rint(np.array(_RELATIVE) * white[:, None]).clip(_BACKGROUND, 255).astype(np.int64)
    absolute = np.broadcast_to(np.array(_ABSOLUTE), (len(histogram), len(_ABSOLUTE)))
    counts = np.take_along_axis(up_to, np.concatenate([relative, absolute], axis=1), axis=1)
    shares: Floats = counts / np.maximum(up_to[:, -1:], 1)
    return shares


def _spectrum(planes: Floats, window: Floats | float = 1.0) -> Floats:
    """Log power (256,) of slices by 16 bands of vertical and 16 of horizontal frequency, mean over slices."""
    centred = (planes - planes.mean(axis=(1, 2), keepdims=True)) * window
    power = np.abs(np.fft.rfft2(centred)) ** 2
    power = (power / np.maximum(power.sum(axis=(1, 2), keepdims=True), 1e-12)).mean(axis=0)
    vertical = _band(np.abs(np.fft.fftfreq(planes.shape[1])))
    horizontal = _band(np.fft.rfftfreq(planes.shape[2]))
    bands = (vertical[:, None] * _BINS + horizontal[None]).ravel()
    total = np.bincount(bands, power.ravel(), minlength=_BINS**2)
    return np.log(total / np.bincount(bands, minlength=_BINS**2) + 1e-12)


def _band(frequency: NDArray[Any]) -> NDArray[np.int64]:
    return np.minimum(frequency / 0.5 * _BINS, _BINS - 1).astype(np.int64)


def _depth_spectrum(planes: Floats) -> Floats:
    """Log power from slice to slice, (S // 2,), relative to the lowest frequency."""
    window = np.hanning(len(planes))[:, None, None]
    power = np.log((np.abs(np.fft.rfft(planes * window, axis=0)) ** 2).mean(axis=(1, 2)) + 1e-12)
    return np.asarray(power[1:] - power[:1])
