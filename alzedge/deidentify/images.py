"""PNG, JPEG and TIFF files: a new PNG of the pixels alone, without EXIF, XMP, ICC profile, comments or thumbnails."""

import io
import struct
import warnings
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.deidentify.burned_in import shows_text
from alzedge.deidentify.rules.refusals import BURNED_IN_PIXELS, LeftOut

_FORMATS = ("PNG", "JPEG", "TIFF")
_MAX_PIXELS = 64_000_000
_DAMAGED = "damaged or cut-off image; copy it again"
_GREY_16 = ("I;16", "I;16B", "I;16L", "I;16N")


def clean_image(data: bytes) -> bytes:
    """De-identify the bytes of an image file.

    Returns:
        A PNG file with the same pixel values, 8 or 16-bit grey or RGB; of transparent pixels the colour beneath.

    Raises:
        LeftOut: damaged, cut off, of several pages, too large, of an unusual format, or with text in its pixels.
    """
    pixels = _decoded(data)
    if shows_text(pixels if pixels.ndim == 2 else pixels.max(axis=2)):
        raise LeftOut(BURNED_IN_PIXELS)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _decoded(data: bytes) -> NDArray[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            if getattr(image, "n_frames", 1) > 1:
                raise LeftOut("an image of several pages; save each as a file of its own")
            if image.width * image.height > _MAX_PIXELS:
                raise LeftOut(f"an image of more than {_MAX_PIXELS} pixels; shrink it")
            return _grey_or_rgb(image)
    except LeftOut:
        raise
    except (OSError, ValueError, SyntaxError, struct.error, zlib.error, Image.DecompressionBombError):
        raise LeftOut(_DAMAGED) from None
    except Exception:  # noqa: BLE001 - Pillow's readers raise nearly everything on damaged files
        raise LeftOut(_DAMAGED) from None


def _grey_or_rgb(image: Image.Image) -> NDArray[Any]:
    if image.mode in _GREY_16:
        return np.asarray(image).astype(np.uint16)
    if image.mode in ("1", "L", "LA"):
        return np.asarray(image.convert("LA").getchannel("L") if image.mode == "LA" else image.convert("L"))
    if image.mode in ("P", "RGB", "RGBA", "CMYK", "YCbCr"):
        rgb = np.asarray(image.convert("RGB"))
        grey = (rgb == rgb[..., :1]).all()
        return np.ascontiguousarray(rgb[..., 0]) if grey else rgb
    raise LeftOut("an image in an unusual format; save it as PNG, in 8 or 16-bit grey")
