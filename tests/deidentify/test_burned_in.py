"""Text in the pixels: found beside the head in any size, grey and direction; not seen where there is none."""

from pathlib import Path

import numpy as np
import pytest
from helpers.heads import Pixels, head, with_caption

from alzedge.data.dataset import DataSet
from alzedge.deidentify.burned_in import shows_text, volume_shows_text

pytest.importorskip("scipy")

CH2 = Path("/usr/share/mricron/templates/ch2.nii.gz")


def noisy(image: Pixels, sigma: float, seed: int = 0) -> Pixels:
    """With Rician noise, as magnitude images have; sigma as a share of 255."""
    chance = np.random.default_rng(seed)
    real, imaginary = chance.normal(0, sigma * 255, (2, *image.shape))
    return np.abs(image + real + 1j * imaginary).astype(np.float32)


@pytest.mark.parametrize("size", [9, 11, 14, 20])
@pytest.mark.parametrize("grey", [255, 120])
@pytest.mark.parametrize("sigma", [0, 0.03])
def test_captions_are_found(size: int, grey: int, sigma: float) -> None:
    image = np.pad(head(200, 170), 30)
    assert not shows_text(noisy(image, sigma))
    found = noisy(with_caption(image, "DOE^JANE 19400102", size, grey, (3, 3)), sigma)
    assert shows_text(found) and shows_text(found.T) and shows_text(found[::-1])


def test_dark_letters_on_a_bright_bar_are_found() -> None:
    image = np.pad(head(200, 170), 30)
    image[:24, :140] = 220
    assert shows_text(with_caption(image, "Jane Doe 1940", 14, 0, (4, 3)))


def test_a_picture_of_nothing_but_text_is_found() -> None:
    assert shows_text(with_caption(np.zeros((100, 200), np.uint8), "Jane Doe 1940", 14))


def test_signs_of_the_sides_are_no_text() -> None:
    image = np.pad(head(200, 170), 30)
    assert not shows_text(with_caption(with_caption(image, "R", 14, 255, (3, 100)), "L", 14, 255, (215, 100)))


def test_no_text_is_seen_in_phantoms_noise_and_flat_images(phantoms: DataSet) -> None:
    assert not any(shows_text(image) for image in phantoms.images[:40])
    for sigma in (0.05, 0.5):
        assert not shows_text(noisy(np.zeros((128, 128)), sigma))
    assert (
        not shows_text(np.zeros((64, 64)))
        and not shows_text(np.full((64, 64), np.nan))
        and not shows_text(np.ones((3, 3)))
    )


@pytest.mark.skipif(not CH2.exists(), reason="needs Debian's mricron-data")
def test_no_text_is_seen_in_a_real_head_and_one_caption_is_found() -> None:
    nib = pytest.importorskip("nibabel")
    voxels = np.asarray(nib.load(CH2).dataobj)[::4, ::4, ::4].repeat(2, 0).repeat(2, 1).repeat(2, 2)
    assert not volume_shows_text(voxels)
    whole = np.asarray(nib.load(CH2).dataobj)[:, :, 80]
    assert not shows_text(whole) and shows_text(with_caption(whole, "DOE JANE", 12, 200, (2, 1)))
