"""Folds by person: fixed, balanced, and one for each person across sources."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alzedge.data.folds import N_FOLDS
from alzedge.data.people.folds import (
    NO_FOLD,
    check_one_fold_each,
    deal_people,
    oasis_folds,
    person_folds,
    subject_folds_of_people,
)
from alzedge.data.people.make_files import fold_file
from alzedge.data.people.recovery import Match
from alzedge.data.people.table import Person, read_people
from alzedge.errors import UserError


def test_stored_folds_cover_oasis_and_are_even() -> None:
    stored = oasis_folds()
    assert len(stored) == 416
    sizes = np.bincount(list(stored.values()), minlength=N_FOLDS)
    assert len(sizes) == N_FOLDS and sizes.max() - sizes.min() <= 1


def test_stored_folds_are_dealt_on_the_real_table(oasis_table: Path) -> None:
    assert fold_file(oasis_table).splitlines()[1:] == [f"{k},{v}" for k, v in sorted(oasis_folds().items())]
    people = read_people(oasis_table)
    folds = person_folds([person.oasis_id for person in people])
    for chosen in (
        [p.first.cdr is not None and p.first.cdr > 0 for p in people],
        [p.first.cdr == 0 and p.first.age < 60 for p in people],
        [p.first.cdr is None for p in people],
    ):
        sizes = np.bincount(folds[np.array(chosen)], minlength=N_FOLDS)
        assert sizes.max() - sizes.min() <= 3


def test_dealing_depends_on_people_not_on_their_order(made_up_people: list[Person]) -> None:
    assert deal_people(made_up_people) == deal_people(made_up_people[::-1])


def test_subjects_take_their_person_s_fold_or_none(made_up_people: list[Person]) -> None:
    one, two = made_up_people[0], made_up_people[1]
    sure = Match("a", one, 0.97, two, 0.02, 0.0)
    folds = subject_folds_of_people([sure, replace(sure, posterior=0.89)])
    assert folds.tolist() == [oasis_folds()[one.oasis_id], NO_FOLD]


def test_strangers_have_no_fold() -> None:
    with pytest.raises(UserError, match="OAS2_0001"):
        person_folds(["OAS1_0001", "OAS2_0001"])


def test_a_person_in_two_folds_is_refused() -> None:
    sources = ["archive", "scans", "scans", "archive"]
    check_one_fold_each(["a", "a", "b", ""], [1, 1, 2, 3], sources)
    check_one_fold_each(["a", "a"], [NO_FOLD, 1], sources[:2])
    with pytest.raises(UserError, match="a is in fold 1 of archive and in fold 2 of scans"):
        check_one_fold_each(["a", "a"], [1, 2], sources[:2])
