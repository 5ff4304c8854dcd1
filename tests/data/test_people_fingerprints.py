"""Fingerprints find copies of known slices and leave strangers alone."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alzedge.data.loading import load_dataset
from alzedge.data.make_files import fingerprint_file
from alzedge.data.people.by_pixels.fingerprints import (
    Fingerprints,
    frequencies,
    kaggle_fingerprints,
    make_fingerprints,
    recognise,
)


def _brains(count: int, slices: int, seed: int = 0) -> np.ndarray:
    """Made-up slices uint8 (count * slices, 208, 176): each person's own blobs in a shared oval, drifting by slice."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:208, :176]
    oval = ((rows - 104) / 85) ** 2 + ((columns - 88) / 65) ** 2 < 1
    found = []
    for _ in range(count):
        centres = random.uniform((30, 30), (178, 146), (40, 2))
        drift = random.normal(0, 1.5, (40, 2))
        weight = random.normal(0, 1, 40)
        for position in range(slices):
            at = centres + position * drift
            spread = (rows[..., None] - at[:, 0]) ** 2 + (columns[..., None] - at[:, 1]) ** 2
            image = (np.exp(-spread / (2 * 14**2)) * weight).sum(axis=-1)
            found.append(np.where(oval, np.clip(120 + 60 * image, 10, 255), 0))
    return np.array(found).astype(np.uint8)


@pytest.fixture(scope="module")
def known() -> tuple[np.ndarray, Fingerprints]:
    images = _brains(15, 4)
    subject, position = np.repeat([f"p{k:02d}" for k in range(15)], 4), np.tile(np.arange(1, 5), 15)
    return images, make_fingerprints(np.stack([frequencies(Image.fromarray(i)) for i in images]), subject, position)


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


COPIES = {
    "same": lambda image: image,
    "recompressed": lambda image: _jpeg(image, 50),
    "a pixel larger": lambda image: image.resize((177, 209), Image.Resampling.BILINEAR),
    "a pixel smaller": lambda image: image.resize((175, 207), Image.Resampling.BICUBIC),
    "128 x 128": lambda image: _jpeg(image.resize((128, 128)), 90),
    "colour": lambda image: image.convert("RGB"),
}


@pytest.mark.parametrize("copy", COPIES)
def test_copies_get_their_people_back(known: tuple[np.ndarray, Fingerprints], copy: str) -> None:
    images, stored = known
    values = np.stack([frequencies(COPIES[copy](Image.fromarray(image))) for image in images])
    order = np.random.default_rng(0).permutation(len(images))
    found = recognise(values[order], stored)
    assert (found.subject == stored.subject[order]).all() and found.share == 1
    told = found.slice > 0
    assert (found.slice[told] == stored.slice[order][told]).all()
    assert told.any() or copy != "same"


def test_strangers_stay_unknown(known: tuple[np.ndarray, Fingerprints]) -> None:
    values = np.stack([frequencies(Image.fromarray(image)) for image in _brains(10, 3, seed=1)])
    found = recognise(values, known[1])
    assert (found.subject == "").all() and (found.slice == 0).all()


def test_two_people_alike_are_ambiguous(known: tuple[np.ndarray, Fingerprints]) -> None:
    images, stored = known
    twin = Fingerprints(
        np.concatenate([stored.bits, stored.bits[:4]]),
        stored.medians,
        np.concatenate([stored.subject, np.repeat("twin", 4)]),
        np.concatenate([stored.slice, np.arange(1, 5)]),
    )
    found = recognise(np.stack([frequencies(Image.fromarray(image)) for image in images]), twin)
    assert (found.subject[:4] == "").all() and (found.subject[4:] == stored.subject[4:]).all()


def test_nothing_asked(known: tuple[np.ndarray, Fingerprints]) -> None:
    assert recognise(np.empty((0, 176), np.float32), known[1]).share == 0.0
    black = frequencies(Image.new("L", (176, 208)))
    assert np.isfinite(black).all() and recognise(black[None], known[1]).subject[0] == ""


def test_the_file_that_comes_along() -> None:
    stored = kaggle_fingerprints()
    assert stored.bits.shape == (6400, 22)
    assert np.unique(stored.subject).size == 200 and (np.bincount(stored.slice)[1:] == 200).all()
    assert len(np.unique(stored.bits, axis=0)) == 6400, "no two files share a fingerprint"


@pytest.mark.slow
def test_the_file_is_the_archive_s(archive: Path) -> None:
    dataset = load_dataset(archive)
    with np.load(io.BytesIO(fingerprint_file(dataset))) as made:
        stored = kaggle_fingerprints()
        # Rounding may move a frequency across its median.
        assert np.unpackbits(made["bits"] ^ stored.bits).sum() < 200
    some = np.arange(0, 6400, 16)
    values = np.stack([frequencies(_jpeg(Image.fromarray(dataset.images[i]), 60)) for i in some])
    found = recognise(values, stored)
    assert (found.subject == dataset.subject[some]).all()
    told = found.slice > 0
    assert (found.slice[told] == dataset.slice[some][told]).all() and told.mean() > 0.95
