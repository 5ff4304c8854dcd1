"""Preprocessing is whole-number arithmetic that any language can repeat."""

import numpy as np
import pytest

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing


@pytest.mark.parametrize("shrink", [1, 2, 4])
def test_block_means_round_half_up(phantoms: DataSet, shrink: int) -> None:
    image = phantoms.images[2]
    got = Preprocessing(shrink)(image[np.newaxis])
    assert got.shape == (1, *Preprocessing(shrink).input_shape) and got.dtype == np.float32
    area = shrink * shrink
    for row, column in [(0, 0), (20, 21), (25, 30), (51, 43)]:
        block = image[row * shrink : (row + 1) * shrink, column * shrink : (column + 1) * shrink]
        expected = (sum(int(p) for p in block.ravel()) + area // 2) // area
        assert got[0, row, column, 0] == np.float32(expected) / np.float32(255)


def test_batch_and_single_slice_agree_bit_for_bit(phantoms: DataSet) -> None:
    step = Preprocessing(2)
    batch = step(phantoms.images[:5])
    np.testing.assert_array_equal(batch, np.concatenate([step(image[np.newaxis]) for image in phantoms.images[:5]]))


def test_what_a_file_asks_for_must_be_known() -> None:
    step = Preprocessing(4)
    assert Preprocessing.from_dict(step.to_dict()) == step
    with pytest.raises(UserError, match="unknown to this version"):
        Preprocessing.from_dict({"shrink": 2, "divide_by": 255, "sharpen": True})
    with pytest.raises(UserError, match="expected 1, 2 or 4"):
        Preprocessing.from_dict({"shrink": 3, "divide_by": 255})


@pytest.mark.parametrize("shrink", [1, 2, 4])
def test_every_block_of_any_bytes_is_its_rounded_mean(shrink: int) -> None:
    """Against NumPy's own sum over the blocks, for noise, for all black and for all white."""
    images = np.random.default_rng(0).integers(0, 256, (8, 208, 176), dtype=np.uint8)
    images[0], images[1] = 0, 255
    rows, columns, _ = Preprocessing(shrink).input_shape
    sums = images.reshape(8, rows, shrink, columns, shrink).sum(axis=(2, 4), dtype=np.int64)
    means = (sums + shrink**2 // 2) // shrink**2
    expected = means[..., np.newaxis].astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(Preprocessing(shrink)(images), expected)
    np.testing.assert_array_equal(
        Preprocessing(shrink)(images[::2, ::-1]), Preprocessing(shrink)(images[::2, ::-1].copy())
    )
