"""Reading slices, and refusing what is none."""

import io
from pathlib import Path

import numpy as np
import pytest
from helpers.images import bomb, encoded
from PIL import Image

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.imaging.slices import decode_slice, read_slice


@pytest.fixture
def slice_image(phantoms: DataSet) -> Image.Image:
    return Image.fromarray(phantoms.images[0])


def test_png_is_read_bit_for_bit(slice_image: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "slice.png"
    path.write_bytes(encoded(slice_image))
    np.testing.assert_array_equal(read_slice(path), np.asarray(slice_image))


def test_jpeg_is_read_as_pillow_reads_it(slice_image: Image.Image) -> None:
    data = encoded(slice_image, "JPEG")
    np.testing.assert_array_equal(decode_slice(data, "x"), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda im: encoded(im)[:2000], "damaged or cut off"),
        (lambda im: encoded(im, "JPEG")[:3000], "damaged or cut off"),
        (lambda im: b"not an image", "not a JPEG or PNG"),
        (lambda im: b"", "is empty"),
        (lambda im: encoded(im, "GIF"), "not a JPEG or PNG"),
        (lambda im: encoded(im.resize((208, 176))), "208 wide x 176 high, but slices are 176 wide x 208 high"),
        (lambda im: encoded(im.convert("RGB")), "mode RGB"),
        (lambda im: encoded(im.convert("RGBA")), "mode RGBA"),
        (lambda im: encoded(im.convert("CMYK"), "JPEG"), "mode CMYK"),
        (lambda im: encoded(Image.fromarray(np.zeros((208, 176), np.uint16))), "a 16-bit image"),
        (lambda im: encoded(im, save_all=True, append_images=[im.rotate(90)]), "animation"),
        (lambda im: bomb(30_000), "far too many pixels"),
        (lambda im: bomb(12_000), "far too many pixels"),
        (lambda im: bytes(9 * 2**20), "too large"),
    ],
)
def test_what_is_no_slice_is_named_with_the_cure(slice_image: Image.Image, make, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        decode_slice(make(slice_image), "brain.png")
    assert str(caught.value).startswith("brain.png")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_slice(tmp_path / "absent.png")
    with pytest.raises(UserError, match="is a folder"):
        read_slice(tmp_path)
