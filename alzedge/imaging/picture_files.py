"""Picture files, opened within bounds: what a header promises is checked before a pixel is decoded."""

import contextlib
import importlib
import io
import warnings
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from alzedge.errors import UserError
from alzedge.utils.archives import MAX_BYTES
from alzedge.utils.files import LFS_POINTER

SUFFIXES = (".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp")
KINDS = "JPEG, PNG, BMP, TIFF or WebP"
# The largest photograph worth decoding only to say that it is not a slice.
MAX_PIXELS = 64_000_000

_AT_ONCE = ("JPEG", "PNG", "BMP")
# Formats that Pillow would look for among all of its forty, by their first bytes.
_ON_DEMAND = {b"II*\0": "TIFF", b"MM\0*": "TIFF", b"RIFF": "WEBP"}
_PLUGINS = {"TIFF": "PIL.TiffImagePlugin", "WEBP": "PIL.WebPImagePlugin"}
_MAX_SIDE = 16_384
# A progressive JPEG is decoded once per scan; encoders write about ten.
_MAX_SCANS = 32
_SCAN = b"\xff\xda"
# Of TIFF: they unpack to no more than the strips or tiles hold. JPEG inside of it may have any number of scans.
_COMPRESSIONS = ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate")
_TILE_WIDTH, _TILE_LENGTH = 322, 323


@contextlib.contextmanager
def opened(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
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
            with Image.open(io.BytesIO(data), formats=_formats(data, max_pixels)) as image:
                _check_work(image, data, name, max_pixels)
                yield image
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{name}: far too many pixels for one slice; export the single slice.") from error
    except UnidentifiedImageError as error:
        raise UserError(f"{name}: not a {KINDS} image; export the slice again as one of them.") from error
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error ...
        raise UserError(f"{name}: the image is damaged or cut off ({error}); copy or export it again.") from error


def _formats(data: bytes, max_pixels: int) -> tuple[str, ...]:
    """Formats to try, each with its reader loaded."""
    kind = _ON_DEMAND.get(data[:4])
    if kind is None:
        return _AT_ONCE
    if kind == "WEBP":  # its reader sets the canvas aside when it opens the file
        _check_size(*_webp_size(data), max_pixels)
    importlib.import_module(_PLUGINS[kind])
    return (kind,)


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


def _check_work(image: Image.Image, data: bytes, name: str, max_pixels: int) -> None:
    """Refuse, before a pixel is decoded, what costs more than the largest photograph."""
    _check_size(*image.size, max_pixels)
    if image.format == "JPEG":
        scans = data.count(_SCAN)  # within the coded pixels a byte FF is followed by 00
        if scans > _MAX_SCANS or scans * image.width * image.height > 4 * max_pixels:
            raise UserError(f"{name}: a progressive JPEG of {scans} scans; save it again as a baseline JPEG or a PNG.")
    elif image.format == "TIFF":
        if image.info.get("compression") not in _COMPRESSIONS:
            raise UserError(f"{name}: a TIFF compressed as {image.info.get('compression')}; save it again as PNG.")
        tags = image.tag_v2  # type: ignore[attr-defined]
        _check_size(int(tags.get(_TILE_WIDTH, 1)), int(tags.get(_TILE_LENGTH, 1)), max_pixels)
