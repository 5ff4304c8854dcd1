"""Pixels of a DICOM image: decoded, cut to their stored bits, looked over for text.

Decoded, because compressed frames have comments of their own; cut, because old overlays lie in the bits above.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.deidentify.burned_in import shows_text
from alzedge.deidentify.rules.refusals import BURNED_IN_PIXELS, DAMAGED_DICOM, LeftOut
from alzedge.imaging.grid import MAX_VOXELS


def clean_pixels(dataset: Any) -> NDArray[Any]:
    """Decoded pixels that show no text outside the head.

    Args:
        dataset: pydicom dataset of an image, read with its file meta information.

    Returns:
        Little-endian integers (frames, rows, columns) of `BitsAllocated` bits.

    Raises:
        LeftOut: no pixels, cut off, of an unusual or unreadable format, or with text.
    """
    frames = _checked_frames(dataset)
    decoded = dataset.pixel_array
    if decoded.size != frames * dataset.Rows * dataset.Columns:
        raise LeftOut(DAMAGED_DICOM)
    pixels = _stored_bits(decoded.reshape(frames, dataset.Rows, dataset.Columns), dataset)
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    for frame in pixels:
        if shows_text(-frame.astype(np.float32) if inverted else frame):
            raise LeftOut(BURNED_IN_PIXELS)
    return pixels


def _checked_frames(dataset: Any) -> int:
    """The number of frames, after all that can be refused without decoding a pixel."""
    if "PixelData" not in dataset:
        raise LeftOut("DICOM without pixel data, or cut off; export or copy it again")
    if not str(dataset.PhotometricInterpretation).startswith("MONOCHROME") or dataset.BitsAllocated not in (8, 16, 32):
        raise LeftOut("DICOM with pixels in an unusual format; export the scanner's own grey values")
    if dataset.HighBit != dataset.BitsStored - 1 or not 1 <= dataset.BitsStored <= dataset.BitsAllocated:
        raise LeftOut("DICOM with pixels in an unusual format; export the scanner's own grey values")
    count = int(dataset.get("NumberOfFrames") or 1)
    if count < 1 or count * dataset.Rows * dataset.Columns > MAX_VOXELS:
        raise LeftOut(f"DICOM of more than {MAX_VOXELS} voxels, too many for one head; resample it to 1 mm")
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed and not _readable(syntax):
        raise LeftOut(f"DICOM compressed as {syntax.name}, not readable here; decompress it, e.g. `gdcmconv --raw`")
    return count


def _readable(syntax: Any) -> bool:
    from pydicom.pixels.decoders.base import get_decoder

    try:
        return bool(get_decoder(syntax).is_available)
    except NotImplementedError:
        return False


def _stored_bits(pixels: NDArray[Any], dataset: Any) -> NDArray[Any]:
    """Pixels whose bits above the highest stored one are zero or, of signed ones, the sign (PS3.5 8.1.1)."""
    kind = "i" if dataset.PixelRepresentation == 1 else "u"
    whole = pixels.astype(f"<{kind}{dataset.BitsAllocated // 8}")
    unused = dataset.BitsAllocated - dataset.BitsStored
    stored: NDArray[Any] = (whole << unused) >> unused
    return stored
