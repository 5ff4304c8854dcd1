"""Kinds of file, by name or first bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from alzedge.imaging.slices import SUFFIXES

IMAGE, NIFTI, DICOM, ARCHIVE = "image", "nifti", "dicom", "archive"
NIFTI_SUFFIXES = (".nii", ".nii.gz")
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")

# The first bytes of a file, by its path and their number.
Start = Callable[[str, int], bytes]


def kind_of(path: str, start: Start) -> str | None:
    """Kind of a file by its name or, where that has no known ending, by its content; None for other files.

    Scanners call files `IM0001` or `1.2.840.113619.2.5.17`. A `DICOMDIR` is a table of contents.
    """
    name = path.rpartition("/")[2].lower()
    if name.endswith(SUFFIXES):
        return IMAGE
    if name.endswith(NIFTI_SUFFIXES):
        return NIFTI
    if name.endswith(DICOM_SUFFIXES):
        return DICOM
    if name.endswith(".zip"):
        return ARCHIVE
    ending = name.rpartition(".")[2]
    if name != "dicomdir" and (ending == name or ending.isdigit()) and start(path, 132)[128:] == b"DICM":
        return DICOM
    return None


def read_start(path: str, length: int) -> bytes:
    """The first bytes of a file."""
    with open_file(path) as file:
        return file.read(length)


def open_file(path: str) -> BinaryIO:
    """A file, open for reading."""
    return Path(path).open("rb")
