"""Fixed, stratified folds. Library routines give other folds in other versions.

Two files hold folds of known people. `kaggle_folds.csv` is that of the Kaggle archive used alone, its people unnamed.
`people/oasis_folds.csv` gives each of OASIS-1's 416 people a fold, dealt by `deal_people` on the table; whoever is known by
OASIS-1's identifier, in whatever source, has that fold, so nobody trains in one source and tests in another.

Why not one file for both: folds of the archive's subjects that agreed with folds of the people would tell, by the order both
stand in, who is who. That is not shipped; the user's copy finds it (`alzedge.data.people`).
"""

import csv
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError

if TYPE_CHECKING:
    from alzedge.data.people.table import Person

N_FOLDS = 5
_KAGGLE_FOLDS = ("alzedge.data", "kaggle_folds.csv", "subject")
_OASIS_FOLDS = ("alzedge.data.people", "oasis_folds.csv", "person")
# Nobody with dementia is younger; folds get the same share of older people without it.
_OLD_FROM = 60


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


def deal_people(people: Sequence["Person"]) -> dict[str, int]:
    """Deal OASIS-1's people into folds, stratified by CDR (or its absence) and by age from 60 on."""
    names = np.array([person.oasis_id for person in people])
    cdr = np.array([-1.0 if person.first.cdr is None else person.first.cdr for person in people])
    old = np.array([person.first.age >= _OLD_FROM for person in people])
    strata = np.unique(np.stack([cdr, old], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    return dict(zip(names.tolist(), deal_folds(names, strata.astype(np.int64)).tolist(), strict=True))


def subject_folds(subject: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fold of each slice (N,) such that a person's slices share one fold.

    People known by OASIS-1's identifier have the fold of OASIS-1's file, and the Kaggle set's people, where all of them
    go by their Kaggle names, that of the Kaggle file; everybody else is dealt by `deal_folds` on the first label. Of the
    Kaggle set, whoever could not be identified while others were keeps the Kaggle fold: within one archive that is
    nobody else. Beside OASIS-1's scans it could be anybody, so `alzedge.data.joining` leaves such people out.

    Raises:
        UserError: fewer people than folds.
    """
    people, first, inverse = np.unique(subject, return_index=True, return_inverse=True)
    if len(people) < N_FOLDS:
        raise UserError(f"{len(people)} people are too few for {N_FOLDS} folds; add people.")
    stored = _stored_for(set(people.tolist()))
    known = np.array([str(person) in stored for person in people])
    folds = np.array([stored.get(str(person), 0) for person in people], np.int64)
    folds[~known] = deal_folds(people[~known], labels[first[~known]])
    return folds[inverse]


def image_folds(paths: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fold of each slice (N,), slices dealt one by one: says nothing about unseen people."""
    return deal_folds(paths, labels)


def leaky_tenths(paths: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Tenth of each slice (N,), slices dealt one by one, for the split 80/10/10 that leaks people."""
    return deal_folds(paths, labels, 10)


def kaggle_folds() -> dict[str, int]:
    """The stored fold of each of the 200 people of the Kaggle set."""
    return _stored(*_KAGGLE_FOLDS)


def oasis_folds() -> dict[str, int]:
    """The stored fold of each of OASIS-1's people, by identifier, `OAS1_0001`."""
    return _stored(*_OASIS_FOLDS)


def _stored_for(people: set[str]) -> dict[str, int]:
    oasis, kaggle = oasis_folds(), kaggle_folds()
    if not people.isdisjoint(oasis):
        return kaggle | oasis
    return kaggle if people == set(kaggle) else {}


def _stored(package: str, name: str, column: str) -> dict[str, int]:
    with resources.files(package).joinpath(name).open(encoding="utf-8") as file:
        return {row[column]: int(row["fold"]) for row in csv.DictReader(file)}
