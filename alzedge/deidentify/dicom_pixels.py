"""Pixels of a DICOM image: decoded, cut to their stored bits, looked over for text.

Decoded, because compressed frames have comments of their own; cut, because old overlays lie in the bits above.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.deidentify.burned_in import shows_text
from alzedge.deidentify.deface import Face, face_voxels, touched
from alzedge.deidentify.rules.refusals import BURNED_IN_PIXELS, DAMAGED_DICOM, LeftOut
from alzedge.imaging.dicom import can_decode
from alzedge.imaging.grid import MAX_VOXELS

_PLACE = ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing")
# DICOM counts to the left and to the back.
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


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
    if not can_decode(syntax):
        raise LeftOut(f"DICOM compressed as {syntax.name}, not readable here; decompress it, e.g. `gdcmconv --raw`")
    return count


def _stored_bits(pixels: NDArray[Any], dataset: Any) -> NDArray[Any]:
    """Pixels whose bits above the highest stored one are zero or, of signed ones, the sign (PS3.5 8.1.1)."""
    kind = "i" if dataset.PixelRepresentation == 1 else "u"
    whole = pixels.astype(f"<{kind}{dataset.BitsAllocated // 8}")
    unused = dataset.BitsAllocated - dataset.BitsStored
    stored: NDArray[Any] = (whole << unused) >> unused
    return stored


def without_face(pixels: NDArray[Any], dataset: Any, face: Face) -> tuple[NDArray[Any], int, int]:
    """One slice with its face blanked, and its numbers of brain voxels and of those that were blanked.

    Args:
        pixels: integers (1, rows, columns).
        dataset: of the same image.
        face: of its series.

    Raises:
        LeftOut: several frames, or a place in space that is not known.
    """
    if len(pixels) != 1 or not all(keyword in dataset for keyword in _PLACE):
        raise LeftOut("DICOM of several frames or of unknown place, whose face is not removed; convert it to NIfTI")
    affine = np.eye(4)
    directions = np.array(dataset.ImageOrientationPatient, np.float64).reshape(2, 3)
    affine[:3, 0] = directions[0] * float(dataset.PixelSpacing[1])
    affine[:3, 1] = directions[1] * float(dataset.PixelSpacing[0])
    affine[:3, 2] = np.cross(*directions)
    affine[:3, 3] = dataset.ImagePositionPatient
    affine = _TO_RAS @ affine
    removed = face_voxels(face, pixels.shape[::-1], affine)
    air = pixels.max() if dataset.PhotometricInterpretation == "MONOCHROME1" else pixels.min()
    return np.where(removed.T, air, pixels), *touched(face, removed, affine)
