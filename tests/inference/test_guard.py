"""The guard on the device: its formula, that a file keeps it as it was, and one decision everywhere."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.commands import run_code
from PIL import Image

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.demo.answering.uploads import NotASlice, read_uploads
from alzedge.errors import UserError
from alzedge.export.guard.fit import make_guard
from alzedge.imaging.file_types import IMAGE
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.inference.answering import Answerer
from alzedge.inference.classifier import Classifier
from alzedge.inference.guard import NOT_A_SLICE, Guard, block_means
from alzedge.inference.inputs import Item


@pytest.fixture(scope="module")
def sources(people: DataSet) -> DataSet:
    """Phantoms at known heights, every other person's from a darker source."""
    person = np.unique(people.subject, return_inverse=True)[1]
    images = np.where(person[:, None, None] % 2, people.images, people.images // 10 * 9).astype(np.uint8)
    return replace(people, images=images, source=np.where(person % 2, "a", "b"), height=people.slice * 7.0)


@pytest.fixture(scope="module")
def banded(sources: DataSet) -> Guard:
    """The guard of `sources`, fold 0 held out."""
    return make_guard(sources, split_dataset(sources, "subject"), seed=0)


def test_block_means_are_exact() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, HEIGHT, WIDTH), dtype=np.uint8)
    exact = images.reshape(3, 13, 16, 11, 16).astype(np.float64).mean(axis=(2, 4)).reshape(3, -1) / 255
    np.testing.assert_allclose(block_means(images), exact, rtol=1e-7)
    white = np.full((1, HEIGHT, WIDTH), 255, np.uint8)
    np.testing.assert_array_equal(block_means(white), 1)


def test_distance_is_reconstruction_error_plus_mahalanobis_to_the_nearest_band(sources: DataSet, banded: Guard) -> None:
    """The formula written out for one slice, in float64."""
    images = sources.images[3:4]
    offsets = block_means(images)[0].astype(float) - banded.mean
    expected = []
    for offset, residual in zip(offsets, banded.residual, strict=True):
        within = [float(offset @ row) for row in banded.components]
        outside = offset - sum(w * row for w, row in zip(within, banded.components, strict=True))
        expected.append((outside @ outside) / residual + np.mean(np.square(within) / banded.variance))
    assert len(expected) > 3 and np.argmin(expected) != 0
    assert banded.distance(images)[0] == pytest.approx(min(expected), rel=1e-5)


def test_a_guard_of_version_0_1_goes_on_working(people: DataSet) -> None:
    """One band, arrays in half precision, one residual."""
    rng = np.random.default_rng(0)
    means = block_means(people.images)
    arrays = {
        "mean": means.mean(axis=0),
        "components": np.linalg.qr(rng.normal(size=(143, 16)))[0].T,
        "variance": np.full(16, 0.25),
    }
    half = {name: np.ascontiguousarray(array, "<f2") for name, array in arrays.items()}
    entry = {name: base64.b64encode(array.tobytes()).decode() for name, array in half.items()}
    guard = Guard.from_dict({"block": 16, **entry, "residual": 0.5, "threshold": 2.0, "measured": {}})
    offset = means.astype(float) - half["mean"]
    within = offset @ half["components"].T.astype(float)
    outside = offset - within @ half["components"].astype(float)
    expected = (outside**2).sum(axis=1) / 0.5 + (within**2 / 0.25).mean(axis=1)
    np.testing.assert_allclose(guard.unlikeness(people.images), expected / 2, rtol=1e-5)


def test_one_decision_on_pictures_of_another_size(tmp_path: Path) -> None:
    """Command, Python and page say the same of a picture, to the last bit; so they do of one that may be a slice."""
    classifier = Classifier.load()
    noise = np.random.default_rng(0).integers(0, 256, (300, 400), dtype=np.uint8)
    black = np.zeros((300, 400), np.uint8)
    guard = classifier.guard
    assert guard is not None
    near = guard.mean[0].reshape(13, 11).repeat(16, 0).repeat(16, 1)  # the mean slice, which is near every slice
    for name, pixels in (("noise", noise), ("black", black), ("near", np.rint(near * 255).astype(np.uint8))):
        Image.fromarray(pixels).resize((352, 416)).save(tmp_path / f"{name}.png")
    for name in ("noise", "black"):
        path = tmp_path / f"{name}.png"
        (answer,) = classifier.predict(path).slices
        (result,) = Answerer(classifier)([Item(path.name, IMAGE, (str(path),))])
        assert answer.refused == NOT_A_SLICE and answer.unlikeness > 1 and result.answers == (answer,)
        with pytest.raises(NotASlice, match=f"{name}.png: {NOT_A_SLICE[:30]}") as refusal:
            read_uploads([path], guard=guard)
        assert refusal.value.unlikeness == answer.unlikeness
    path = tmp_path / "near.png"
    sentence = "near.png: 352 wide x 416 high, but slices are 176 wide x 208 high"
    (result,) = Answerer(classifier)([Item(path.name, IMAGE, (str(path),))])
    assert sentence in str(result.error) and not result.answers
    for ask in (classifier.predict, lambda path: read_uploads([path], guard=guard)):
        with pytest.raises(UserError, match=sentence):
            ask(path)


def test_a_file_keeps_the_guard_bit_for_bit(sources: DataSet, guard: Guard, banded: Guard) -> None:
    for one in (guard, banded):
        again = Guard.from_dict(json.loads(json.dumps(one.to_dict())))
        np.testing.assert_array_equal(again.unlikeness(sources.images[:20]), one.unlikeness(sources.images[:20]))
        assert again.to_dict() == one.to_dict()


@pytest.mark.parametrize(
    "change", [{"block": 8}, {"bands": 2}, {"residual": [0.1]}, {"threshold": 0}, {"mean": "?"}, {"heights": None}]
)
def test_an_entry_that_is_not_understood_is_refused(banded: Guard, change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="update alzedge"):
        Guard.from_dict(banded.to_dict() | change)


def test_every_batch_gives_a_slice_the_same_bits(sources: DataSet, banded: Guard) -> None:
    images = np.concatenate([sources.images[:37], 255 - sources.images[:3]])
    expected = banded.unlikeness(images)
    for size in (1, 2, 3, 5, 16, 17, 39):
        batches = [banded.unlikeness(images[start : start + size]) for start in range(0, len(images), size)]
        np.testing.assert_array_equal(np.concatenate(batches), expected, err_msg=f"batches of {size}")
    np.testing.assert_array_equal(banded.unlikeness(images[::2]), expected[::2])  # not contiguous
    assert banded.unlikeness(images[:0]).shape == (0,)


GUARD = """
import hashlib, json
import numpy as np
from alzedge.data.dataset import DataSet, split_dataset
from alzedge.export.guard.fit import make_guard
images = np.kron(np.random.default_rng(0).integers(0, 256, (200, 13, 11)), np.ones((16, 16))).astype(np.uint8)
label, subject, place = (np.arange(200) // n % m for n, m in ((50, 4), (5, 200), (1, 5)))
people = DataSet("drawn", images, label, subject.astype(str), place + 1, np.full(200, ""), np.arange(200).astype(str))
guard = make_guard(people, split_dataset(people, "subject"), seed=0)
answers = guard.unlikeness(people.images).tobytes()
print(hashlib.sha256(json.dumps(guard.to_dict()).encode() + answers).hexdigest())
"""


@pytest.mark.slow
def test_any_number_of_threads_gives_the_same_bytes() -> None:
    """OpenBLAS reads the number when it is loaded, so each has a process of its own.

    Its kernels for Haswell add up in another order with two threads than with one; not all of its others do.
    """
    variables = {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": None}
    digests = {run_code(GUARD, **variables, OMP_NUM_THREADS=threads).stdout for threads in ("1", "2", None)}
    assert len(digests) == 1 and digests.pop().strip()
