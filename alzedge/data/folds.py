"""Fixed, stratified folds. Library routines give other folds in other versions."""

import csv
import hashlib
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError

N_FOLDS = 5
_KAGGLE_FOLDS = "kaggle_folds.csv"


def deal_folds(names: NDArray[np.str_], labels: NDArray[np.int64], count: int = N_FOLDS) -> NDArray[np.int64]:
    """Deal items into `count` folds, class by class like cards, in the order of SHA-256(name).

    Dealing goes on where the previous class stopped, so folds differ by at most one item
    in size. The result depends on names and labels alone, on no library's random numbers.

    Args:
        names: str (N,), all different.
        labels: int64 (N,).
        count: number of folds.

    Returns:
        int64 (N,), the fold of each item.
    """
    digests = [hashlib.sha256(str(name).encode()).hexdigest() for name in names]
    order = sorted(range(len(names)), key=lambda i: (labels[i], digests[i]))
    folds = np.empty(len(names), np.int64)
    folds[order] = np.arange(len(names)) % count
    return folds


def subject_folds(subject: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fold of each slice (N,) such that a person's slices share one fold.

    The people of the Kaggle set have theirs in a file of this package; others are dealt
    by `deal_folds` on the person's first label.

    Raises:
        UserError: fewer people than folds.
    """
    people, first, inverse = np.unique(subject, return_index=True, return_inverse=True)
    if len(people) < N_FOLDS:
        raise UserError(f"{len(people)} people are too few for {N_FOLDS} folds; add people.")
    stored = kaggle_folds()
    if set(people) == set(stored):
        folds = np.array([stored[person] for person in people], np.int64)
    else:
        folds = deal_folds(people, labels[first])
    return folds[inverse]


def image_folds(paths: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fold of each slice (N,), slices dealt one by one: says nothing about unseen people."""
    return deal_folds(paths, labels)


def kaggle_folds() -> dict[str, int]:
    """The stored fold of each of the 200 people of the Kaggle set."""
    with resources.files("alzedge.data").joinpath(_KAGGLE_FOLDS).open(encoding="utf-8") as file:
        return {row["subject"]: int(row["fold"]) for row in csv.DictReader(file)}
