"""The guard: what it refuses, what it lets pass, and that a file keeps it as it was."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.loading import load_dataset
from alzedge.data.phantom_set import make_phantoms
from alzedge.errors import UserError
from alzedge.export.guard.fit import make_guard
from alzedge.export.guard.ood_images import strangers
from alzedge.imaging.slices import HEIGHT, WIDTH, fit_slice
from alzedge.inference.guard import Guard, block_means


@pytest.fixture(scope="module")
def people() -> DataSet:
    return make_phantoms(60, 6)


@pytest.fixture(scope="module")
def guard(people: DataSet) -> Guard:
    return make_guard(people, split_dataset(people, "subject"), seed=0)


def test_block_means_are_exact() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, HEIGHT, WIDTH), dtype=np.uint8)
    exact = images.reshape(3, 13, 16, 11, 16).astype(np.float64).mean(axis=(2, 4)).reshape(3, -1) / 255
    np.testing.assert_allclose(block_means(images), exact, rtol=1e-7)


def test_distance_is_reconstruction_error_plus_mahalanobis(people: DataSet, guard: Guard) -> None:
    """The formula written out for one slice, in float64."""
    offset = block_means(people.images[:1])[0].astype(float) - guard.mean
    within = [float(offset @ row) for row in guard.components]
    outside = offset - sum(w * row for w, row in zip(within, guard.components, strict=True))
    expected = (outside @ outside) / guard.residual + np.mean(np.square(within) / guard.variance)
    assert guard.distance(people.images[:1])[0] == pytest.approx(expected, rel=1e-4)


def test_a_file_keeps_the_guard_bit_for_bit(people: DataSet, guard: Guard) -> None:
    again = Guard.from_dict(json.loads(json.dumps(guard.to_dict())))
    np.testing.assert_array_equal(again.unlikeness(people.images[:20]), guard.unlikeness(people.images[:20]))
    with pytest.raises(UserError, match="update alzedge"):
        Guard.from_dict(guard.to_dict() | {"block": 8})


def test_the_threshold_comes_from_training_people_alone(people: DataSet, guard: Guard) -> None:
    """Other test images change what was measured, not the guard."""
    split = split_dataset(people, "subject")
    images = people.images.copy()
    images[split.test] = 255 - images[split.test]
    changed = DataSet(
        **{name: getattr(people, name) for name in ("name", "labels", "subject", "slice", "split", "paths")},
        images=images,
    )
    other = make_guard(changed, split, seed=0)
    assert other.threshold == guard.threshold and np.array_equal(other.components, guard.components)
    assert other.measured["false_refusals"]["refused"] > 0.9


def test_strangers_are_refused_and_new_phantoms_are_not(people: DataSet, guard: Guard) -> None:
    assert (guard.unlikeness(make_phantoms(30, 6, seed=7).images) > 1).mean() < 0.1
    for name in ("noise", "photographs", "drawn radiographs", "drawn screenshots", "one grey", "coronal cuts"):
        images = strangers(people, seed=1)[name]
        assert (guard.unlikeness(images) > 1).mean() > 0.9, name


def test_what_was_measured_is_what_the_guard_does(people: DataSet, guard: Guard) -> None:
    test = people.take(split_dataset(people, "subject").test)
    refused = float((guard.unlikeness(test.images) > 1).mean())
    assert guard.measured["false_refusals"] == {"n": len(test), "refused": refused}
    noise = strangers(test, seed=0)["noise"]
    assert guard.measured["detected"]["noise"]["refused"] == float((guard.unlikeness(noise) > 1).mean())


def test_real_people_pass_and_strangers_do_not(archive: Path) -> None:
    """At most 2 % of unseen people's slices are refused by mistake."""
    kaggle = load_dataset(archive)
    measured = make_guard(kaggle, split_dataset(kaggle, "subject"), seed=0).measured
    assert measured["false_refusals"]["refused"] <= 0.02
    assert min(kind["refused"] for kind in measured["detected"].values()) >= 0.95


@pytest.mark.slow
def test_a_real_cat_and_a_real_coronal_slice_are_refused(archive: Path) -> None:
    from nilearn.datasets import load_mni152_template
    from skimage.data import chelsea

    kaggle = load_dataset(archive)
    guard = make_guard(kaggle, split_dataset(kaggle, "subject"), seed=0)
    brain = load_mni152_template(resolution=1).get_fdata()
    pictures = [chelsea(), *((brain[:, y, ::-1].T * 255).astype(np.uint8) for y in range(60, 180, 5))]
    for picture in pictures:
        import io

        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        pixels, problem = fit_slice(buffer.getvalue(), "x.png")
        assert problem and guard.unlikeness(pixels[None])[0] > 1
