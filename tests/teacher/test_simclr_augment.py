"""The original's augmentations against values of the original code."""

from pathlib import Path

import numpy as np
import pytest

from alzedge.runs.recipe_file import load_recipe
from alzedge.teacher.training import simclr_augment as views
from alzedge.teacher.training.augment import apply_views, draw_views

VECTORS = np.load(Path(__file__).parents[1] / "reference" / "reference_augment.npz")
IMAGE = VECTORS["image"]


@pytest.mark.parametrize("name", [name for name in VECTORS.files if name.startswith("blur")])
def test_blur_is_the_original_s(name: str) -> None:
    _, kernel, sigma = name.split("|")
    got = views.gaussian_blur(IMAGE, int(kernel[1:]), float(sigma[1:]))
    np.testing.assert_allclose(got, VECTORS[name], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("grayscale", views.grayscale),
        ("contrast|1.5", lambda image: views.adjust_contrast(image, 1.5)),
        ("saturation|0.4", lambda image: views.adjust_saturation(image, 0.4)),
        ("hue|0.15", lambda image: views.adjust_hue(image, 0.15)),
        ("bicubic_v2|24x24", lambda image: views.resize(image, 24, 24)),
    ],
)
def test_colours_and_sizes_are_the_original_s(name: str, operation: object) -> None:
    np.testing.assert_allclose(operation(IMAGE), VECTORS[name], atol=2e-6)  # type: ignore[operator]


@pytest.mark.parametrize("channels", [1, 3])
def test_random_views_are_images_of_the_same_shape_that_repeat(channels: int) -> None:
    image = IMAGE[..., :channels]
    drawn = [views.random_view(image, np.random.default_rng(seed), 0.08, 1.0) for seed in range(20)]
    assert all(view.shape == image.shape and view.min() >= 0 and view.max() <= 1 for view in drawn)
    again = views.random_view(image, np.random.default_rng(3), 0.08, 1.0)
    np.testing.assert_array_equal(again, drawn[3])
    assert len({float(view.sum()) for view in drawn}) == 20


def test_crops_keep_the_share_of_the_area_they_should() -> None:
    rng = np.random.default_rng(0)
    boxes = np.array([views._random_box(104, 88, rng, 0.08) for _ in range(300)])
    shares = boxes[:, 2] * boxes[:, 3] / (104 * 88)
    assert 0.07 < shares.min() < 0.15 and 0.85 < shares.max() <= 1
    assert np.all(boxes[:, 0] + boxes[:, 2] <= 104) and np.all(boxes[:, 1] + boxes[:, 3] <= 88)


@pytest.mark.parametrize("recipe", ["cpu", "measure"])
def test_the_variant_for_mri_leaves_the_brain_in_the_frame(recipe: str) -> None:
    """A disc as large as the largest brain keeps nearly all its pixels in every view."""
    rows, columns = np.mgrid[:104, :88]
    disc = (((rows - 51.5) / 41) ** 2 + ((columns - 43.5) / 32) ** 2 <= 1).astype(np.float32)[None, ..., None]
    drawn = draw_views(load_recipe(recipe).augment, 50, [1])
    drawn[:, 5:7], drawn[:, 8:] = 1, 0  # neither gain nor gamma, and no other scanner
    grown = drawn[:, 1] ** 2 * drawn[:, 7]
    kept = apply_views(np.repeat(disc, 50, axis=0), drawn).sum(axis=(1, 2, 3)) / disc.sum()
    assert (kept / grown).min() > 0.9
