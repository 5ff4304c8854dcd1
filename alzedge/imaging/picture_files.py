"""Picture files, opened within bounds: what a header promises is checked before a pixel is decoded."""

import contextlib
import importlib
import io
import warnings
from collections.abc import Callable, Iterator
from typing import BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

from alzedge.errors import UserError
from alzedge.imaging.foreign_files import OTHER_BYTES, kind_of_other
from alzedge.utils.archives import MAX_BYTES
from alzedge.utils.files import LFS_POINTER

SUFFIXES = (".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp")
KINDS = "JPEG, PNG, BMP, TIFF or WebP"
# The largest photograph worth decoding only to say that it is not a slice.
MAX_PIXELS = 64_000_000

# Formats by their first bytes, each with the module of its reader: Pillow's own `open` imports five readers to begin with.
_FORMATS = (
    (b"\xff\xd8\xff", "JPEG", "PIL.JpegImagePlugin"),
    (b"\x89PNG\r\n\x1a\n", "PNG", "PIL.PngImagePlugin"),
    (b"BM", "BMP", "PIL.BmpImagePlugin"),
    (b"II*\0", "TIFF", "PIL.TiffImagePlugin"),
    (b"MM\0*", "TIFF", "PIL.TiffImagePlugin"),
    (b"RIFF", "WEBP", "PIL.WebPImagePlugin"),
)
_MAX_SIDE = 16_384
# A progressive JPEG is decoded once per scan; encoders write about ten.
_MAX_SCANS = 32
_SCAN = b"\xff\xda"
# Of TIFF: they unpack to no more than the strips or tiles hold. JPEG inside of it may have any number of scans.
_COMPRESSIONS = ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate")
_TILE_WIDTH, _TILE_LENGTH = 322, 323


@contextlib.contextmanager
def opened(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Iterator[ImageFile.ImageFile]:
    """Open a picture; whatever Pillow raises in the block becomes a sentence.

    Args:
        data: content of the file.
        name: how to call it in messages.
        max_pixels: of a picture worth decoding.

    Raises:
        UserError: of no kind in `KINDS`, damaged, or too much work.
    """
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
            with _reader(data, max_pixels)(io.BytesIO(data), "") as image:
                _check_work(image, data, name, max_pixels)
                yield image
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{name}: far too many pixels for one slice; export the single slice.") from error
    except UnidentifiedImageError as error:
        other = kind_of_other(data[:OTHER_BYTES])
        reason = f"{other}." if other else f"not a {KINDS} image; export the slice again as one of them."
        raise UserError(f"{name}: {reason}") from error
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error ...
        raise UserError(f"{name}: the image is damaged or cut off ({error}); copy or export it again.") from error


def _reader(data: bytes, max_pixels: int) -> Callable[[BinaryIO, str], ImageFile.ImageFile]:
    """Pillow's reader of the picture's format, a function of a stream and a file's name."""
    kind = next(((name, module) for start, name, module in _FORMATS if data.startswith(start)), None)
    if kind is None or kind[0] == "WEBP" and data[8:12] != b"WEBP":
        raise UnidentifiedImageError
    if kind[0] == "WEBP":  # its reader sets the canvas aside when it opens the file
        _check_size(*_webp_size(data), max_pixels)
    if kind[0] not in Image.OPEN:
        importlib.import_module(kind[1])
    return Image.OPEN[kind[0]][0]


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height that a WebP file promises (RFC 9649, sections 2.5 to 2.7); (0, 0) where it promises none."""
    chunk, body = data[12:16], data[20:30]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L":
        sides = int.from_bytes(body[1:5], "little")
        return 1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels or max(width, height) > _MAX_SIDE:
        raise Image.DecompressionBombError


def _check_work(image: ImageFile.ImageFile, data: bytes, name: str, max_pixels: int) -> None:
    """Refuse, before a pixel is decoded, what costs more than the largest photograph."""
    _check_size(*image.size, max_pixels)
    if image.format in ("JPEG", "MPO"):  # MPO is several JPEGs in one file
        scans = data.count(_SCAN)  # within the coded pixels a byte FF is followed by 00
        if scans > _MAX_SCANS or scans * image.width * image.height > 4 * max_pixels:
            raise UserError(f"{name}: a progressive JPEG of {scans} scans; save it again as a baseline JPEG or a PNG.")
    elif image.format == "TIFF":
        if image.info.get("compression") not in _COMPRESSIONS:
            raise UserError(f"{name}: a TIFF compressed as {image.info.get('compression')}; save it again as PNG.")
        tags = image.tag_v2  # type: ignore[attr-defined]
        _check_size(int(tags.get(_TILE_WIDTH, 1)), int(tags.get(_TILE_LENGTH, 1)), max_pixels)
