"""One slice: an axial brain image of 208 rows and 176 columns, 8-bit grey."""

import contextlib
import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from alzedge.errors import UserError
from alzedge.imaging.picture_files import MAX_PIXELS, opened
from alzedge.utils.archives import MAX_BYTES

HEIGHT, WIDTH = 208, 176
_EXIF_ORIENTATION, _UPRIGHT = 0x0112, 1
# What may tell an orientation: EXIF, EXIF as ImageMagick writes it into PNG, and XMP.
_MAY_TELL = ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp")
_TURNED = range(2, 9)
# Modes of Pillow that may hold a grey picture: nothing is lost where its channels are equal and it is opaque.
_MAY_BE_GREY = ("RGB", "RGBA", "LA", "P", "PA")
# Lossy WebP stores brightness and colour; turned back into red, green and blue, grey differs by one between them.
_ROUNDED = {"WEBP": 1}


class _NotASlice(UserError):
    """A readable picture, but of another size or mode than a slice's."""


def decode_slice(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode the bytes of a JPEG, PNG, BMP, TIFF or WebP file into a slice.

    A grey picture that was saved in colours, with a palette of greys or with an opaque alpha channel is read too:
    nothing of it is lost. Size and mode are checked on the header, before any pixel is decoded.

    Args:
        data: content of the file.
        name: how to call it in messages.

    Returns:
        uint8 array (208, 176).

    Raises:
        UserError: of another kind, damaged, of another size, or not 8-bit grey.
    """
    with opened(data, name) as image:
        return _pixels(image, name)


def decode_grey(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode any JPEG or PNG file to 8-bit grey, as large as it is: uint8 (rows, columns).

    Raises:
        UserError: not a JPEG or PNG, or damaged.
    """
    with opened(data, name) as image:
        return np.asarray(_grey(image), dtype=np.uint8)


def fit_slice(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> tuple[NDArray[np.uint8], str | None]:
    """Decode any picture file for the guard's eyes: grey, fitted into the frame of a slice, black around it.

    Args:
        data: content of the file.
        name: how to call it in messages.
        max_pixels: of a picture worth decoding only to say that it is not a slice.

    Returns:
        uint8 array (208, 176), and the sentence why the file is no proper slice; None when it
        is one, and the array is then what `decode_slice` returns.

    Raises:
        UserError: of a kind that is not read, or damaged.
    """
    with opened(data, name, max_pixels) as image:
        try:
            return _pixels(image, name), None
        except _NotASlice as error:
            return fit_to_frame(_grey(image)), str(error)


def fit_to_frame(image: Image.Image) -> NDArray[np.uint8]:
    """Shrink or enlarge a grey picture of any size into the frame of a slice, black around it; uint8 (208, 176)."""
    frame = Image.new("L", (WIDTH, HEIGHT))
    fitted = ImageOps.contain(image, (WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    frame.paste(fitted, ((WIDTH - fitted.width) // 2, (HEIGHT - fitted.height) // 2))
    return np.asarray(frame)


def _pixels(image: ImageFile.ImageFile, name: str) -> NDArray[np.uint8]:
    """Pixels of a slice, uint8 (208, 176).

    Raises:
        _NotASlice: of another size, in colour, or several pictures.
        UserError: stored turned or with more than 8 bits: whatever the guard thinks of it, there is a cure.
    """
    _check_as_shown(image, name)
    # Another size is refused, not resampled: the size of the brain within the frame
    # carries information, and a silent resize would answer a question nobody asked.
    if image.size != (WIDTH, HEIGHT):
        raise _NotASlice(
            f"{name}: {image.width} wide x {image.height} high, but slices are {WIDTH} wide x {HEIGHT} high, 1 mm a "
            "pixel; cut slices of that size out of its scan with `alzedge prepare`."
        )
    if getattr(image, "is_animated", False):
        raise _NotASlice(f"{name}: an animation, or several pages in one file; export the single slice.")
    if image.mode == "L" and "transparency" not in image.info:
        return np.asarray(image, dtype=np.uint8)
    if image.mode not in ("L", *_MAY_BE_GREY):
        raise _NotASlice(
            f"{name}: image mode {image.mode}, but slices are 8-bit grey (mode L); "
            "convert it, for example with Pillow's Image.convert('L')."
        )
    return _of_equal_channels(image, name)


def _of_equal_channels(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """The one channel of a grey picture that was saved with three, with a palette, or with an alpha channel."""
    whole = image.convert("RGBA")
    channels = np.asarray(whole, dtype=np.uint8)
    if channels[..., 3].min() < 255:
        raise _NotASlice(f"{name}: parts of it are transparent, but slices are grey; save it without an alpha channel.")
    apart = int(np.ptp(channels[..., :3], axis=2).max())
    if apart > _ROUNDED.get(image.format or "", 0):
        raise _NotASlice(
            f"{name}: a picture in colour (its channels differ by up to {apart} of 255), but slices are grey; export it "
            "without a colour map or drawings on it."
        )
    return np.asarray(whole.convert("L"), dtype=np.uint8)


def _check_as_shown(image: ImageFile.ImageFile, name: str) -> None:
    if sorted(image.size) != [WIDTH, HEIGHT]:
        return
    if image.mode == "F" or image.mode == "I" and not _says_16_bits(image):
        raise UserError(
            f"{name}: 32-bit numbers, but slices are 8-bit grey; scale them to 0 to 255 and save whole numbers of 8 bits."
        )
    if _has_16_bits(image):
        raise UserError(
            f"{name}: a 16-bit image, but slices are 8-bit grey; divide its values by 257, or take their upper byte, and "
            "save them as 8-bit grey (Pillow's convert('L') clips them instead)."
        )
    orientation = _UPRIGHT
    if image.format == "PNG":
        image.load()  # it may say so behind the pixels
    if image.format == "TIFF" or not image.info.keys().isdisjoint(_MAY_TELL):
        with contextlib.suppress(Exception):  # no EXIF, whatever the block calls itself: nothing says that it is turned
            orientation = image.getexif().get(_EXIF_ORIENTATION, _UPRIGHT)
    if orientation in _TURNED:  # others, such as 0, are no orientation
        raise UserError(
            f"{name}: its EXIF orientation, {orientation}, says that it is shown turned; save it upright, for example "
            "with Pillow's ImageOps.exif_transpose."
        )


def _has_16_bits(image: ImageFile.ImageFile) -> bool:
    """True where the file holds more than Pillow's mode says: of 16-bit colours it keeps the upper byte."""
    if image.mode.startswith("I"):
        return True
    return image.mode != "L" and image.format != "BMP" and _says_16_bits(image)


def _says_16_bits(image: ImageFile.ImageFile) -> bool:
    return any(";16" in str(tile.args) for tile in image.tile)


def _grey(image: Image.Image) -> Image.Image:
    """8-bit grey; 16-bit pictures keep their upper byte, which Pillow's own conversion would clip."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8))
    return image.convert("RGBA").convert("L") if image.mode == "P" else image.convert("L")


def read_slice(path: Path) -> NDArray[np.uint8]:
    """Read one slice from a picture file; see `decode_slice`."""
    return decode_slice(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """Content of an image file, at most one byte more than `MAX_BYTES`.

    Raises:
        UserError: no such file, a folder, a pipe or a device.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise UserError(f"{path} is a pipe or a device; name an ordinary file.")
        with path.open("rb", buffering=0) as file:
            # Asked for 8 MiB, Python sets them aside first: ten times the work of reading a slice.
            return file.read(min(status.st_size, MAX_BYTES) + 1)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; check the path.") from error
    except OSError as error:
        if path.is_dir():
            raise UserError(f"{path} is a folder; name the image files, for example {path}/*.jpg.") from error
        raise
