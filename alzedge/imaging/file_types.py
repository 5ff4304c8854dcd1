"""Kinds of file, by name or first bytes."""

import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

from alzedge.errors import UserError
from alzedge.imaging.analyze import SUFFIXES as ANALYZE_SUFFIXES
from alzedge.imaging.foreign_files import foreign_by_name
from alzedge.imaging.picture_files import SUFFIXES
from alzedge.utils.files import GZIP_MAGIC

IMAGE, NIFTI, ANALYZE, DICOM, ARCHIVE = "image", "nifti", "analyze", "dicom", "archive"
# Kinds that hold a volume.
VOLUMES = (NIFTI, ANALYZE, DICOM)
NIFTI_SUFFIXES = (".nii", ".nii.gz")
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")

# Holds the mark of NIfTI even where it is compressed.
_START_BYTES = 2048
_NIFTI_1, _NIFTI_2 = b"n+1\0", b"n+2\0\r\n\x1a\n"

# The first bytes of a file, by its path and their number.
Start = Callable[[str, int], bytes]


def kind_of(path: str, start: Start) -> str | None:
    """Kind of a file by its name or, where that has no known ending, by its content; None for other files.

    Scanners call files `IM0001`, `IM0001.MR` or `1.2.840.113619.2.5.17`. A `DICOMDIR` is a table of contents.
    """
    name = path.rpartition("/")[2].lower()
    if name.endswith(SUFFIXES):
        return IMAGE
    if name.endswith(NIFTI_SUFFIXES):
        return NIFTI
    if name.endswith(DICOM_SUFFIXES):
        return DICOM
    if name.endswith(ANALYZE_SUFFIXES):
        return DICOM if start(path, 132)[128:] == b"DICM" else ANALYZE
    if name.endswith(".zip"):
        return ARCHIVE
    if name == "dicomdir" or foreign_by_name(name) is not None:
        return None
    content = start(path, _START_BYTES)
    if looks_like_dicom(content):
        return DICOM
    return NIFTI if _looks_like_nifti(content) else None


def _looks_like_nifti(start: bytes) -> bool:
    """True for the mark of a NIfTI-1 or NIfTI-2 volume, compressed or not."""
    if start.startswith(GZIP_MAGIC):
        try:
            start = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(start, _START_BYTES)
        except zlib.error:
            return False
    return start[344:348] == _NIFTI_1 or start[4:12] == _NIFTI_2


def looks_like_dicom(start: bytes) -> bool:
    """True for the mark behind a DICOM file's preamble, or a data set that begins without preamble, mark or both.

    Such a data set begins with an element of group 2 or 8, of either byte order: its number, and its length or the two
    letters of its type.
    """
    if start[128:132] == b"DICM" or start[:4] == b"DICM":
        return True
    order: Literal["little", "big"] = "big" if start[:1] == b"\0" else "little"
    group, element, length = (int.from_bytes(start[at : at + size], order) for at, size in ((0, 2), (2, 2), (4, 4)))
    if len(start) < 16 or group not in (2, 8) or element >= 0x100:
        return False
    return start[4:6].isalpha() and start[4:6].isupper() or 0 < length <= 64


def read_start(path: str, length: int) -> bytes:
    """The first bytes of a file."""
    with open_file(path) as file:
        return file.read(length)


def open_file(path: str) -> BinaryIO:
    """An ordinary file, open for reading.

    Raises:
        UserError: a pipe or a device, which would be waited for.
        OSError: it cannot be opened.
    """
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise UserError(f"{path} is not an ordinary file; name a file or a folder of files.")
    return Path(path).open("rb")
