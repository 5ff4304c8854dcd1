"""Baseline accuracies of methods that know nothing of dementia: the nearest neighbour and the commonest stage."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet, Split

_BLOCK = 256
# Pixels are compared at every fourth column of every fourth row.
EVERY = 4


def baseline_accuracies(dataset: DataSet, split: Split) -> dict[str, float]:
    """Measure the baselines' accuracy of four stages per slice on the test side of a split, unknown stages left out.

    Returns:
        `majority`: always answering the commonest training stage;
        `nearest_neighbour`: the stage of the most similar training slice.
    """
    train, asked = (side[dataset.labels[side] != UNKNOWN_STAGE] for side in (split.train, split.test))
    labels, test = dataset.labels[train], dataset.labels[asked]
    answers = nearest_neighbour(dataset.images[train], labels, dataset.images[asked])
    return {
        "majority": float(np.mean(test == np.bincount(labels).argmax())),
        "nearest_neighbour": float(np.mean(test == answers)),
    }


def nearest_neighbour(
    images: NDArray[np.uint8], labels: NDArray[np.int64], test: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Label of the training slice with the highest correlation, over every fourth pixel of every fourth row.

    Args:
        images: uint8 (N, 208, 176), training slices.
        labels: int64 (N,).
        test: uint8 (M, 208, 176).

    Returns:
        int64 (M,).
    """
    return labels[nearest(images[:, ::EVERY, ::EVERY], test[:, ::EVERY, ::EVERY])]


def nearest(known: NDArray[Any], asking: NDArray[Any]) -> NDArray[np.intp]:
    """Number of the known picture, shrunken alike, or row that correlates best with each of the others: int (M,)."""
    there = _normalised(known)
    answers = np.empty(len(asking), np.intp)
    for start in range(0, len(asking), _BLOCK):
        similarity = _normalised(asking[start : start + _BLOCK]) @ there.T  # (block, N)
        answers[start : start + _BLOCK] = similarity.argmax(axis=1)
    return answers


def chained_neighbours(known: NDArray[Any], labels: NDArray[np.int64], asking: NDArray[Any]) -> NDArray[np.int64]:
    """Label the most similar of the unlabelled rows first; labelled, it passes its label on (single linkage, Prim 1957).

    A slice resembles the next one of the same person, so that a chain of test slices leads from a training slice to others that
    resemble none. That takes all test slices at once, which no model of one slice has.

    Args:
        known: (N, ...), pixels or features.
        labels: int64 (N,).
        asking: (M, ...); M times M + N correlations are computed.

    Returns:
        int64 (M,).
    """
    there, rows = _normalised(known), _normalised(asking)
    first = nearest(known, asking)
    best, answers = np.einsum("md,md->m", rows, there[first]), labels[first]
    left = np.ones(len(rows), np.bool_)
    for _ in range(len(rows)):
        chosen = int(np.where(left, best, -np.inf).argmax())
        left[chosen] = False
        similarity = rows @ rows[chosen]  # (M,)
        closer = left & (similarity > best)
        best[closer], answers[closer] = similarity[closer], answers[chosen]
    return answers


def _normalised(values: NDArray[Any]) -> NDArray[np.float32]:
    rows = values.reshape(len(values), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    unit: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return unit
