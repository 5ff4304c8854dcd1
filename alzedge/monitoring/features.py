"""Features of slices that say something about the picture, not about the person: NumPy alone, no model, no name."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.imaging.csf import csf_shares
from alzedge.imaging.slices import HEIGHT, WIDTH

# In the order of the columns.
FEATURES = (
    "brightness",
    "contrast",
    "sharpness",
    "noise",
    "brain_area",
    "csf_share",
    "centre_row",
    "centre_column",
    "straight_edge",
)
# Darker pixels are background, as for CSF.
_BACKGROUND = 6
# Slices measured at once: they and what is made of them lie in the cache.
_AT_ONCE = 32
_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """Features of N slices, a column for each name of `FEATURES`.

    `brightness` is the mean grey of the brain's pixels (6 to 255), `contrast` their standard deviation; `sharpness` the root
    mean square of the Laplacian inside the brain, as a multiple of the contrast; `noise` Immerkær's estimate of the noise's
    standard deviation in greys, to which fine detail adds (1996, Computer Vision and Image Understanding 64:300);
    `brain_area` the brain's share of the frame; `csf_share` the share of its pixels that are CSF alone or mixed;
    `centre_row` and `centre_column` its middle in pixels; `straight_edge` the longest straight border of the brain as a
    share of its width or height, which a cut makes long.

    Attributes:
        values: float64 (N, 9); NaN where an empty slice has no such value.
    """

    values: _Floats

    def __len__(self) -> int:
        return len(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return FEATURES

    def column(self, name: str) -> _Floats:
        """One feature of all slices, float64 (N,)."""
        column: _Floats = self.values[:, FEATURES.index(name)]
        return column


def image_features(slices: NDArray[np.uint8]) -> ImageFeatures:
    """Measure slices, about 1 ms each.

    Args:
        slices: uint8 (N, 208, 176).

    Raises:
        ValueError: another shape or type.
    """
    if slices.dtype != np.uint8 or slices.shape[1:] != (HEIGHT, WIDTH):
        raise ValueError(f"expected uint8 (N, {HEIGHT}, {WIDTH}), got {slices.dtype} {slices.shape}")
    parts = [_measure(slices[start : start + _AT_ONCE]) for start in range(0, len(slices), _AT_ONCE)]
    return ImageFeatures(np.concatenate(parts) if parts else np.empty((0, len(FEATURES))))


def _measure(slices: NDArray[np.uint8]) -> _Floats:
    brain = slices >= _BACKGROUND
    pixels = brain.sum(axis=(1, 2)).astype(np.float64)
    greys = np.where(brain, slices, 0).astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):  # an empty slice has no mean, a grey one no contrast
        mean = greys.sum(axis=(1, 2), dtype=np.float64) / pixels
        square = (greys**2).sum(axis=(1, 2), dtype=np.float64) / pixels
        contrast = np.sqrt(np.maximum(square - mean**2, 0))
        laplacian, noise = _fine_detail(slices, brain)
        rows = (brain.sum(axis=2) * np.arange(HEIGHT)).sum(axis=1) / pixels
        columns = (brain.sum(axis=1) * np.arange(WIDTH)).sum(axis=1) / pixels
        columns_of = {
            "brightness": mean,
            "contrast": contrast,
            "sharpness": laplacian / np.where(contrast > 0, contrast, np.nan),
            "noise": noise,
            "brain_area": pixels / (HEIGHT * WIDTH),
            "csf_share": np.where(pixels > 0, csf_shares(slices)[:, 1], np.nan),
            "centre_row": rows,
            "centre_column": columns,
            "straight_edge": _straight_edge(brain),
        }
    return np.stack([columns_of[name] for name in FEATURES], axis=1)


def _fine_detail(slices: NDArray[np.uint8], brain: NDArray[np.bool_]) -> tuple[_Floats, _Floats]:
    """Root mean square of the Laplacian, and Immerkær's noise, over pixels that lie among brain on all sides."""
    greys = slices.astype(np.int16)
    middle, edges = greys[:, 1:-1, 1:-1], greys[:, :-2, 1:-1] + greys[:, 2:, 1:-1]
    edges = edges + greys[:, 1:-1, :-2] + greys[:, 1:-1, 2:]
    corners = greys[:, :-2, :-2] + greys[:, :-2, 2:] + greys[:, 2:, :-2] + greys[:, 2:, 2:]
    across = brain[:, :, :-2] & brain[:, :, 1:-1] & brain[:, :, 2:]
    inside = across[:, :-2] & across[:, 1:-1] & across[:, 2:]
    count = inside.sum(axis=(1, 2)).astype(np.float64)
    laplacian = np.where(inside, edges - 4 * middle, 0).astype(np.float32)
    residue = np.where(inside, 4 * middle - 2 * edges + corners, 0)
    noise = np.abs(residue).sum(axis=(1, 2), dtype=np.float64) / count
    return (
        np.sqrt((laplacian**2).sum(axis=(1, 2), dtype=np.float64) / count),
        np.sqrt(np.pi / 2) / 6 * noise,
    )


def _straight_edge(brain: NDArray[np.bool_]) -> _Floats:
    """Longest border along one row or column, as a share of the brain's largest width or height; NaN without brain."""
    shares = []
    for axis in (1, 2):
        lengths = brain.sum(axis=3 - axis).max(axis=1).astype(np.float64)
        padded = np.pad(brain, [(0, 0), *[(1, 1) if one == axis else (0, 0) for one in (1, 2)]])
        inner, before, after = (
            np.take(padded, range(start, start + brain.shape[axis]), axis=axis) for start in (1, 0, 2)
        )
        longest = np.maximum(
            (inner & ~before).sum(axis=3 - axis).max(axis=1), (inner & ~after).sum(axis=3 - axis).max(axis=1)
        )
        shares.append(longest / lengths)
    both: _Floats = np.fmax(*shares)
    return both


def feature_values(slices: NDArray[np.uint8]) -> _Floats:
    """Values of `image_features`, float64 (N, 9), for whoever takes an array."""
    return image_features(slices).values
