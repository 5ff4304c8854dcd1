"""Phantoms look like the real thing where it matters, and can be learned from."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from alzedge.data.dataset import DataSet
from alzedge.data.phantom_set import make_phantoms
from alzedge.stages import STAGES


def csf_share(data: DataSet) -> np.ndarray:
    """Share of dark pixels within the brain, by slice."""
    brain = data.images > 0
    return (brain & (data.images < 90)).sum(axis=(1, 2)) / brain.sum(axis=(1, 2))


def test_same_seed_same_phantoms_and_more_people_change_nobody() -> None:
    few, many = make_phantoms(8, 3, seed=5), make_phantoms(12, 3, seed=5)
    assert few.fingerprint == make_phantoms(8, 3, seed=5).fingerprint
    assert few.fingerprint != make_phantoms(8, 3, seed=6).fingerprint
    for person in set(few.subject):
        np.testing.assert_array_equal(few.images[few.subject == person], many.images[many.subject == person])


def test_form_is_that_of_the_kaggle_set(phantoms: DataSet) -> None:
    assert phantoms.images.shape == (100, 208, 176) and phantoms.images.dtype == np.uint8
    assert (phantoms.images[:, :8] == 0).all() and (phantoms.images[:, :, :8] == 0).all()
    assert (phantoms.images.max(axis=(1, 2)) > 240).all()
    assert set(phantoms.split) == {"train", "test"}
    assert set(phantoms.subject[phantoms.split == "test"]) == set(phantoms.subject)


def test_csf_grows_with_the_stage(phantoms: DataSet) -> None:
    share = csf_share(phantoms)
    means = [share[phantoms.labels == label].mean() for label in range(len(STAGES))]
    assert means == sorted(means) and means[-1] > 1.5 * means[0]


def test_neighbouring_slices_of_a_person_are_alike_and_people_differ(phantoms: DataSet) -> None:
    middle = phantoms.images[phantoms.slice == 3].astype(float)
    following = phantoms.images[phantoms.slice == 4].astype(float)
    distance = np.abs(middle[:, None] - following[None]).mean(axis=(2, 3))
    assert np.median(np.diag(distance)) < np.median(distance[~np.eye(len(distance), dtype=bool)])


@pytest.mark.slow
def test_stages_can_be_learned_on_unseen_people_but_not_perfectly() -> None:
    data = make_phantoms(60, 3, seed=1)
    share = csf_share(data)[data.slice == 2].reshape(-1, 1)
    labels = data.labels[data.slice == 2]
    train = np.arange(60) % 2 == 0
    score = LogisticRegression(C=1e4).fit(share[train], labels[train]).score(share[~train], labels[~train])
    assert 0.5 < score < 1.0
