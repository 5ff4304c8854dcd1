"""Volumes: a head's NIfTI file, Analyze pair or DICOM series, cut into axial slices as it lies.

This is for volumes that are in the frame already; `alzedge.preparation` brings others there. A slice has the frame's
pixels: 1 mm, 176 wide and 208 high, posterior at the top, the patient's right in column 0, each slice stretched to
0..255 on its own. A volume that lies elsewhere, has its skull or is of another contrast is cut all the same; the models'
guard refuses its slices.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.errors import UserError
from alzedge.imaging.analyze import pair_of
from alzedge.imaging.file_types import ANALYZE, DICOM, NIFTI, VOLUMES, kind_of, open_file, read_start
from alzedge.imaging.grid import MAX_VOXELS, Grid, Named
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.utils.extras import require

# Beyond it, "axial" slices show something else than the slices a model has seen.
MAX_TILT_DEGREES = 20
# Where the middle of the brains' bounding box lies in the Kaggle set: mean over its 200 people.
_CENTRE_ROW, _CENTRE_COLUMN = 103.1, 86.5
_SPACING_MM = (0.1, 20.0)
_EXTENT_MM = (64.0, 600.0)
_SAME_MM = 0.001


@dataclass(frozen=True)
class Volume:
    """One head as slices.

    Attributes:
        name: how to call it in messages.
        slices: uint8 (N, 208, 176), from foot to head; empty ones are left out.
        positions: float64 (N,), height of each slice in mm in the scanner's or atlas' coordinates: the frame's for a volume
            that lies in it.
    """

    name: str
    slices: NDArray[np.uint8]
    positions: NDArray[np.float64]


def is_volume(path: Path) -> bool:
    """True for a volume by its name and first bytes: a NIfTI file, one of an Analyze pair, a DICOM file or a folder."""
    return path.is_dir() or (path.is_file() and kind_of(str(path), read_start) in VOLUMES)


def read_volume(path: Path) -> Volume:
    """Read a head from a NIfTI file (`.nii`, `.nii.gz`), a DICOM file or a folder of DICOM files, as it lies.

    The volume should be a skull-stripped T1 in the frame; `alzedge prepare` makes it one. It is
    turned to the canonical axes, resampled to 1 mm within slices where its spacing differs (the
    slices themselves are those of the file), and centred on the head. A grid of 176 x 208 mm is
    the frame itself and is not moved: at 1 mm and 8 bits its slices come through bit for bit.

    Args:
        path: file or folder. A DICOM file of a single frame gives a volume of one slice.

    Raises:
        UserError: nothing there, damaged, too large, in colour, of unknown or oblique orientation,
            with a fourth dimension, a mixed or incomplete series, or packages are missing.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; check the path.")
    if path.is_dir():
        kind, files = DICOM, [str(file) for file in sorted(path.iterdir()) if file.is_file()]
        files = [file for file in files if kind_of(file, read_start) == DICOM]
    else:
        kind, files = kind_of(str(path), read_start) or DICOM, [str(path)]
    if kind == ANALYZE:
        files = list(pair_of(str(path), lambda name: Path(name).is_file()))
    return volume_of(kind, [(file, partial(open_file, file)) for file in files], str(path))


def volume_of(
    kind: str,
    files: Sequence[Named],
    name: str,
    max_voxels: int = MAX_VOXELS,
    on_left_out: Callable[[str, bool], None] | None = None,
) -> Volume:
    """Read a volume of a known kind; see `read_volume`.

    Args:
        kind: of the files, one of `alzedge.imaging.file_types.VOLUMES`.
        files: the name of each and how to open it; of an Analyze pair the header first.
        name: how to call the volume in messages.
        max_voxels: more are refused before they are unpacked.
        on_left_out: see `alzedge.imaging.dicom.read_dicom`.
    """
    return cut_slices(grid_of(kind, files, name, max_voxels, on_left_out))


def grid_of(
    kind: str,
    files: Sequence[Named],
    name: str,
    max_voxels: int = MAX_VOXELS,
    on_left_out: Callable[[str, bool], None] | None = None,
) -> Grid:
    """Read the voxels of a volume of a known kind; see `volume_of` for the arguments."""
    require("medical")
    from alzedge.imaging.analyze import read_analyze
    from alzedge.imaging.dicom import read_dicom
    from alzedge.imaging.nifti import read_nifti

    if kind == ANALYZE:
        header, image = files
        return read_analyze(header, image, max_voxels)
    if kind == NIFTI:
        with files[0][1]() as stream:
            return read_nifti(stream, name, max_voxels)
    return read_dicom(files, name, max_voxels, on_left_out)


def cut_slices(grid: Grid) -> Volume:
    """Cut axial slices in the Kaggle set's frame; see `read_volume`.

    Raises:
        UserError: orientation is unknown; spacing, tilt or extent is not a head's; a voxel is not finite; all are equal.
    """
    if not grid.oriented:
        raise UserError(
            f"{grid.name}: orientation unknown (its header tells none), so it cannot be cut as it lies; prepare it "
            "(`alzedge prepare`), convert the scan again with a tool that keeps it, for example dcm2niix, or set the sform "
            "where you know it."
        )
    voxels, affine = _canonical(grid)
    columns, rows, count = voxels.shape
    spacing = np.abs(np.diag(affine))[:3]
    size = (round(columns * spacing[0]), round(rows * spacing[1]))
    resampled = bool(np.any(np.abs(spacing[:2] - 1) > _SAME_MM))
    top, left = (0, 0) if size == (WIDTH, HEIGHT) else _corner(voxels, spacing, grid.name)
    slices, heights = [], []
    for k in range(count):
        plane = voxels[::-1, :, k].T  # posterior is the top row, right the first column
        _check_finite(plane, grid.name)
        if plane.min() == plane.max():
            continue
        if resampled:
            image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
            plane = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
        slices.append(_framed(_stretched(plane), top, left))
        heights.append(k)
    if not slices:
        raise UserError(f"{grid.name}: all voxels of a slice are equal, in every slice; name a volume with a head.")
    middle = np.array([(columns - 1) / 2, (rows - 1) / 2, 0, 1])
    positions = (affine @ middle)[2] + affine[2, 2] * np.array(heights, np.float64)
    return Volume(grid.name, np.stack(slices), positions)


def _canonical(grid: Grid) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels with axes right, anterior, superior, and their affine."""
    from nibabel import affines, orientations

    spacing = affines.voxel_sizes(grid.affine)
    if not np.all(np.isfinite(grid.affine)) or not np.all((spacing >= _SPACING_MM[0]) & (spacing <= _SPACING_MM[1])):
        raise UserError(
            f"{grid.name}: voxels of {_millimetres(spacing)} are not a head scan's; correct the header's spacing."
        )
    cosines = np.abs(grid.affine[:3, :3] / spacing).max(axis=1)
    tilt = float(np.degrees(np.arccos(np.minimum(cosines, 1))).max())
    if tilt > MAX_TILT_DEGREES:
        raise UserError(
            f"{grid.name}: its axes are tilted {tilt:.0f} degrees against the scanner's, more than {MAX_TILT_DEGREES}; "
            "register it to an atlas or resample it to straight axes, for example with nibabel's resample_to_output."
        )
    turns = orientations.io_orientation(grid.affine)
    voxels = orientations.apply_orientation(grid.voxels, turns)
    affine = grid.affine @ orientations.inv_ornt_aff(turns, grid.voxels.shape)
    straight = np.diag([*affines.voxel_sizes(affine), 1.0])
    straight[:3, 3] = affine[:3, 3]
    extent = np.array(voxels.shape[:2]) * np.diag(straight)[:2]
    if extent.min() < _EXTENT_MM[0] or extent.max() > _EXTENT_MM[1]:
        raise UserError(
            f"{grid.name}: {_millimetres(extent)} from left to right and from back to front is not a head in axial "
            "slices; name an axial slice or the whole volume."
        )
    # The height of a slightly tilted slice is that of its middle.
    straight[2, 3] = (affine @ [(voxels.shape[0] - 1) / 2, (voxels.shape[1] - 1) / 2, 0, 1])[2]
    return voxels, straight


def _millimetres(lengths: NDArray[np.float64]) -> str:
    return " x ".join(f"{length:.4g}" for length in lengths) + " mm"


def _check_finite(plane: NDArray[Any], name: str) -> None:
    if plane.dtype.kind == "f" and not np.isfinite(plane).all():
        raise UserError(
            f"{name}: some voxels are NaN or infinite; replace them by 0, for example with numpy.nan_to_num."
        )


def _corner(voxels: NDArray[Any], spacing: NDArray[np.float64], name: str) -> tuple[int, int]:
    """Row and column of the frame at which the top left pixel of a slice belongs; may be negative."""
    sample = voxels[::4, ::4, ::4]
    _check_finite(sample, name)
    low, high = float(sample.min()), float(np.percentile(sample, 99.5))
    threshold = low + 0.1 * (high - low)  # above the noise of the air around an unstripped head
    across, along = np.zeros(voxels.shape[0], bool), np.zeros(voxels.shape[1], bool)
    for k in range(voxels.shape[2]):
        head = voxels[:, :, k] > threshold
        across |= head.any(axis=1)
        along |= head.any(axis=0)
    if not across.any():
        across[:] = along[:] = True
    column, row = _middle(across[::-1]) * spacing[0], _middle(along) * spacing[1]
    return round(_CENTRE_ROW + 0.5 - row), round(_CENTRE_COLUMN + 0.5 - column)


def _middle(occupied: NDArray[np.bool_]) -> float:
    """Middle of the occupied part, from the outer edge of the first element, in elements."""
    where = np.flatnonzero(occupied)
    return float(where[0] + where[-1] + 1) / 2


def _stretched(plane: NDArray[Any]) -> NDArray[np.uint8]:
    """Smallest value to 0, largest to 255; the identity on 8 bits that span them already."""
    values = plane.astype(np.float64)
    low, high = values.min(), values.max()
    if low == high:
        return np.zeros(plane.shape, np.uint8)
    stretched: NDArray[np.uint8] = np.rint((values - low) * (255 / (high - low))).astype(np.uint8)
    return stretched


def _framed(image: NDArray[np.uint8], top: int, left: int) -> NDArray[np.uint8]:
    frame = np.zeros((HEIGHT, WIDTH), np.uint8)
    inside = image[max(0, -top) : HEIGHT - top, max(0, -left) : WIDTH - left]
    frame[max(0, top) : max(0, top) + inside.shape[0], max(0, left) : max(0, left) + inside.shape[1]] = inside
    return frame
