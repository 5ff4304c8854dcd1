"""The most that one question may ask of the server, and the checks that need no file to be opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alzedge.errors import UserError

WANTED = "JPEG, PNG, BMP, TIFF or WebP slices, a NIfTI volume (.nii, .nii.gz), an Analyze pair (.hdr and .img) or the DICOM files of one series"


@dataclass(frozen=True)
class Limits:
    """The most that one question may ask of the server.

    Attributes:
        file_bytes: of one file, as uploaded.
        bytes: of all files together.
        stored_bytes: of all that is uploaded and not yet answered, by everyone.
        stored_files: of the same; fifty visitors may have as many as one upload may hold.
        pictures: JPEG and PNG slices.
        pixels: of a picture that is not a slice, decoded for the guard's eyes only.
        files: of a DICOM series.
        voxels: of a volume, unpacked.
        slices: of a volume.
        seconds: of processor time for reading one picture.
        head_seconds: of processor time for reading one volume and bringing it into the frame.
        all_seconds: for reading all files of a question, by the clock.
    """

    file_bytes: int = 128 * 2**20
    bytes: int = 256 * 2**20
    stored_bytes: int = 4 * 2**30
    stored_files: int = 30_000
    pictures: int = 100
    pixels: int = 24_000_000
    files: int = 600
    voxels: int = 2**26
    slices: int = 400
    seconds: int = 10
    head_seconds: int = 90
    all_seconds: int = 60


LIMITS = Limits()


def check_counts(files: Sequence[Path], limits: Limits) -> None:
    """Refuse no files, too many of them and too many bytes, before any is opened.

    Raises:
        UserError: of the first of these.
    """
    if not files:
        raise UserError(f"Nothing was uploaded; choose {WANTED}.")
    if len(files) > limits.files:
        raise UserError(f"{len(files)} files at once are too many, {limits.files} at most; upload fewer.")
    total = sum(file.stat().st_size for file in files)
    if len(files) > 1 and total > limits.bytes:
        raise UserError(
            f"{_mebibytes(total)} at once are too much, {_mebibytes(limits.bytes)} at most; upload fewer files."
        )


def check_size(file: Path, limits: Limits) -> None:
    """Refuse an empty file and one with too many bytes, before it is opened.

    Raises:
        UserError: of these.
    """
    size = file.stat().st_size
    if size == 0:
        raise UserError(f"{file.name}: the file is empty; copy or export it again.")
    if size > limits.file_bytes:
        raise UserError(
            f"{file.name}: {_mebibytes(size)} are too large, {_mebibytes(limits.file_bytes)} at most; "
            "upload one head at 1 mm, compressed."
        )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
