"""One slice: an axial brain image of 208 rows and 176 columns, 8-bit grey."""

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from alzedge.errors import UserError

HEIGHT, WIDTH = 208, 176
SUFFIXES = (".jpg", ".jpeg", ".png")
# A 176 x 208 slice has a few kilobytes; far larger files are not slices.
MAX_BYTES = 8 * 2**20

_FORMATS = ("JPEG", "PNG")


def decode_slice(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode the bytes of a JPEG or PNG file into a slice.

    Size and mode are checked on the header, before any pixel is decoded.

    Args:
        data: content of the file.
        name: how to call it in messages.

    Returns:
        uint8 array (208, 176).

    Raises:
        UserError: not a JPEG or PNG, damaged, or of another size or mode.
    """
    if len(data) > MAX_BYTES:
        raise UserError(f"{name}: {len(data) / 2**20:.0f} MiB is too large for one slice; export the single slice.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_header(image, name)
                return np.asarray(image, dtype=np.uint8)
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{name}: far too many pixels; slices are {WIDTH} wide x {HEIGHT} high.") from error
    except UnidentifiedImageError as error:
        raise UserError(f"{name}: not a JPEG or PNG image; export the slice again as one of them.") from error
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error ...
        raise UserError(f"{name}: the image is damaged or cut off ({error}); copy or export it again.") from error


def read_slice(path: Path) -> NDArray[np.uint8]:
    """Read one slice from a JPEG or PNG file; see `decode_slice`."""
    if path.is_dir():
        raise UserError(f"{path} is a folder; name the image files, for example {path}/*.jpg.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; check the path.") from error
    return decode_slice(data, str(path))


def _check_header(image: Image.Image, name: str) -> None:
    # Another size is refused, not resampled: the size of the brain within the frame
    # carries information, and a silent resize would answer a question nobody asked.
    if image.size != (WIDTH, HEIGHT):
        raise UserError(
            f"{name}: {image.width} wide x {image.height} high, but slices are {WIDTH} wide x {HEIGHT} high; "
            "resample it to that size with the brain upright and centred."
        )
    if image.mode != "L":
        raise UserError(
            f"{name}: image mode {image.mode}, but slices are 8-bit grey (mode L); "
            "convert it, for example with Pillow's Image.convert('L')."
        )
    if getattr(image, "n_frames", 1) > 1:
        raise UserError(f"{name}: an animation of {image.n_frames} frames; export the single slice.")  # type: ignore[attr-defined]
