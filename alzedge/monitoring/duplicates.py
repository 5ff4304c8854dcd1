"""One person under two names, found by pixels: the folds of a brain are its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.imaging.slices import HEIGHT, WIDTH

_EVERY = 4
_ROWS, _COLUMNS = HEIGHT // _EVERY, WIDTH // _EVERY
# Slices of each person that are looked for among everybody else's.
_LOOKED_FOR = 5
# Blocks to either side whose mean is taken away: what bends slowly is alike in all heads.
_SLOW = 3
# Mean correlation from which on two are one.
SAME_FROM = 0.8
_AT_ONCE = 256
_Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Duplicate:
    """Two names that are probably one person.

    Attributes:
        first, second: the names.
        similarity: mean correlation of the first's slices with the most similar ones of the second.
    """

    first: str
    second: str
    similarity: float


def find_duplicates(dataset: DataSet, least: float = SAME_FROM) -> tuple[Duplicate, ...]:
    """Find people who are on the slices under two names; copies that were stored again, made brighter or blurred too.

    Args:
        dataset: slices of known people; of unknown ones nothing is found.
        least: similarity from which on two are one.
    """
    if not dataset.subjects_known:
        return ()
    names, person = np.unique(dataset.subject, return_inverse=True)
    vectors = _vectors(dataset.images)
    starts, order = _grouped(person, len(names))
    found: dict[tuple[int, int], float] = {}
    for own in range(len(names)):
        rows = order[starts[own] : starts[own + 1]]
        looked_for = rows[np.unique(np.linspace(0, len(rows) - 1, min(_LOOKED_FOR, len(rows))).round().astype(int))]
        alike = np.maximum.reduceat(vectors[looked_for] @ vectors[order].T, starts[:-1], axis=1).mean(axis=0)
        for other in np.flatnonzero(alike >= least).tolist():
            pair = (min(own, other), max(own, other))
            if own != other:
                found[pair] = max(found.get(pair, 0.0), float(alike[other]))
    return tuple(Duplicate(str(names[a]), str(names[b]), similarity) for (a, b), similarity in sorted(found.items()))


def _grouped(person: NDArray[np.intp], people: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each person's slices start among all in order of people, and that order."""
    order = np.argsort(person, kind="stable")
    return np.searchsorted(person[order], np.arange(people + 1)), order


def _vectors(images: NDArray[np.uint8]) -> _Floats:
    """Fine structure of each slice, of unit length, float32 (N, 2288)."""
    parts: Sequence[_Floats] = [_fine(images[start : start + _AT_ONCE]) for start in range(0, len(images), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.empty((0, _ROWS * _COLUMNS), np.float32)


def _fine(images: NDArray[np.uint8]) -> _Floats:
    blocks = images.reshape(-1, _ROWS, _EVERY, _COLUMNS, _EVERY).mean(axis=(2, 4), dtype=np.float32)
    fine = blocks - _blurred(_blurred(blocks, 1), 2)
    flat = fine.reshape(len(images), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    unit: _Floats = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return unit


def _blurred(blocks: _Floats, axis: int) -> _Floats:
    """Mean of seven neighbours along an axis, edges repeated."""
    padding = [(0, 0)] * 3
    padding[axis] = (_SLOW + 1, _SLOW)
    sums = np.pad(blocks, padding, mode="edge").cumsum(axis=axis, dtype=np.float32)
    size = blocks.shape[axis]
    width = 2 * _SLOW + 1
    blurred: _Floats = (
        np.take(sums, range(width, width + size), axis) - np.take(sums, range(size), axis)
    ) / np.float32(width)
    return blurred
