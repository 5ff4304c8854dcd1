"""Who trains, who watches, in what order; by people, never by slices."""

import itertools

import numpy as np
import pytest

from alzedge.errors import UserError
from alzedge.teacher.training.sampling import (
    alternating,
    balanced,
    draw_partners,
    labelled_part,
    shuffled,
    watching_part,
)

# 40 people of 3 slices each: 20, 10, 8 and 2 of the four stages.
LABELS = np.repeat(np.repeat(np.arange(4), [20, 10, 8, 2]), 3)
PEOPLE = np.repeat([f"person-{i}" for i in range(40)], 3)


def people_per_stage(index: np.ndarray) -> list[int]:
    return [len(np.unique(PEOPLE[index][LABELS[index] == stage])) for stage in range(4)]


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(1, [1, 1, 1, 1]), (10, [2, 1, 1, 1]), (20, [4, 2, 2, 1]), (50, [10, 5, 4, 1]), (100, [20, 10, 8, 2])],
)
def test_a_label_share_takes_whole_people_of_every_stage(percent: int, expected: list[int]) -> None:
    part = labelled_part(PEOPLE, LABELS, percent)
    assert people_per_stage(part) == expected
    assert len(part) == 3 * sum(expected)


def test_a_smaller_label_share_lies_in_the_larger_and_order_does_not_matter() -> None:
    shares = [set(PEOPLE[labelled_part(PEOPLE, LABELS, percent)]) for percent in (1, 10, 20, 50, 100)]
    assert all(small <= large for small, large in itertools.pairwise(shares))
    mixed = np.random.default_rng(0).permutation(len(PEOPLE))
    assert set(PEOPLE[mixed][labelled_part(PEOPLE[mixed], LABELS[mixed], 20)]) == shares[2]


def test_a_fifth_of_each_stage_s_people_watches_and_none_of_them_trains() -> None:
    watching = watching_part(PEOPLE, LABELS)
    assert people_per_stage(np.flatnonzero(watching)) == [4, 2, 1, 0]
    assert not set(PEOPLE[watching]) & set(PEOPLE[~watching])


def test_too_few_people_to_watch_is_an_error() -> None:
    few = LABELS == 3
    with pytest.raises(UserError, match="set patience to 0"):
        watching_part(PEOPLE[few], LABELS[few])


def test_stages_alternate_or_are_balanced() -> None:
    index = np.arange(0, 120, 2)
    turns = alternating(index, LABELS[index], 5)(1)
    assert len(turns) == len(index)
    np.testing.assert_array_equal(LABELS[turns], np.arange(60) % 4)
    mixed = balanced(index, LABELS[index], 5)(1)
    np.testing.assert_array_equal(np.bincount(LABELS[mixed]), [15, 15, 15, 15])
    assert set(turns) <= set(index) and np.any(LABELS[mixed] != np.arange(60) % 4)
    common = index[LABELS[index] == 0]
    assert len(np.unique(turns[LABELS[turns] == 0])) == 15 <= len(common)  # no slice twice while others wait


@pytest.mark.parametrize("draw", [shuffled(np.arange(120), 3), balanced(np.arange(120), LABELS, 3)])
def test_epochs_differ_and_repeat(draw: object) -> None:
    np.testing.assert_array_equal(draw(2), draw(2))  # type: ignore[operator]
    assert np.any(draw(2) != draw(3))  # type: ignore[operator]


def test_partners_are_other_slices_of_the_person_within_reach() -> None:
    people = np.repeat(["b", "a", "c"], [6, 5, 1])
    places = np.concatenate([np.arange(6, 0, -1), [1, 2, 3, 9, 10], [4]])
    seen = {}
    for seed in range(200):
        partners = draw_partners(people, places, 2, [seed])
        for image, partner in enumerate(partners):
            seen.setdefault(image, set()).add(int(partner))
    for image, found in seen.items():
        near = (people == people[image]) & (abs(places - places[image]) <= 2) & (np.arange(12) != image)
        assert found == (set(np.flatnonzero(near)) or {image})
    unknown = draw_partners(people, np.zeros(12, np.int64), 1, [0])
    assert (people[unknown] == people).all() and (unknown[:11] != np.arange(11)).all()
