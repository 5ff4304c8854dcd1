"""Folds are fixed, stratified, and keep people together."""

from collections import Counter

import numpy as np

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.folds import N_FOLDS, deal_folds, kaggle_folds, subject_folds
from alzedge.stages import STAGES


def test_stored_kaggle_folds_are_those_dealt() -> None:
    stored = kaggle_folds()
    labels = np.array([STAGES.index(name.split("-")[0]) for name in stored])
    assert list(stored.values()) == deal_folds(np.array(list(stored)), labels).tolist()
    assert len(stored) == 200


def test_kaggle_folds_are_stratified() -> None:
    counts = Counter((name.split("-")[0], fold) for name, fold in kaggle_folds().items())
    assert {counts["NonDemented", fold] for fold in range(N_FOLDS)} == {20}
    assert {counts["VeryMildDemented", fold] for fold in range(N_FOLDS)} == {14}
    assert {counts["MildDemented", fold] for fold in range(N_FOLDS)} == {5, 6}


def test_a_person_is_in_one_fold_whatever_the_order(phantoms: DataSet) -> None:
    folds = subject_folds(phantoms.subject, phantoms.labels)
    assert all(len(set(folds[phantoms.subject == person])) == 1 for person in set(phantoms.subject))
    order = np.random.default_rng(0).permutation(len(phantoms))
    np.testing.assert_array_equal(subject_folds(phantoms.subject[order], phantoms.labels[order]), folds[order])


def test_every_fold_holds_out_other_people(phantoms: DataSet) -> None:
    held_out = [set(phantoms.subject[split_dataset(phantoms, "subject", fold).test]) for fold in range(N_FOLDS)]
    assert set.union(*held_out) == set(phantoms.subject)
    assert sum(map(len, held_out)) == len(set(phantoms.subject))


def test_the_leaky_split_has_a_tenth_to_test_and_people_on_both_sides(phantoms: DataSet) -> None:
    split = split_dataset(phantoms, "leaky")
    assert (len(split.train), len(split.test)) == (80, 10) and not set(split.train) & set(split.test)
    assert split.unseen_people is False and split.fold is None and "leaks people" in split.description
