"""The most similar training image of every test image, at a cost that grows with their number and not its square.

An inverted file (Sivic and Zisserman 2003): k-means cuts the images into cells of about 2,000, by the few
components that hold most of the picture. A test image is compared with the training images of the four nearest
cells only. Up to 8,000 images there is one cell, and the search is exact.

Not done by faiss-cpu 1.15, which was tried: its similarities differ in the last bits between one thread and two (a
matrix product of floats), it holds 384 bytes of an image instead of 96, and it needs an index for each stage, because
the other stages are searched too. Products of whole numbers below 2**24 are exact in float32 in any order of summing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

_PER_CELL = 2000
_EXACT_UP_TO = 8000
_PROBES = 4
_COARSE = 8
_FITTED_ON = 20_000
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class Matches:
    """Best training image of each of T test images, among those of its own stage and among all others.

    Attributes:
        own, other: float32 (T,), cosine similarity; NaN where there was nothing to compare with.
        own_at, other_at: int32 (T,), the training image; -1 as above.
    """

    own: NDArray[np.float32]
    own_at: NDArray[np.int32]
    other: NDArray[np.float32]
    other_at: NDArray[np.int32]


def best_matches(
    vectors: NDArray[np.int8],
    spread: NDArray[np.float32],
    label: NDArray[np.int8],
    train: NDArray[np.intp],
    test: NDArray[np.intp],
) -> Matches:
    """Find the most similar training image of every test image.

    Args:
        vectors, spread: see `alzedge.monitoring.audit.descriptors.Scan`.
        label: int8 (N,).
        train, test: numbers of images.
    """
    matches = Matches(
        np.full(len(test), -2, np.float32),
        np.full(len(test), -1, np.int32),
        np.full(len(test), -2, np.float32),
        np.full(len(test), -1, np.int32),
    )
    for known, asking in _cells(vectors, spread, train, test):
        there, lengths = _whole(vectors[train[known]])
        stage = label[train[known]]
        for start in range(0, len(asking), _BLOCK):
            rows = asking[start : start + _BLOCK]
            here, own_lengths = _whole(vectors[test[rows]])
            similarity = here @ there.T / own_lengths[:, np.newaxis] / lengths  # (block, cell)
            same = label[test[rows]][:, None] == stage[None]
            _keep(matches.own, matches.own_at, rows, np.where(same, similarity, -2), train[known])
            _keep(matches.other, matches.other_at, rows, np.where(same, -2, similarity), train[known])
    for best, at in ((matches.own, matches.own_at), (matches.other, matches.other_at)):
        best[at < 0] = np.nan
    return matches


def _keep(
    best: NDArray[np.float32],
    best_at: NDArray[np.int32],
    rows: NDArray[np.intp],
    similarity: NDArray[np.float32],
    numbers: NDArray[np.intp],
) -> None:
    at = similarity.argmax(axis=1)
    value = similarity[np.arange(len(rows)), at]
    better = value > best[rows]
    best[rows[better]], best_at[rows[better]] = value[better], numbers[at[better]]


def _cells(
    vectors: NDArray[np.int8], spread: NDArray[np.float32], train: NDArray[np.intp], test: NDArray[np.intp]
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Positions in `train` and in `test` of the images that are compared with one another, cell by cell."""
    count = len(train) + len(test)
    if count <= _EXACT_UP_TO:
        return [(np.arange(len(train)), np.arange(len(test)))]
    sample = train[np.linspace(0, len(train) - 1, min(len(train), _FITTED_ON)).astype(np.intp)]
    means = MiniBatchKMeans(count // _PER_CELL, random_state=0, n_init=1, batch_size=4096)
    with threadpool_limits(1):  # of sums of floats, whose order depends on it
        centres = means.fit(_coarse(vectors[sample], spread)).cluster_centers_.astype(np.float32)
        home = _nearest(vectors, spread, train, centres, 1)[:, 0]
        visits = _nearest(vectors, spread, test, centres, min(_PROBES, len(centres)))
    order = np.argsort(home, kind="stable")
    bounds = np.searchsorted(home[order], np.arange(len(centres) + 1))
    cells = []
    for cell in range(len(centres)):
        known, asking = order[bounds[cell] : bounds[cell + 1]], np.flatnonzero((visits == cell).any(axis=1))
        if len(known) and len(asking):
            cells.append((known, asking))
    return cells


def _nearest(
    vectors: NDArray[np.int8],
    spread: NDArray[np.float32],
    rows: NDArray[np.intp],
    centres: NDArray[np.float32],
    count: int,
) -> NDArray[np.int32]:
    """The `count` nearest cells of each image, int32 (rows, count)."""
    cells = np.empty((len(rows), count), np.int32)
    halves = (centres**2).sum(axis=1) / 2
    for start in range(0, len(rows), 8 * _BLOCK):
        block = slice(start, start + 8 * _BLOCK)
        closeness = _coarse(vectors[rows[block]], spread) @ centres.T - halves
        cells[block] = np.argpartition(-closeness, count - 1, axis=1)[:, :count]
    return cells


def _coarse(vectors: NDArray[np.int8], spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """The leading components as large as they were before whitening, of unit norm."""
    return _unit(vectors[:, :_COARSE] * spread[:_COARSE])


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return unit


def _whole(vectors: NDArray[np.int8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Whole numbers as float32, whose products are exact, and the length of each vector."""
    squares = (vectors.astype(np.int32) ** 2).sum(axis=1)
    return vectors.astype(np.float32), np.maximum(np.sqrt(squares.astype(np.float32)), np.float32(1e-6))
