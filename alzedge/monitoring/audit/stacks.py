"""People on stacks of slices compared by pixels, without names: the same head in two collections, prepared in two ways.

Each slice is shrunk by three and divided by its mean; what bends slowly (low frequencies) and what everybody of a collection
shares (the mean over scans) is taken away. What remains, the folds of one person's brain, is correlated over the slices of
the heights that both collections have, also shifted by a few millimetres in each direction.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet

Floats = NDArray[np.float32]
# A match is clear when it is so high, and beats the next person by so much. Measured on the Kaggle set against OASIS-1's
# prepared scans: the right person reaches 0.87 in the middle and beats the next by 0.58; with the right one taken away, the
# best of 200 people reaches 0.48 at most, and beats its next by 0.09. Phantoms of other seeds reach 0.53.
CLEAR_FROM, _AHEAD = 0.55, 0.10
_EVERY = 3
# Width of the blur before shrinking, in pixels, and of that which takes away what bends slowly, in shrunk ones.
_FINE, _SLOW = 1.5, 3.0
# In mm up and down; in shrunk pixels to and fro and sideways.
_UP, _ACROSS = 2, 1
_LEAST_HEIGHTS = 3


@dataclass(frozen=True, eq=False)
class Stacks:
    """Slices of scans, shrunk, at the heights that all of them have.

    Attributes:
        people: str (V,), of each scan.
        heights: z in mm, whole numbers.
        slices: float32 (V, Z, 70, 59).
    """

    people: NDArray[np.str_]
    heights: tuple[int, ...]
    slices: Floats


@dataclass(frozen=True)
class Pair:
    """A person of one collection and the most similar one of the other.

    Attributes:
        first, second: their names in either.
        similarity: correlation of their slices, -1 to 1.
        runner_up: that with the next person of the second collection.
    """

    first: str
    second: str
    similarity: float
    runner_up: float

    @property
    def clear(self) -> bool:
        """True when the second stands out from everybody else."""
        return self.similarity >= CLEAR_FROM and self.similarity - self.runner_up >= _AHEAD


def stacks_of(dataset: DataSet) -> Stacks | None:
    """The stacks of a data set's scans; None where scans or heights are unknown, or they share no three heights."""
    from scipy.ndimage import gaussian_filter

    if not len(dataset) or (dataset.scan == "").any() or np.isnan(dataset.height).any():
        return None
    scans, first, of = np.unique(dataset.scan, return_index=True, return_inverse=True)
    at = np.rint(dataset.height).astype(np.int64)
    heights = tuple(int(z) for z in np.unique(at) if len(np.unique(of[at == z])) == len(scans))
    if len(heights) < _LEAST_HEIGHTS:
        return None
    place = {(int(scan), int(z)): row for row, (scan, z) in enumerate(zip(of, at, strict=True))}
    slices = np.stack(
        [
            [
                gaussian_filter(dataset.images[place[scan, z]].astype(np.float32), _FINE)[1::_EVERY, 1::_EVERY]
                for z in heights
            ]
            for scan in range(len(scans))
        ]
    )
    return Stacks(dataset.subject[first], heights, slices)


def compare_stacks(first: Stacks, second: Stacks) -> list[Pair]:
    """Find for each person of the first collection the most similar one of the second.

    Returns:
        One pair for each person of the first; none where fewer than three heights are shared.
    """
    shared = [z for z in second.heights if z in first.heights]
    if len(shared) < _LEAST_HEIGHTS or len(np.unique(second.people)) < 2:
        return []
    inside = _shared_brain(second.slices)
    similar = np.full((len(first.people), len(second.people)), -1.0, np.float32)
    for up in range(-_UP, _UP + 1):
        heights = [z for z in shared if z + up in first.heights]
        if len(heights) < max(_LEAST_HEIGHTS, len(shared) // 2):
            continue
        ours = _residuals(_at(first, [z + up for z in heights]))
        theirs = _unit(_residuals(_at(second, heights))[:, :, inside])
        for rows in range(-_ACROSS, _ACROSS + 1):
            for columns in range(-_ACROSS, _ACROSS + 1):
                moved = np.roll(ours, (rows, columns), axis=(2, 3))[:, :, inside]
                np.maximum(similar, _unit(moved) @ theirs.T, out=similar)
    return _best_pairs(first.people, second.people, similar)


def _at(stacks: Stacks, heights: list[int]) -> Floats:
    return stacks.slices[:, [stacks.heights.index(z) for z in heights]]


def _shared_brain(slices: Floats) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_erosion

    mean = slices.mean(axis=(0, 1))
    inside: NDArray[np.bool_] = binary_erosion(mean > 0.4 * mean.max(), iterations=2)
    return inside


def _residuals(slices: Floats) -> Floats:
    from scipy.ndimage import gaussian_filter

    scaled = slices / np.maximum(slices.mean(axis=(2, 3), keepdims=True), 1e-6)
    high = scaled - gaussian_filter(scaled, (0, 0, _SLOW, _SLOW))
    own: Floats = high - high.mean(axis=0)
    return own


def _unit(planes: Floats) -> Floats:
    rows = planes.reshape(len(planes), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    scaled: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return scaled


def _best_pairs(first: NDArray[np.str_], second: NDArray[np.str_], similar: Floats) -> list[Pair]:
    """The best two of each person; of a person with several scans the best scan counts."""
    ours, of_ours = np.unique(first, return_inverse=True)
    theirs, of_theirs = np.unique(second, return_inverse=True)
    by_person = np.full((len(ours), len(theirs)), -1.0, np.float32)
    np.maximum.at(by_person, (of_ours[:, None], of_theirs[None]), similar)
    order = np.argsort(-by_person, axis=1, kind="stable")[:, :2]
    return [
        Pair(str(name), str(theirs[best]), float(by_person[row, best]), float(by_person[row, after]))
        for row, (name, (best, after)) in enumerate(zip(ours, order, strict=True))
    ]
