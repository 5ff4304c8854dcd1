"""A head's scan among uploaded files: which files it is, its slices, and how it was brought into the frame."""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.deidentify.in_memory import refuse_text, strip_files
from alzedge.demo.answering.limits import Limits
from alzedge.errors import UserError
from alzedge.imaging.analyze import pair_of
from alzedge.imaging.file_types import ANALYZE, NIFTI, VOLUMES
from alzedge.imaging.grid import Grid
from alzedge.imaging.volumes import volume_of
from alzedge.preparation.heads import open_head
from alzedge.preparation.picture import draw_quality
from alzedge.preparation.quality import Quality
from alzedge.preparation.scans import scan_of


@dataclass(frozen=True)
class Fit:
    """A scan's way into the frame.

    Attributes:
        heights: of the slices, z in mm in the frame.
        notes: what is doubtful, was chosen or unusual, sentences without a full stop.
        quality: figures on the registration; None where there was none.
        picture: a PNG file of three planes with the frame's outline; empty where there was no registration.
    """

    heights: tuple[float, ...]
    notes: tuple[str, ...] = ()
    quality: Quality | None = None
    picture: bytes = b""


@dataclass(frozen=True, eq=False)
class HeadSlices:
    """Slices of one volume.

    Attributes:
        slices: uint8 (N, 208, 176), from foot to head.
        names: of the slices.
        fit: the scan's way into the frame; None where it was cut as it lies.
    """

    slices: NDArray[np.uint8]
    names: tuple[str, ...]
    fit: Fit | None


def one_volume(kinds: Mapping[Path, str]) -> tuple[str, list[Path]]:
    """Kind and files of the only volume among files, at least one: a NIfTI file, an Analyze pair, or all DICOM files.

    Args:
        kinds: of the files, in order.

    Raises:
        UserError: several volumes.
    """
    of_kind = {kind: [file for file in kinds if kinds[file] == kind] for kind in VOLUMES}
    there = [kind for kind in VOLUMES if of_kind[kind]]
    kind, chosen = there[0], of_kind[there[0]]
    if len(there) == 1 and kind == ANALYZE:
        return kind, _pair(chosen)
    if len(of_kind[NIFTI]) > 1:
        raise UserError(f"{len(of_kind[NIFTI])} volumes at once; upload one at a time, each is one person's.")
    if len(there) > 1:
        raise UserError("Volumes of several kinds at once; upload one of them.")
    return kind, chosen


def _pair(files: list[Path]) -> list[Path]:
    """Header and image of the only Analyze pair; uploads may lie in folders of their own, so only names are compared."""
    by_name = {file.name: file for file in files}
    pair = [by_name[name] for name in pair_of(files[0].name, by_name.__contains__)]
    if len(files) > 2:
        raise UserError(f"{len(files)} files of Analyze pairs at once; upload one pair, it is one person's.")
    return pair


def read_head(
    kind: str,
    files: Sequence[Path],
    limits: Limits,
    heights: tuple[float, ...] | None = None,
    report: Path | None = None,
) -> HeadSlices:
    """Read one volume as slices.

    Args:
        kind: of the files, one of `alzedge.imaging.file_types.VOLUMES`.
        files: as `one_volume` gives them.
        limits: on voxels and slices.
        heights, report: see `alzedge.demo.answering.uploads.read_uploads`.

    Raises:
        UserError: not to be read or brought into the frame, too many slices, or text in them.
    """
    name = files[0].name if len(files) == 1 or kind == ANALYZE else f"the {len(files)} DICOM files"
    with told_as_damage(name):
        named = strip_files(kind, list(files))
        if heights is None:
            slices, fit = volume_of(kind, named, name, limits.voxels).slices, None
            refuse_text(slices, name)
        else:
            grid = scan_of(kind, named, name, (), limits.voxels)
            refuse_text(grid.voxels, name)  # what lies outside of the head is gone afterwards
            slices, fit = _fitted(grid, heights, report)
    if len(slices) > limits.slices:
        raise UserError(f"{name}: {len(slices)} slices are too many, {limits.slices} at most; resample it to 1 mm.")
    places = [""] * len(slices) if fit is None else [f", {height:+.0f} mm" for height in fit.heights]
    return HeadSlices(slices, tuple(f"{name}, slice {n}{place}" for n, place in enumerate(places, 1)), fit)


def _fitted(grid: Grid, heights: tuple[float, ...], report: Path | None) -> tuple[NDArray[np.uint8], Fit]:
    """Slices in the frame, and how they came there."""

    def tell(share: float) -> None:
        if report is not None:
            report.write_text(f"{share:.2f}")

    head = open_head(grid, heights, tell)
    if head.prepared is None:
        return head.slices, Fit(head.heights, head.notes)
    buffer = io.BytesIO()
    draw_quality(head.prepared).save(buffer, "PNG")
    return head.slices, Fit(head.heights, head.notes, head.quality, buffer.getvalue())


@contextlib.contextmanager
def told_as_damage(name: str) -> Iterator[None]:
    """The last wall behind the parsers: whatever else one of them raises becomes a sentence."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        raise UserError(f"{name}: damaged, or not what its name says; export it again.") from error
