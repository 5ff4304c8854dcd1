"""Faces removed from scans with their skull on, by registration to the average head.

What lies in front of the brain or below it is removed, as seen from the side: the outline of the brain with a margin is
closed to a convex shape, and every voxel outside it is blanked that is further forward than some part of it and at
least 25 mm lower. The idea of the outline from the side is that of Quickshear (Schimke & Hale 2011, HealthSec), whose cut is one plane.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from alzedge.deidentify.rules.refusals import LeftOut
from alzedge.errors import UserError
from alzedge.imaging.grid import Grid
from alzedge.preparation import frame
from alzedge.preparation.prepare import prepare
from alzedge.preparation.quality import GOOD, STRIPPED

Matrix = NDArray[np.float64]

# Around the inside of the skull, so that no error of the registration reaches the brain.
_MARGIN_MM = 8
# The scalp this close below the vertex shows nobody and stays.
_TOP_MM = 25
_NO_HEAD = "a scan that could not be registered to the average head, so its face cannot be found; strip its skull"


@dataclass(frozen=True, eq=False)
class Face:
    """Place of the face of a head.

    Attributes:
        to_scan: float64 (4, 4), from the frame's mm to the scan's mm (right, anterior, superior).
        stripped: whether the scan is skull-stripped, so that there is no face to remove.
    """

    to_scan: Matrix
    stripped: bool


def find_face(grid: Grid) -> Face:
    """Find the face of a T1 scan.

    Raises:
        LeftOut: it is not a whole head, or its registration is in doubt.
    """
    try:
        prepared = prepare(grid)
    except UserError:
        raise LeftOut(_NO_HEAD) from None
    if prepared.quality.verdict != GOOD:
        raise LeftOut(_NO_HEAD)
    return Face(prepared.matrix, prepared.quality.kind == STRIPPED)


def face_voxels(face: Face, shape: tuple[int, ...], affine: Matrix) -> NDArray[np.bool_]:
    """Voxels of a scan to be blanked.

    Args:
        face: of this scan, or of another of the same session in the same coordinates.
        shape: of the voxels (I, J, K).
        affine: float64 (4, 4), from their indices to mm right, anterior and superior.

    Returns:
        bool (I, J, K); none of a skull-stripped scan.
    """
    if face.stripped:
        return np.zeros(shape, bool)
    _, rows, slices = _in_frame(face, shape, affine)
    removed: NDArray[np.bool_] = _profile()[rows, slices]
    return removed


def touched(face: Face, removed: NDArray[np.bool_], affine: Matrix) -> tuple[int, int]:
    """Number of a scan's brain voxels, as the frame's mask has them, and of those among them that were removed."""
    brain = frame.load_template().mask[_in_frame(face, removed.shape, affine)]
    return int(brain.sum()), int((brain & removed).sum())


def _in_frame(face: Face, shape: tuple[int, ...], affine: Matrix) -> tuple[NDArray[np.intp], ...]:
    """Nearest column, row and slice of the frame for each voxel; outside the frame its edge."""
    matrix = np.linalg.inv(face.to_scan @ frame.affine()) @ affine
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    return tuple(
        np.clip(np.rint(a * i + b * j + c * k + d), 0, side - 1).astype(np.intp)
        for (a, b, c, d), side in zip(matrix[:3], frame.SHAPE, strict=True)
    )


@cache
def _profile() -> NDArray[np.bool_]:
    """Rows and slices of the frame that are in front of the brain or below it, bool (208, 176)."""
    from scipy import ndimage

    brain = frame.load_template().mask.any(axis=0)
    reach = np.hypot(*np.ogrid[-_MARGIN_MM : _MARGIN_MM + 1, -_MARGIN_MM : _MARGIN_MM + 1]) <= _MARGIN_MM
    kept = _hull(ndimage.binary_dilation(brain, reach))
    # Rows count to the front and slices upwards: behind and above a voxel means smaller rows and larger slices.
    ahead = np.maximum.accumulate(kept, axis=0)
    lower = np.maximum.accumulate(ahead[:, ::-1], axis=1)[:, ::-1]
    profile: NDArray[np.bool_] = np.pad(lower, ((0, 0), (0, _TOP_MM)))[:, _TOP_MM:] & ~kept
    return profile


def _hull(shape: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The convex hull of a flat shape."""
    from scipy.spatial import Delaunay

    corners = Delaunay(np.argwhere(shape))
    every = np.argwhere(np.ones(shape.shape, bool))
    inside: NDArray[np.bool_] = (corners.find_simplex(every) >= 0).reshape(shape.shape)
    return inside
