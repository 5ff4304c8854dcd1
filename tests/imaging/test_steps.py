"""The named preprocessing steps against OpenCV, and their way into a model file and back."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.imaging.steps import STEPS, apply_steps, lookup_of
from alzedge.runs.recipe_file import load_recipe

ORACLES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "grayscale": lambda image: cv2.cvtColor(cv2.merge([image] * 3), cv2.COLOR_RGB2GRAY),
    "invert": cv2.bitwise_not,
    "opening": lambda image: cv2.morphologyEx(image, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)),
    "clahe": cv2.createCLAHE(2.0, (7, 7)).apply,
    "gaussian": lambda image: cv2.GaussianBlur(image, (11, 11), 0),
    "resize256": lambda image: cv2.resize(image, (256, 256), interpolation=cv2.INTER_LINEAR),
}


@pytest.fixture(scope="module")
def slices(phantoms: DataSet) -> np.ndarray:
    """Heads, noise, black, white, and few grey values."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (2, 208, 176), dtype=np.uint8)
    flat = np.stack([np.zeros((208, 176), np.uint8), np.full((208, 176), 255, np.uint8), noise[0] // 64 * 64])
    return np.concatenate([phantoms.images[:8], noise, flat])


@pytest.mark.parametrize("step", ORACLES)
def test_each_step_gives_what_opencv_gives(slices: np.ndarray, step: str) -> None:
    got = apply_steps(slices, [step])
    expected = np.stack([ORACLES[step](image) for image in slices])
    assert got.dtype == np.uint8 and got.shape == expected.shape
    difference = np.abs(got.astype(int) - expected.astype(int))
    # Pillow rounds between rows and columns, OpenCV rounds its weights; all else is bit for bit.
    assert difference.max() <= (1 if step == "resize256" else 0), (difference > 0).sum()


def test_csf_is_light_and_background_stays_black(slices: np.ndarray) -> None:
    greys = np.zeros((1, 208, 176), np.uint8)
    greys[0, 0] = np.arange(80, 256)
    greys[0, 1, :80] = np.arange(80)
    lit = np.concatenate([apply_steps(greys, ["fluid"])[0, 1, :80], apply_steps(greys, ["fluid"])[0, 0]]).astype(int)
    assert (lit[:6] == 0).all() and (lit[6:36] == 255).all() and (np.diff(lit[35:]) <= 0).all()
    assert (lit[60], lit[100], lit[255]) == (180, 110, 40)


def test_white_matter_gets_one_brightness(slices: np.ndarray) -> None:
    def by_the_words(image: np.ndarray) -> np.ndarray:
        tissue = np.sort(image[image >= 6].astype(int))
        white = max(int(tissue[len(tissue) * 85 // 100]), 20) if len(tissue) else 20
        made = np.minimum(255, (170 * image.astype(int) + white // 2) // white)
        return np.where(image < 4, 0, made).astype(np.uint8)

    dim = (slices[:8].astype(int) * 3 // 4).astype(np.uint8)
    got = apply_steps(slices, ["white"])
    np.testing.assert_array_equal(got, np.stack([by_the_words(image) for image in slices]))
    apart = np.abs(apply_steps(dim, ["white"]).astype(int) - got[:8].astype(int))
    assert apart[dim >= 6].max() <= 4 < np.abs(dim.astype(int) - slices[:8]).max() and lookup_of(["white"]) is None


@pytest.mark.parametrize("steps", [["fluid"], ["invert", "fluid"], ["grayscale"], ["fluid", "invert"]])
def test_steps_on_single_pixels_are_a_table(slices: np.ndarray, steps: list[str]) -> None:
    table = lookup_of(steps)
    assert table is not None
    np.testing.assert_array_equal(table[slices], apply_steps(slices, steps))
    assert Preprocessing(4, tuple(steps)).to_dict()["lookup"] == table.tolist()


def test_steps_on_neighbourhoods_are_no_table() -> None:
    assert lookup_of(["fluid", "gaussian"]) is None and "lookup" not in Preprocessing(2, ("clahe",)).to_dict()


def test_merges_are_with_the_slice_as_it_came(slices: np.ndarray) -> None:
    blurred = apply_steps(slices, ["invert", "gaussian"])
    overlap = np.stack([cv2.addWeighted(a, 0.5, b, 0.5, 0) for a, b in zip(slices, blurred, strict=True)])
    product = np.stack([cv2.multiply(a, b, scale=1 / 255) for a, b in zip(slices, blurred, strict=True)])
    np.testing.assert_array_equal(apply_steps(slices, ["invert", "gaussian", "overlap"]), overlap)
    np.testing.assert_array_equal(apply_steps(slices, ["invert", "gaussian", "multiply"]), product)


def test_one_slice_and_many_agree_bit_for_bit(phantoms: DataSet) -> None:
    step = Preprocessing(4, ("clahe", "opening", "overlap", "resize256"))
    many = step(phantoms.images[:70])  # more than are done at once
    assert many.shape == (70, 64, 64, 1) == (70, *step.input_shape)
    np.testing.assert_array_equal(many[66:68], step(phantoms.images[66:68]))


def test_steps_are_in_the_record_in_order_and_come_back() -> None:
    step = Preprocessing(2, ("invert", "clahe"))
    assert step.to_dict() == {"steps": ["invert", "clahe"], "shrink": 2, "divide_by": 255}
    assert Preprocessing.from_dict(step.to_dict()) == step
    for entry in (["sharpen"], "invert", [["invert"]], {"invert": 1}, None):
        with pytest.raises(UserError, match="unknown to this version"):
            Preprocessing.from_dict({"steps": entry, "shrink": 2, "divide_by": 255})


@pytest.mark.parametrize("factor", [1, 4])
def test_the_difference_from_a_smoothed_slice_is_opencvs(slices: np.ndarray, factor: int) -> None:
    got = apply_steps(slices, ["gaussian", f"difference{factor}"])
    smooth = [cv2.GaussianBlur(image, (11, 11), 0) for image in slices]
    expected = [cv2.addWeighted(image, factor, low, -factor, 128) for image, low in zip(slices, smooth, strict=True)]
    np.testing.assert_array_equal(got, np.stack(expected))


def test_without_steps_all_is_as_it_was(phantoms: DataSet) -> None:
    assert Preprocessing(2).to_dict() == {"shrink": 2, "divide_by": 255}
    assert apply_steps(phantoms.images, []) is phantoms.images
    assert set(STEPS) >= set(ORACLES)


def test_a_recipe_names_its_steps(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[preprocessing]\nsteps = ["invert", "clahe"]\n')
    found = load_recipe(str(recipe))
    assert found.preprocessing == Preprocessing(2, ("invert", "clahe"))
    recipe.write_text(found.to_toml())
    assert load_recipe(str(recipe)) == found
    recipe.write_text('[preprocessing]\nsteps = ["sharpen"]\n')
    with pytest.raises(UserError, match="recipe.toml: preprocessing.steps: expected one of grayscale, .*'sharpen'"):
        load_recipe(str(recipe))
    recipe.write_text('[preprocessing]\nsteps = ["resize256", "invert"]\n')
    with pytest.raises(UserError, match="must be the last step"):
        load_recipe(str(recipe))
