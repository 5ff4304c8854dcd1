"""Baselines against scikit-learn, and what they show on data that leaks people."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.loading import load_dataset
from alzedge.metrics.baselines import CSF, METHODS, BaselineFigures, People, Sides, baseline_figures, features_of
from alzedge.metrics.nearest_neighbour import baseline_accuracies, nearest_neighbour


def test_nearest_neighbour_is_scikit_learn_s(phantoms: DataSet) -> None:
    train, test = np.arange(0, 100, 2), np.arange(1, 100, 2)
    pixels = phantoms.images[:, ::4, ::4].reshape(100, -1).astype(float)
    theirs = KNeighborsClassifier(1, metric="correlation").fit(pixels[train], phantoms.labels[train])
    ours = nearest_neighbour(phantoms.images[train], phantoms.labels[train], phantoms.images[test])
    np.testing.assert_array_equal(ours, theirs.predict(pixels[test]))


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
