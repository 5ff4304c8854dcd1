"""One slice: an axial brain image of 208 rows and 176 columns, 8-bit grey."""

import contextlib
import io
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from alzedge.errors import UserError
from alzedge.utils.archives import MAX_BYTES
from alzedge.utils.files import LFS_POINTER

HEIGHT, WIDTH = 208, 176
SUFFIXES = (".jpg", ".jpeg", ".jfif", ".jpe", ".png")
_FORMATS = ("JPEG", "PNG")
# The largest photograph worth decoding only to say that it is not a slice.
MAX_PIXELS = 64_000_000
_MAX_SIDE = 16_384
# A progressive JPEG is decoded once per scan; encoders write about ten.
_MAX_SCANS = 32
_SCAN = b"\xff\xda"
_EXIF_ORIENTATION, _UPRIGHT = 0x0112, 1


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
    with _opened(data, name) as image:
        problem = _problem(image, name)
        if problem is not None:
            raise UserError(problem)
        return np.asarray(image, dtype=np.uint8)


def decode_grey(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode any JPEG or PNG file to 8-bit grey, as large as it is: uint8 (rows, columns).

    Raises:
        UserError: not a JPEG or PNG, or damaged.
    """
    with _opened(data, name) as image:
        return np.asarray(_grey(image), dtype=np.uint8)


def fit_slice(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> tuple[NDArray[np.uint8], str | None]:
    """Decode any JPEG or PNG file for the guard's eyes: grey, fitted into the frame of a slice, black around it.

    Args:
        data: content of the file.
        name: how to call it in messages.
        max_pixels: of a picture worth decoding only to say that it is not a slice.

    Returns:
        uint8 array (208, 176), and the sentence why the file is no proper slice; None when it
        is one, and the array is then what `decode_slice` returns.

    Raises:
        UserError: not a JPEG or PNG, or damaged.
    """
    with _opened(data, name, max_pixels) as image:
        problem = _problem(image, name)
        if problem is None:
            return np.asarray(image, dtype=np.uint8), None
        return fit_to_frame(_grey(image)), problem


def fit_to_frame(image: Image.Image) -> NDArray[np.uint8]:
    """Shrink or enlarge a grey picture of any size into the frame of a slice, black around it; uint8 (208, 176)."""
    frame = Image.new("L", (WIDTH, HEIGHT))
    fitted = ImageOps.contain(image, (WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    frame.paste(fitted, ((WIDTH - fitted.width) // 2, (HEIGHT - fitted.height) // 2))
    return np.asarray(frame)


@contextlib.contextmanager
def _opened(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """The opened image; whatever Pillow raises in the block becomes a sentence."""
    if len(data) > MAX_BYTES:
        raise UserError(f"{name}: {len(data) / 2**20:.0f} MiB is too large for one slice; export the single slice.")
    if not data:
        raise UserError(f"{name} is empty; copy or export it again.")
    if data.startswith(LFS_POINTER):
        raise UserError(f"{name} is a pointer of Git LFS, not the image itself; run `git lfs pull`.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on odd files do not help whoever names them
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_work(image, data, name, max_pixels)
                _check_as_shown(image, name)
                yield image
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{name}: far too many pixels; slices are {WIDTH} wide x {HEIGHT} high.") from error
    except UnidentifiedImageError as error:
        raise UserError(f"{name}: not a JPEG or PNG image; export the slice again as one of them.") from error
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error ...
        raise UserError(f"{name}: the image is damaged or cut off ({error}); copy or export it again.") from error


def _check_work(image: Image.Image, data: bytes, name: str, max_pixels: int) -> None:
    """Refuse, before a pixel is decoded, what costs more than the largest photograph."""
    pixels = image.width * image.height
    if pixels > max_pixels or max(image.size) > _MAX_SIDE:
        raise Image.DecompressionBombError
    if image.format == "JPEG":
        scans = data.count(_SCAN)  # within the coded pixels a byte FF is followed by 00
        if scans > _MAX_SCANS or scans * pixels > 4 * max_pixels:
            raise UserError(f"{name}: a progressive JPEG of {scans} scans; save it again as a baseline JPEG or a PNG.")


def _check_as_shown(image: Image.Image, name: str) -> None:
    """Refuse a slice that is stored turned or with 16 bits: whatever the guard thinks of it, there is a cure."""
    if sorted(image.size) != [WIDTH, HEIGHT]:
        return
    orientation = _UPRIGHT
    if "exif" in image.info:
        with contextlib.suppress(Exception):  # no EXIF, whatever the block calls itself: nothing says that it is turned
            orientation = image.getexif().get(_EXIF_ORIENTATION, _UPRIGHT)
    if orientation != _UPRIGHT:
        raise UserError(
            f"{name}: its EXIF orientation, {orientation}, says that it is shown turned; save it upright, for example "
            "with Pillow's ImageOps.exif_transpose."
        )
    if image.mode.startswith("I"):
        raise UserError(
            f"{name}: a 16-bit image, but slices are 8-bit grey; divide its values by 257, or take their upper byte, and "
            "save them as 8-bit grey (Pillow's convert('L') clips them instead)."
        )


def _grey(image: Image.Image) -> Image.Image:
    """8-bit grey; 16-bit pictures keep their upper byte, which Pillow's own conversion would clip."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8))
    return image.convert("RGBA").convert("L") if image.mode == "P" else image.convert("L")


def read_slice(path: Path) -> NDArray[np.uint8]:
    """Read one slice from a JPEG or PNG file; see `decode_slice`."""
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
        with path.open("rb") as file:
            # Asked for 8 MiB, Python sets them aside first: ten times the work of reading a slice.
            return file.read(min(status.st_size, MAX_BYTES) + 1)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; check the path.") from error
    except OSError as error:
        if path.is_dir():
            raise UserError(f"{path} is a folder; name the image files, for example {path}/*.jpg.") from error
        raise


def _problem(image: Image.Image, name: str) -> str | None:
    # Another size is refused, not resampled: the size of the brain within the frame
    # carries information, and a silent resize would answer a question nobody asked.
    if image.size != (WIDTH, HEIGHT):
        return (
            f"{name}: {image.width} wide x {image.height} high, but slices are {WIDTH} wide x {HEIGHT} high; "
            "resample it to that size with the brain upright and centred."
        )
    if image.mode != "L":
        return (
            f"{name}: image mode {image.mode}, but slices are 8-bit grey (mode L); "
            "convert it, for example with Pillow's Image.convert('L')."
        )
    if getattr(image, "n_frames", 1) > 1:
        return f"{name}: an animation of {image.n_frames} frames; export the single slice."  # type: ignore[attr-defined]
    return None
