"""Affine registration of OASIS-1's volumes to the archive's slices, by the correlation of what both show.

The archive's coordinates are (slice, row, column) in pixels of 1 mm; an affine map (3, 4) takes them to mm.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.utils.extras import require

Floats = NDArray[np.float64]
Volumes = NDArray[np.float32]

_NAME = re.compile(r"(OAS1_\d{4})_MR\d.*\.nii(\.gz)?")
# Points lie so many pixels and slices apart.
EVERY = 3
# One step of the search in turn, stretch and shift.
_STEP = np.array([[0.02, 0.01, 0.01, 2.0]] * 3)
# The archive's lowest slice lies about there, and the brains' middle behind the atlas' origin.
_LOWEST_MM, _MIDDLE_MM = -2.0, -18.0


@dataclass(frozen=True)
class ScanFile:
    """A volume of OASIS-1 on disk, and whose it is."""

    person: str
    path: Path


@dataclass(frozen=True, eq=False)
class Scan:
    """A volume in memory: voxels float32 (I, J, K), and the affine (4, 4) from voxels to mm."""

    voxels: Volumes
    affine: Floats


def list_scans(folder: Path) -> list[ScanFile]:
    """Find the volumes `OAS1_xxxx_MRy*.nii[.gz]` of a folder.

    Raises:
        UserError: no such folder, or fewer than two volumes in it.
    """
    paths = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    found = [ScanFile(match[1], path) for path in paths if (match := _NAME.fullmatch(path.name))]
    if len(found) < 2:
        raise UserError(f"{folder}: no volumes named like OAS1_0001_MR1.nii.gz; name the folder of OASIS-1's scans.")
    return found


def read_scan(file: ScanFile) -> Scan:
    """Read one volume.

    Raises:
        UserError: damaged, or no packages to read it with.
    """
    require("medical")
    from alzedge.imaging.nifti import read_nifti

    with file.path.open("rb") as stream:
        grid = read_nifti(stream, str(file.path))
    if not grid.oriented:
        raise UserError(f"{file.path}: its header does not say how the head lies; run `alzedge prepare` on it instead.")
    return Scan(grid.voxels.astype(np.float32), grid.affine)


def mean_scan(files: Sequence[ScanFile]) -> Scan:
    """The mean of volumes, read one by one: those of a data set take gigabytes.

    Raises:
        UserError: not all on one grid.
    """
    first = read_scan(files[0])
    total = first.voxels.astype(np.float64)
    for file in files[1:]:
        scan = read_scan(file)
        if scan.voxels.shape != first.voxels.shape or not np.allclose(scan.affine, first.affine):
            raise UserError(f"{file.path}: not on the grid of {files[0].path.name}; register all scans to one atlas.")
        total += scan.voxels
    return Scan((total / len(files)).astype(np.float32), first.affine)


def points_of(shape: tuple[int, ...], margin: int = 0) -> Floats:
    """Slice, row and column (Z, Y, X, 3) of the points compared in slices of `shape`, `margin` more at both ends of z."""
    axes = [np.arange(EVERY // 2, size, EVERY, dtype=np.float64) for size in shape]
    below = axes[0][0] - EVERY * np.arange(margin, 0, -1)
    axes[0] = np.concatenate([below, axes[0], axes[0][-1] + EVERY * np.arange(1, margin + 1)])
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def sample_slices(slices: NDArray[np.uint8]) -> Volumes:
    """The archive's slices (S, 208, 176), smoothed, at `points_of` their shape: float32 (Z, Y, X)."""
    from scipy.ndimage import gaussian_filter

    at = slice(EVERY // 2, None, EVERY)
    smooth: Volumes = gaussian_filter(slices.astype(np.float32), 1)[at, at, at]
    return smooth


def sample_scan(scan: Scan, affine: Floats, points: Floats) -> Volumes:
    """A scan at archive points (..., 3): float32 (...)."""
    from scipy.ndimage import map_coordinates

    to_voxels = np.linalg.inv(scan.affine)
    there = (points @ affine[:, :3].T + affine[:, 3]) @ to_voxels[:3, :3].T + to_voxels[:3, 3]
    sampled: Volumes = map_coordinates(scan.voxels, np.moveaxis(there, -1, 0), order=1)
    return sampled


def register_mean(archive: Volumes, mean: Scan, points: Floats) -> tuple[Floats, float]:
    """Register the scans' mean to the archive's mean (Z, Y, X), with either end of the rows in front.

    Returns:
        The affine map, whose left and right are still open, and the correlation reached.
    """
    starts = (_start(points, front) for front in (1, -1))
    return max((register(archive, mean, points, start, np.ravel) for start in starts), key=lambda found: found[1])


def _start(points: Floats, front: int) -> Floats:
    """The slices as they would lie at the atlas' origin; `front` is 1 when rows run from back to front, else -1."""
    middle = points.reshape(-1, 3).mean(axis=0)
    along_rows = [0, front, 0, _MIDDLE_MM - front * middle[1]]
    return np.array([[0, 0, 1, -middle[2]], along_rows, [1, 0, 0, _LOWEST_MM]])


def register(
    target: Volumes, scan: Scan, points: Floats, start: Floats, prepare: Callable[[Volumes], NDArray[Any]]
) -> tuple[Floats, float]:
    """Search the affine map with the highest correlation by Powell's method, from `start`.

    Args:
        target: float32 (Z, Y, X), the archive's side at `points` (Z, Y, X, 3).
        scan: what is moved.
        prepare: makes of either side the vector that is compared.

    Returns:
        The map, and the correlation reached.
    """
    from scipy.optimize import minimize

    wanted = unit(prepare(target)[None])[0]

    def loss(step: Floats) -> float:
        moved = sample_scan(scan, start + step.reshape(3, 4) * _STEP, points)
        return -float(wanted @ unit(prepare(moved)[None])[0])

    found = minimize(loss, np.zeros(12), method="Powell", options={"maxiter": 4, "xtol": 0.02, "ftol": 1e-4})
    return start + found.x.reshape(3, 4) * _STEP, -float(found.fun)


def unit(rows: NDArray[Any]) -> Floats:
    """Rows of zero mean and unit norm, so that inner products are correlations."""
    centred = rows.astype(np.float64) - rows.mean(axis=1, keepdims=True)
    scaled: Floats = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return scaled
