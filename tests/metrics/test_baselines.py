"""Baselines against scikit-learn, and what they show on data that leaks people."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import helmert
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from sklearn.neighbors import KNeighborsClassifier

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.loading import load_dataset
from alzedge.metrics.baselines import CSF, METHODS, BaselineFigures, People, Sides, baseline_figures, features_of
from alzedge.metrics.nearest_neighbour import baseline_accuracies, chained_neighbours, nearest, nearest_neighbour


def test_nearest_neighbour_is_scikit_learn_s(phantoms: DataSet) -> None:
    train, test = np.arange(0, 100, 2), np.arange(1, 100, 2)
    pixels = phantoms.images[:, ::4, ::4].reshape(100, -1).astype(float)
    theirs = KNeighborsClassifier(1, metric="correlation").fit(pixels[train], phantoms.labels[train])
    ours = nearest_neighbour(phantoms.images[train], phantoms.labels[train], phantoms.images[test])
    np.testing.assert_array_equal(ours, theirs.predict(pixels[test]))


def test_a_chain_follows_each_curve_from_its_labelled_end() -> None:
    """Two circles of latitude, each labelled at another end: what is near along the curve is far from its end."""
    turn, tilt = np.linspace(0, np.pi, 40), np.deg2rad(20)
    north = np.stack([np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.full(40, np.sin(tilt))], axis=1)
    points = np.concatenate([north, north[::-1] * (1, 1, -1)])
    rows = points @ helmert(4)  # four numbers whose mean is 0, as correlation has it
    circles, ends = np.repeat([0, 1], 40), np.array([0, 40])
    asked = np.random.default_rng(0).permutation(np.setdiff1d(np.arange(80), ends))
    assert (chained_neighbours(rows[ends], circles[ends], rows[asked]) == circles[asked]).all()
    alone = circles[ends][nearest(rows[ends], rows[asked])]
    assert 0.4 < np.mean(alone == circles[asked]) < 0.6


def test_the_chain_is_the_minimum_spanning_tree_of_scipy(phantoms: DataSet) -> None:
    known, asked = np.arange(0, 100, 5), np.setdiff1d(np.arange(100), np.arange(0, 100, 5))
    pixels = phantoms.images[:, ::4, ::4]
    distances = 1 - np.corrcoef(pixels.reshape(100, -1))
    distances[np.ix_(known, known)] = 1e-6  # labelled slices are one place to begin from
    tree = minimum_spanning_tree(distances).toarray()
    tree[np.ix_(known, known)] = 0
    group = connected_components(tree, directed=False)[1]
    theirs = [known[group[known] == group[one]][0] for one in asked]
    ours = chained_neighbours(pixels[known], known, pixels[asked])
    np.testing.assert_array_equal(ours, theirs)
    assert 0 < np.mean(ours != known[nearest(pixels[known], pixels[asked])]) < 0.9  # or it would show nothing


def measured(data: DataSet, subject: np.ndarray | None, sides: Sides) -> dict[str, BaselineFigures]:
    people = People(data.labels, subject, data.slice)
    return baseline_figures(features_of(data.images), people, sides, replicates=20)


def test_figures_with_intervals_are_those_of_the_accuracies(phantoms: DataSet) -> None:
    split = split_dataset(phantoms, "subject")
    found = measured(phantoms, phantoms.subject, [(split.train, split.test)])
    assert list(found) == list(METHODS) and {method: of.per for method, of in found.items()}[CSF] == "person"
    stages = found["nearest_neighbour"].tasks["stages4"]
    assert stages is not None and set(stages) == {"slice", "person"}
    accuracy = stages["slice"][0]["accuracy"]
    assert accuracy and accuracy.value == baseline_accuracies(phantoms, split)["nearest_neighbour"]
    alone = found[CSF].tasks["any_dementia"]  # of a task of its own the figures per person alone
    assert alone is not None and set(alone) == {"person"} and alone["person"][1].n == 4
    content = found[CSF].to_json()
    assert content["per"] == "person" and content["any_dementia"]["person"]["n"] == 4


def test_a_training_side_without_a_class_has_no_figures_of_the_task(phantoms: DataSet) -> None:
    order = np.argsort(phantoms.labels, kind="stable")
    data = replace(phantoms.take(order))
    few = np.flatnonzero(data.labels < 2)
    found = measured(data, None, [(few[::2], np.arange(len(data)))])
    assert found["histogram"].tasks["stages4"] is None and found["histogram"].tasks["cdr1"] is None
    dementia = found["histogram"].tasks["any_dementia"]
    assert dementia is not None and set(dementia) == {"slice"}
    assert found["nearest_neighbour"].tasks["stages4"] is not None and found[CSF].per == "slice"
    assert found["histogram"].to_json()["stages4"] is None


@pytest.mark.slow
def test_the_official_split_leaks_and_the_subject_split_does_not(archive: Path) -> None:
    data = load_dataset(archive)
    official = baseline_accuracies(data, split_dataset(data, "official"))
    assert official["nearest_neighbour"] == pytest.approx(0.747, abs=0.001)
    assert official["majority"] == pytest.approx(0.500, abs=0.001)
    unseen = baseline_accuracies(data, split_dataset(data, "subject"))
    assert unseen["nearest_neighbour"] == pytest.approx(0.50, abs=0.06)
