"""Features of slices: exact where they can be reckoned by hand, and moved by what they are for."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from alzedge.data.dataset import DataSet
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.monitoring.features import FEATURES, image_features


def test_a_grey_rectangle_has_the_values_that_can_be_reckoned() -> None:
    image = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    image[0, 50:151, 40:121] = 100
    found = dict(zip(FEATURES, image_features(image).values[0], strict=True))
    assert found["brightness"] == 100 and found["contrast"] == 0 and found["noise"] == 0
    assert found["brain_area"] == pytest.approx(101 * 81 / (HEIGHT * WIDTH))
    assert (found["centre_row"], found["centre_column"], found["straight_edge"]) == (100, 80, 1)
    assert found["csf_share"] == 0 and np.isnan(found["sharpness"])
    image[0, 50:151:2, 40:121] = 120  # stripes: the Laplacian is 40 either way, the standard deviation near 10
    striped = image_features(image)
    assert striped.column("sharpness")[0] == pytest.approx(4, rel=0.01)
    assert striped.column("brightness")[0] == pytest.approx(110, abs=0.2)


def test_white_noise_is_estimated() -> None:
    noise = np.random.default_rng(0).normal(128, 7, (1, HEIGHT, WIDTH))
    assert image_features(np.rint(noise).astype(np.uint8)).column("noise")[0] == pytest.approx(7, rel=0.03)


def test_each_feature_moves_with_what_it_is_for(phantoms: DataSet) -> None:
    images = phantoms.images[::5]
    soft = np.stack([np.asarray(Image.fromarray(one).filter(ImageFilter.GaussianBlur(1))) for one in images])
    cut = images.copy()
    cut[:, :60] = 0
    plain, blurred, short = (image_features(one) for one in (images, soft, cut))
    dark = image_features((images * 0.8).astype(np.uint8))
    assert (blurred.column("sharpness") < 0.8 * plain.column("sharpness")).all()
    assert (dark.column("brightness") < 0.9 * plain.column("brightness")).all()
    assert (dark.column("contrast") < plain.column("contrast")).all()
    assert np.median(short.column("straight_edge")) > 2 * np.median(plain.column("straight_edge"))
    assert np.median(short.column("brain_area")) < np.median(plain.column("brain_area"))


def test_a_slice_has_the_same_features_in_every_batch_and_an_empty_one_has_few(phantoms: DataSet) -> None:
    images = np.concatenate([phantoms.images[:40], np.zeros((1, HEIGHT, WIDTH), np.uint8)])
    together = image_features(images)
    np.testing.assert_array_equal(together.values[33], image_features(images[33:34]).values[0])
    assert together.column("brain_area")[40] == 0 and np.isnan(together.column("brightness")[40])
    assert len(image_features(images[:0])) == 0
    with pytest.raises(ValueError, match="uint8"):
        image_features(images.astype(np.float32))
