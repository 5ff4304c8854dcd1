"""How the guard is fitted: bands, sources, threshold; what is measured, and on which pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alzedge.data.dataset import DataSet, Split, split_dataset
from alzedge.data.loading import load_dataset
from alzedge.data.phantom_set import make_phantoms
from alzedge.export.guard.fit import make_guard
from alzedge.export.guard.head_cuts import head_cuts
from alzedge.export.guard.ood_images import ood_images
from alzedge.export.hub.card_tables import figure_sections
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.inference.guard import Guard, block_means


@pytest.fixture(scope="module")
def joined(people: DataSet) -> DataSet:
    """Phantoms of two sources: of the first all people at four heights, of the second half of them, noisier, at all six."""
    few = np.unique(people.subject)[::2]
    first = replace(people.take(np.flatnonzero(people.slice < 5)), source=np.full((people.slice < 5).sum(), "first"))
    second = people.take(np.flatnonzero(np.isin(people.subject, few)))
    noise = np.random.default_rng(0).normal(0, 30, (len(second), HEIGHT // 16, WIDTH // 16)).repeat(16, 1).repeat(16, 2)
    images = np.clip(second.images + noise * (second.images > 0), 0, 255).astype(np.uint8)
    second = replace(second, images=images, source=np.full(len(second), "second"))
    names = ("images", "labels", "subject", "slice", "split", "paths", "source")
    arrays = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    return DataSet(name="joined", height=arrays["slice"] * 8.0 - 38, **arrays)


@pytest.fixture(scope="module")
def split(joined: DataSet) -> Split:
    return split_dataset(joined, "subject")


@pytest.fixture(scope="module")
def fitted(joined: DataSet, split: Split) -> Guard:
    return make_guard(joined, split, seed=0)


def test_a_band_s_mean_gives_each_source_the_same_weight(joined: DataSet, split: Split, fitted: Guard) -> None:
    train = joined.take(split.train)
    assert fitted.heights == (-30, -22, -14, -6, 2, 10)
    for height, mean in zip(fitted.heights, fitted.mean, strict=True):
        here = [train.images[(train.height == height) & (train.source == name)] for name in ("first", "second")]
        expected = np.mean([block_means(images).mean(axis=0) for images in here if len(images)], axis=0)
        np.testing.assert_allclose(mean, np.minimum(expected, 255 / 256), atol=1 / 500)


def test_heights_share_at_most_24_bands_and_unknown_ones_are_one_band(joined: DataSet, split: Split) -> None:
    rng = np.random.default_rng(0)
    fine = make_guard(replace(joined, height=rng.uniform(-74, 98, len(joined))), split, seed=0)
    assert 20 <= len(fine.heights) == len(fine.mean) <= 24
    unknown = make_guard(replace(joined, height=np.where(joined.height < 0, np.nan, joined.height)), split, seed=0)
    assert unknown.heights == () and len(unknown.mean) == 1


def test_more_slices_of_the_easier_source_change_nothing(joined: DataSet, split: Split, fitted: Guard) -> None:
    """Weights are equal by source, and the threshold is the harder source's; over all slices it would fall."""
    easier = np.flatnonzero(joined.source == "first")
    rows = np.concatenate([np.arange(len(joined)), *[easier] * 4])
    on_train = np.isin(rows, split.train)
    more = replace(split, train=np.flatnonzero(on_train), test=np.flatnonzero(~on_train))
    other = make_guard(joined.take(rows), more, seed=0)
    assert other.threshold == pytest.approx(fitted.threshold, rel=2e-3)
    np.testing.assert_array_equal(other.mean, fitted.mean)
    train = joined.take(split.train)
    pooled = np.quantile(fitted.distance(joined.take(rows[on_train]).images), 0.9925)
    assert pooled < np.quantile(fitted.distance(train.images[train.source == "second"]), 0.9925)


def test_each_source_is_judged_by_the_guard_and_by_one_without_it(joined: DataSet, split: Split, fitted: Guard) -> None:
    test = joined.take(split.test)
    false = fitted.measured["false_refusals"]
    assert set(false["by_source"]) == {"first", "second"} == set(fitted.measured["unseen_source"])
    for name, entry in false["by_source"].items():
        images = test.images[test.source == name]
        assert entry == {"n": len(images), "refused": float((fitted.unlikeness(images) > 1).mean())}
    only_first = np.flatnonzero(joined.source == "first")
    alone = replace(split, train=np.intersect1d(split.train, only_first), test=np.intersect1d(split.test, only_first))
    other = make_guard(joined, alone, seed=0)
    # Heights that the first source does not show are not asked of a guard that knows no other.
    shown = test.images[(test.source == "second") & (test.height <= -6)]
    expected = {"n": len(shown), "refused": float((other.unlikeness(shown) > 1).mean())}
    assert fitted.measured["unseen_source"]["second"] == expected
    assert "unseen_source" not in other.measured and "by_source" not in other.measured["false_refusals"]


def test_the_card_shows_sources_and_unseen_sources(fitted: Guard) -> None:
    text = figure_sections({"dataset": {"people": 40}, "guard": fitted.to_dict()}, {}, None, "student.tflite")
    entry = fitted.measured["unseen_source"]["second"]
    assert f"| from second, by a guard fitted without that source | {entry['n']} | {entry['refused']:.1%} |" in text
    assert "| of these, from first |" in text and "| T2-like contrast | " in text


def test_pictures_with_another_contrast_keep_their_background(joined: DataSet) -> None:
    images = ood_images(joined, seed=0)
    rows = np.linspace(0, len(joined) - 1, 120, dtype=np.intp)
    dark, bright = joined.images[rows] < 6, joined.images[rows] > 200
    for name in ("T2-like contrast", "contrast inverted in the brain"):
        assert images[name].dtype == np.uint8 and not images[name][dark].any()
        assert images[name][bright].max() < 171  # grey matter at the brightest
    assert images["sagittal cuts"].shape == images["coronal cuts"].shape


def test_cuts_of_the_average_head_keep_away_from_the_levels() -> None:
    cuts = head_cuts(-38, 54)
    assert set(cuts) == {
        "coronal cuts of an average head",
        "sagittal cuts of an average head",
        "below the levels",
        "above the levels",
    }
    for name, images in cuts.items():
        assert images.shape[1:] == (HEIGHT, WIDTH) and images.dtype == np.uint8 and len(images) >= 4, name
        assert images.any(axis=(1, 2)).all()
    assert set(head_cuts(np.nan, np.nan)) == {"coronal cuts of an average head", "sagittal cuts of an average head"}


def test_the_threshold_comes_from_training_people_alone(people: DataSet, guard: Guard) -> None:
    """Other test images change what was measured, not the guard."""
    split = split_dataset(people, "subject")
    images = people.images.copy()
    images[split.test] = 255 - images[split.test]
    other = make_guard(replace(people, images=images), split, seed=0)
    assert other.threshold == guard.threshold and np.array_equal(other.components, guard.components)
    assert other.measured["false_refusals"]["refused"] > 0.9


@pytest.mark.slow
def test_ood_images_are_refused_and_new_phantoms_are_not(people: DataSet, guard: Guard) -> None:
    assert (guard.unlikeness(make_phantoms(30, 6, seed=7).images) > 1).mean() < 0.1
    for name in ("noise", "photographs", "drawn radiographs", "drawn screenshots", "one grey", "coronal cuts"):
        images = ood_images(people, seed=1)[name]
        assert (guard.unlikeness(images) > 1).mean() > 0.9, name


def test_what_was_measured_is_what_the_guard_does(people: DataSet, guard: Guard) -> None:
    test = people.take(split_dataset(people, "subject").test)
    refused = float((guard.unlikeness(test.images) > 1).mean())
    assert guard.measured["false_refusals"] == {"n": len(test), "refused": refused}
    noise = ood_images(test, seed=0)["noise"]
    assert guard.measured["detected"]["noise"]["refused"] == float((guard.unlikeness(noise) > 1).mean())


@pytest.mark.slow
def test_real_people_pass_and_ood_images_do_not(archive: Path) -> None:
    """At most 2 % of unseen people's slices are refused by mistake."""
    kaggle = load_dataset(archive)
    measured = make_guard(kaggle, split_dataset(kaggle, "subject"), seed=0).measured
    assert measured["false_refusals"]["refused"] <= 0.02
    assert min(kind["refused"] for kind in measured["detected"].values()) >= 0.95
