"""Kinds of file, by name or first bytes."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from alzedge.errors import UserError
from alzedge.imaging.analyze import SUFFIXES as ANALYZE_SUFFIXES
from alzedge.imaging.foreign_files import foreign_by_name
from alzedge.imaging.picture_files import SUFFIXES

IMAGE, NIFTI, ANALYZE, DICOM, ARCHIVE = "image", "nifti", "analyze", "dicom", "archive"
# Kinds that hold a volume.
VOLUMES = (NIFTI, ANALYZE, DICOM)
NIFTI_SUFFIXES = (".nii", ".nii.gz")
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")

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
    if name != "dicomdir" and foreign_by_name(name) is None and looks_like_dicom(start(path, 132)):
        return DICOM
    return None


def looks_like_dicom(start: bytes) -> bool:
    """True for the mark behind a DICOM file's preamble, or a data set that begins without both.

    Such a data set begins with an element of group 8, its number, and its length or the two letters of its type.
    """
    if start[128:132] == b"DICM":
        return True
    if len(start) < 16 or start[:2] != b"\x08\x00":
        return False
    element = int.from_bytes(start[2:4], "little")
    return element < 0x100 and (
        start[4:6].isalpha() and start[4:6].isupper() or 0 < start[4] <= 64 and not any(start[5:8])
    )


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
