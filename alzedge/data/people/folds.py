"""Folds by person that hold for OASIS-1's scans and for the Kaggle archive alike.

`oasis_folds.csv` gives each of OASIS-1's 416 people a fold; it was dealt by `deal_people` on the table and
is kept as a file, so that another copy of the table cannot change it. A subject of the Kaggle archive whose person was
recovered takes that person's fold, so nobody trains in one source and tests in the other. The archive's own folds
(`kaggle_folds.csv`) stay what they are where the archive is used alone.

Why not one file for both: folds of the subjects that agreed with folds of the people would tell, by the order
both stand in, who is who. That is not shipped; the user's copy finds it. A subject whose person is not sure has no
fold (-1) in work with both sources, because any fold might be the wrong one: it neither trains nor tests.
"""

import csv
from collections.abc import Sequence
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from alzedge.data.folds import deal_folds
from alzedge.data.people.recovery import Match
from alzedge.data.people.table import Person
from alzedge.errors import UserError

NO_FOLD = -1
_FILE = "oasis_folds.csv"
# Nobody with dementia is younger; folds get the same share of older people without it.
_OLD_FROM = 60


def deal_people(people: Sequence[Person]) -> dict[str, int]:
    """Deal people into folds, stratified by CDR (or its absence) and by age from 60 on."""
    names = np.array([person.oasis_id for person in people])
    cdr = np.array([-1.0 if person.first.cdr is None else person.first.cdr for person in people])
    old = np.array([person.first.age >= _OLD_FROM for person in people])
    strata = np.unique(np.stack([cdr, old], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    return dict(zip(names.tolist(), deal_folds(names, strata.astype(np.int64)).tolist(), strict=True))


def oasis_folds() -> dict[str, int]:
    """The stored fold of each of OASIS-1's people."""
    with resources.files("alzedge.data.people").joinpath(_FILE).open(encoding="utf-8") as file:
        return {row["person"]: int(row["fold"]) for row in csv.DictReader(file)}


def person_folds(people: Sequence[str]) -> NDArray[np.int64]:
    """Folds (N,) of OASIS-1's people by their identifiers, `OAS1_0001`.

    Raises:
        UserError: somebody is not of OASIS-1.
    """
    stored = oasis_folds()
    unknown = sorted(set(people) - set(stored))
    if unknown:
        raise UserError(
            f"{unknown[0]} is not one of OASIS-1's {len(stored)} people; use OASIS-1's own table and scans."
        )
    return np.array([stored[person] for person in people], np.int64)


def subject_folds_of_people(matches: Sequence[Match]) -> NDArray[np.int64]:
    """Folds (P,) of the archive's subjects in work with both sources: their person's, or -1 where that is not known."""
    stored = oasis_folds()
    return np.array([stored[m.person.oasis_id] if m.known else NO_FOLD for m in matches], np.int64)


def check_one_fold_each(person: Sequence[str], fold: Sequence[int], source: Sequence[str]) -> None:
    """Refuse a person who stands in two folds, within a source or across sources; -1 and unknown people are left out.

    Args:
        person: identifier of each item's person, empty when unknown.
        fold: of each item.
        source: data set of each item, for the message.

    Raises:
        UserError: a person is in two folds.
    """
    first: dict[str, tuple[int, str]] = {}
    for who, where, name in zip(person, fold, source, strict=True):
        if not who or where == NO_FOLD:
            continue
        before, other = first.setdefault(who, (where, name))
        if before != where:
            raise UserError(
                f"{who} is in fold {before} of {other} and in fold {where} of {name}; give both sources the folds of "
                f"`alzedge.data.people.folds` so that nobody trains in one and tests in the other."
            )
