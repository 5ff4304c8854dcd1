"""What was uploaded, read within limits: slices as pictures, a NIfTI volume or a DICOM series.

Anything can be uploaded to a page that is open to the internet. Counts and sizes are checked
before a file is opened, pixels on the header before one is decoded or unpacked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.file_types import (
    DICOM,
    DICOM_SUFFIXES,
    IMAGE,
    NIFTI,
    NIFTI_SUFFIXES,
    kind_of,
    open_file,
    read_start,
)
from alzedge.imaging.slices import SUFFIXES, fit_slice, read_bytes
from alzedge.imaging.volumes import volume_of
from alzedge.inference.guard import NOT_A_SLICE, Guard

WANTED = "JPEG or PNG slices, a NIfTI volume (.nii, .nii.gz) or the DICOM files of one series"
FILE_TYPES = (*SUFFIXES, *NIFTI_SUFFIXES, *DICOM_SUFFIXES)


@dataclass(frozen=True)
class Limits:
    """The most that one question may ask of the server.

    Attributes:
        file_bytes: of one file, as uploaded.
        bytes: of all files together.
        stored_bytes: of all that is uploaded and not yet answered, by everyone.
        pictures: JPEG and PNG slices.
        pixels: of a picture that is no slice, decoded for the guard's eyes only.
        files: of a DICOM series.
        voxels: of a volume, unpacked.
    """

    file_bytes: int = 128 * 2**20
    bytes: int = 256 * 2**20
    stored_bytes: int = 4 * 2**30
    pictures: int = 100
    pixels: int = 24_000_000
    files: int = 600
    voxels: int = 2**26


LIMITS = Limits()


@dataclass(frozen=True)
class Upload:
    """What was uploaded, as slices.

    Attributes:
        slices: uint8 (N, 208, 176), N at least 1.
        names: how to call each slice, without any folder; text from a stranger, to be escaped.
        volume: whether the slices are one person's, in order from foot to head.
    """

    slices: NDArray[np.uint8]
    names: tuple[str, ...]
    volume: bool


class NotASlice(UserError):
    """A picture of another size or mode that the guard, shown it, takes for something else than a slice."""


def read_uploads(paths: Sequence[str | Path], limits: Limits = LIMITS, guard: Guard | None = None) -> Upload:
    """Read one or more slices, or one volume.

    Args:
        paths: the files as the server stored them; their last parts are the names shown.
        limits: on counts, bytes and voxels.
        guard: asked about pictures of another size or mode; None tells such a picture's size only.

    Raises:
        NotASlice: such a picture, and the guard is sure.
        UserError: nothing, too much, a mixture, or a file that is none of what can be read.
    """
    files = [Path(path) for path in paths]
    check_sizes(files, limits)
    kinds = [_kind(file) for file in files]
    kind = kinds[0]
    if any(other != kind for other in kinds):
        raise UserError("Several kinds of file at once; upload slices, or one volume, by themselves.")
    if kind == IMAGE:
        return _pictures(files, limits, guard)
    if kind == NIFTI and len(files) > 1:
        raise UserError(f"{len(files)} volumes at once; upload one at a time, each is one person's.")
    return _volume(kind, files, limits)


def check_sizes(files: Sequence[Path], limits: Limits) -> None:
    """Refuse too many files, empty ones and too many bytes, before any is opened.

    Raises:
        UserError: of the first of these.
    """
    if not files:
        raise UserError(f"Nothing was uploaded; choose {WANTED}.")
    if len(files) > limits.files:
        raise UserError(f"{len(files)} files at once are too many, {limits.files} at most; upload fewer.")
    sizes = [file.stat().st_size for file in files]
    for file, size in zip(files, sizes, strict=True):
        if size == 0:
            raise UserError(f"{file.name}: the file is empty; copy or export it again.")
        if size > limits.file_bytes:
            raise UserError(
                f"{file.name}: {_mebibytes(size)} are too large, {_mebibytes(limits.file_bytes)} at most; "
                "upload one head at 1 mm, compressed."
            )
    if sum(sizes) > limits.bytes:
        raise UserError(
            f"{_mebibytes(sum(sizes))} at once are too much, {_mebibytes(limits.bytes)} at most; upload fewer files."
        )


def _kind(file: Path) -> str:
    kind = kind_of(file.name, lambda _, length: read_start(str(file), length))
    if kind not in (IMAGE, NIFTI, DICOM):
        raise UserError(f"{file.name}: not a kind of file that is read here; upload {WANTED}.")
    return kind


def _pictures(files: Sequence[Path], limits: Limits, guard: Guard | None) -> Upload:
    if len(files) > limits.pictures:
        raise UserError(
            f"{len(files)} slices at once are too many, {limits.pictures} at most; upload fewer, or a volume."
        )
    slices = np.stack([_picture(file, limits, guard) for file in files])
    return Upload(slices, tuple(file.name for file in files), volume=False)


def _picture(file: Path, limits: Limits, guard: Guard | None) -> NDArray[np.uint8]:
    pixels, problem = fit_slice(read_bytes(file), file.name, limits.pixels)
    if problem is None:
        return pixels
    if guard is not None and guard.unlikeness(pixels[np.newaxis])[0] > 1:
        raise NotASlice(f"{file.name}: {NOT_A_SLICE}.")
    raise UserError(problem)


def _volume(kind: str, files: Sequence[Path], limits: Limits) -> Upload:
    name = files[0].name if len(files) == 1 else f"the {len(files)} DICOM files"
    named = [(file.name, partial(open_file, str(file))) for file in files]
    volume = volume_of(kind, named, name, limits.voxels)
    names = tuple(f"{name}, slice {number}" for number in range(1, len(volume.slices) + 1))
    return Upload(volume.slices, names, volume=True)


def discard(paths: Sequence[str | Path]) -> None:
    """Delete uploaded files once they have been answered.

    Their folders stay for a while: Gradio names them by the content, so somebody may be putting the same file there.
    """
    for path in map(Path, paths):
        path.unlink(missing_ok=True)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
