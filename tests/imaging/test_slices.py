"""Reading slices, and refusing what is none."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers.images import bomb, encoded, png_of
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from alzedge.data.dataset import DataSet
from alzedge.data.loading import load_dataset
from alzedge.errors import UserError
from alzedge.imaging.file_types import IMAGE
from alzedge.imaging.picture_files import SUFFIXES
from alzedge.imaging.slices import decode_slice, fit_slice, read_slice
from alzedge.inference.inputs import find_items
from alzedge.monitoring.audit.index import images_of, open_source
from alzedge.stages import STAGES


def coloured(image: Image.Image) -> Image.Image:
    """A slice with a red line drawn on it."""
    drawn = image.convert("RGB")
    drawn.paste("red", (80, 100, 96, 102))
    return drawn


def transparent(image: Image.Image) -> Image.Image:
    """A slice whose background is cut away."""
    cut = image.convert("LA")
    cut.putalpha(image.point(lambda value: 255 if value else 0))
    return cut


def sixteen_bit_colours() -> bytes:
    """A PNG file of 16-bit grey, saved as colours: Pillow would keep the upper bytes alone."""
    rows = (b"\0" + b"\x12\x34" * 3 * 176) * 208
    header = struct.pack(">IIBBBBB", 176, 208, 16, 2, 0, 0, 0)
    return png_of(header, zlib.compress(rows))


def webp_bomb() -> bytes:
    """A WebP file that promises 16383 x 16383 pixels."""
    sides = (16_382).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides


def turned_by(image: Image.Image, how: str) -> bytes:
    """A PNG file that says in an unusual place that it is shown upside down."""
    exif = Image.Exif()
    exif[0x0112] = 3
    about = PngInfo()
    if how == "XMP":
        about.add_itxt("XML:com.adobe.xmp", '<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="3"/>')
        return encoded(image, pnginfo=about)
    if how == "ImageMagick":
        about.add_text("Raw profile type exif", f"\nexif\n{len(exif.tobytes()):8d}\n{exif.tobytes().hex()}\n", zip=True)
        return encoded(image, pnginfo=about)
    data = encoded(image, exif=exif)
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    return data[:start] + data[end:-12] + data[start:end] + data[-12:]


def several_jpegs_of_many_scans(image: Image.Image) -> bytes:
    """Two JPEGs in one file, the first of which calls for its pixels 40 times."""
    data = encoded(image, "MPO", save_all=True, append_images=[image])
    return data + b"\xff\xda" * 40


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
    ("fmt", "mode"),
    [
        *(("PNG", mode) for mode in ("RGB", "RGBA", "LA", "P")),
        *(("BMP", mode) for mode in ("L", "RGB", "P")),
        *(("TIFF", mode) for mode in ("L", "RGB", "RGBA", "LA", "P")),
        *(("WEBP", mode) for mode in ("L", "RGB", "RGBA")),
    ],
)
def test_grey_is_read_in_whatever_clothes_where_nothing_is_lost(slice_image: Image.Image, fmt: str, mode: str) -> None:
    options = {"WEBP": {"lossless": True}, "TIFF": {"compression": "tiff_lzw"}}.get(fmt, {})
    data = encoded(slice_image.convert(mode), fmt, **options)
    np.testing.assert_array_equal(decode_slice(data, "x"), np.asarray(slice_image))
    pixels, problem = fit_slice(data, "x")
    assert problem is None and np.array_equal(pixels, slice_image)


def test_lossy_pictures_are_read_to_their_last_level(slice_image: Image.Image) -> None:
    colours = decode_slice(encoded(slice_image.convert("RGB"), "JPEG", quality=95), "x")
    np.testing.assert_array_equal(colours, decode_slice(encoded(slice_image, "JPEG", quality=95), "x"))
    difference = decode_slice(encoded(slice_image, "WEBP", quality=95), "x").astype(int) - np.asarray(slice_image)
    assert np.abs(difference).mean() < 3


def test_every_ending_is_an_image_to_every_reader(phantoms: DataSet, tmp_path: Path) -> None:
    for number, stage in enumerate(STAGES):
        (tmp_path / stage).mkdir()
        for suffix in SUFFIXES:
            image = Image.fromarray(phantoms.images[number])
            image.save(tmp_path / stage / f"a{suffix[1:]}{suffix}", None if suffix != ".jpe" else "JPEG")
    count = len(STAGES) * len(SUFFIXES)
    assert len(load_dataset(tmp_path)) == count
    assert [item.kind for item in find_items([tmp_path])] == [IMAGE] * count
    assert len(list(images_of(open_source(tmp_path)))) == count


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda im: encoded(im)[:2000], "damaged or cut off"),
        (lambda im: encoded(im, "JPEG")[:3000], "damaged or cut off"),
        (lambda im: b"not an image", "not a JPEG, PNG"),
        (lambda im: b"", "is empty"),
        (lambda im: encoded(im, "GIF"), "save it as PNG"),
        (lambda im: bytes(128) + b"DICM", "a DICOM file in spite of its name"),
        (lambda im: encoded(im.resize((208, 176))), "208 wide x 176 high, but slices are 176 wide x 208 high"),
        (lambda im: encoded(coloured(im)), "in colour"),
        (lambda im: encoded(coloured(im), "JPEG"), "in colour"),
        (lambda im: encoded(coloured(im).quantize(16)), "in colour"),
        (lambda im: encoded(transparent(im)), "transparent"),
        (lambda im: encoded(im, transparency=0), "transparent"),
        (lambda im: sixteen_bit_colours(), "a 16-bit image"),
        (lambda im: encoded(im.convert("F"), "TIFF"), "32-bit numbers"),
        (lambda im: encoded(im.convert("I"), "TIFF"), "32-bit numbers"),
        (lambda im: encoded(im.convert("I;16"), "TIFF"), "a 16-bit image"),
        (lambda im: encoded(im, "TIFF", save_all=True, append_images=[im]), "several pages"),
        (lambda im: encoded(im, "TIFF", compression="jpeg"), "TIFF compressed as jpeg"),
        (lambda im: encoded(im, "TIFF", tiffinfo={0x0112: 3}), "EXIF orientation, 3"),
        (lambda im: turned_by(im, "chunk behind the pixels"), "EXIF orientation, 3"),
        (lambda im: turned_by(im, "ImageMagick"), "EXIF orientation, 3"),
        (lambda im: turned_by(im, "XMP"), "EXIF orientation, 3"),
        (lambda im: several_jpegs_of_many_scans(im), "a progressive JPEG of"),
        (lambda im: webp_bomb(), "far too many pixels"),
        (lambda im: encoded(im, "WEBP")[:900], "damaged or cut off"),
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


@pytest.mark.parametrize("orientation", [0, 1, 9])
def test_an_orientation_that_is_none_is_upright(slice_image: Image.Image, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode_slice(encoded(slice_image, exif=exif), "x"), np.asarray(slice_image))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_slice(tmp_path / "absent.png")
    with pytest.raises(UserError, match="is a folder"):
        read_slice(tmp_path)
