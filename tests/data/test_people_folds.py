"""Folds by person: fixed, balanced, and one for each person across sources."""

from pathlib import Path

import numpy as np

from alzedge.data.folds import N_FOLDS, deal_folds, deal_people, kaggle_folds, oasis_folds, subject_folds
from alzedge.data.make_files import fold_file
from alzedge.data.people.table import Person, read_people


def test_stored_folds_cover_oasis_and_are_even() -> None:
    stored = oasis_folds()
    assert len(stored) == 416
    sizes = np.bincount(list(stored.values()), minlength=N_FOLDS)
    assert len(sizes) == N_FOLDS and sizes.max() - sizes.min() <= 1


def test_stored_folds_are_dealt_on_the_real_table(oasis_table: Path) -> None:
    assert fold_file(oasis_table).splitlines()[1:] == [f"{k},{v}" for k, v in sorted(oasis_folds().items())]
    people = read_people(oasis_table)
    folds = np.array([oasis_folds()[person.oasis_id] for person in people])
    for chosen in (
        [p.first.cdr is not None and p.first.cdr > 0 for p in people],
        [p.first.cdr == 0 and p.first.age < 60 for p in people],
        [p.first.cdr is None for p in people],
    ):
        sizes = np.bincount(folds[np.array(chosen)], minlength=N_FOLDS)
        assert sizes.max() - sizes.min() <= 3


def test_dealing_depends_on_people_not_on_their_order(made_up_people: list[Person]) -> None:
    assert deal_people(made_up_people) == deal_people(made_up_people[::-1])


def test_people_of_oasis_have_their_fold_in_every_company() -> None:
    oasis, kaggle = oasis_folds(), kaggle_folds()
    some = ["OAS1_0003", "OAS1_0001", "OAS1_0002"]
    others = [f"x{k}" for k in range(12)]
    people = np.array([*some, "NonDemented-010", *others])
    labels = np.full(len(people), -1)
    folds = subject_folds(people, labels)
    assert folds[:3].tolist() == [oasis[person] for person in some]
    assert folds[3] == kaggle["NonDemented-010"]
    assert (
        folds[4:].tolist() == deal_folds(np.array(sorted(others)), labels[4:])[np.argsort(np.argsort(others))].tolist()
    )


def test_the_kaggle_set_alone_keeps_its_own_folds_and_a_part_of_it_is_dealt() -> None:
    stored = kaggle_folds()
    names = np.array(list(stored))
    labels = np.arange(200) // 50
    assert subject_folds(names, labels).tolist() == list(stored.values())
    part = np.sort(names)[:10]
    assert subject_folds(part, labels[:10]).tolist() == deal_folds(part, labels[:10]).tolist()
