"""The floors, and what they show on data that leaks people."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.loading import load_dataset
from alzedge.metrics.nearest_neighbour import floor_accuracies, nearest_neighbour


def test_nearest_neighbour_is_scikit_learn_s(phantoms: DataSet) -> None:
    train, test = np.arange(0, 100, 2), np.arange(1, 100, 2)
    pixels = phantoms.images[:, ::4, ::4].reshape(100, -1).astype(float)
    theirs = KNeighborsClassifier(1, metric="correlation").fit(pixels[train], phantoms.labels[train])
    ours = nearest_neighbour(phantoms.images[train], phantoms.labels[train], phantoms.images[test])
    np.testing.assert_array_equal(ours, theirs.predict(pixels[test]))


def test_the_official_split_leaks_and_the_subject_split_does_not(archive: Path) -> None:
    data = load_dataset(archive)
    official = floor_accuracies(data, split_dataset(data, "official"))
    unseen = [floor_accuracies(data, split_dataset(data, "subject", fold))["nearest_neighbour"] for fold in range(5)]
    assert official["nearest_neighbour"] == pytest.approx(0.747, abs=0.001)
    assert official["majority"] == pytest.approx(0.500, abs=0.001)
    assert np.mean(unseen) == pytest.approx(0.50, abs=0.04)
