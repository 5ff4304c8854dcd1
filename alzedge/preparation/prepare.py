"""From any T1 scan of a head to slices in the frame: register, mask, resample, stretch.

Needs SimpleITK (extra `prepare`). SimpleITK is one wheel without dependencies and holds the same
registration as ANTs, whose own package brings pandas, statsmodels and matplotlib.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.grid import Grid
from alzedge.preparation import frame
from alzedge.preparation.bias import bias_of
from alzedge.preparation.brightness import filled, sharpened, stretched, white_of
from alzedge.preparation.quality import FAILED, LEAST_SIMILARITY, STRIPPED, Quality, measure
from alzedge.preparation.registration import Registration, register
from alzedge.preparation.resample import Floats, Matrix, limited, resampled

_LEAST_EXTENT_MM = 60.0
_LEAST_SLICES = 12
# Mean distance in mm up to which a grid like the frame's is taken for the frame's own.
_OWN_GRID_MM = 4.0
# Of the brightest voxels', what is dark enough to be nothing.
_NOTHING = 0.002


@dataclass(frozen=True, eq=False)
class Prepared:
    """A head in the frame.

    Attributes:
        name: how to call it in messages.
        head: float32 (176, 208, 176), the whole scan in the frame, white matter at 1.
        volume: float32 (176, 208, 176), the inside of the skull, the rest 0; what slices are cut from.
        matrix: float64 (4, 4), from the frame's mm to the scan's mm.
        quality: figures and verdict.
    """

    name: str
    head: Floats
    volume: Floats
    matrix: Matrix
    quality: Quality

    def slices(self, which: Iterable[int] = frame.level_slices()) -> NDArray[np.uint8]:
        """Slices as the Kaggle set has them, uint8 (N, 208, 176), of the frame's slices `which`; by default its 32 levels."""
        return cut(self.volume, which)


def cut(volume: Floats, which: Iterable[int]) -> NDArray[np.uint8]:
    """Slices `which` of a volume in the frame, (176, 208, 176), each stretched by itself, uint8 (N, 208, 176)."""
    mask = frame.load_template().mask
    return np.stack([stretched(volume[:, :, k].T, mask[:, :, k].T) for k in which])


def prepare(
    grid: Grid,
    progress: Callable[[float], None] = lambda share: None,
) -> Prepared:
    """Bring a head into the frame.

    Args:
        grid: a T1 scan, with or without its skull, in any orientation and place.
        progress: called with the share of the work that is done.

    Raises:
        UserError: no head was found in it, or too little of one; the sentence says why.
    """
    grid = _checked(grid)
    found = register(grid.voxels, grid.affine, grid.oriented, lambda share: progress(0.6 * share))
    prepared = _in_frame(grid, found)
    if grid.oriented and abs(prepared.quality.similarity) < LEAST_SIMILARITY:  # the header's directions may be wrong
        grid = replace(grid, oriented=False)
        second = _in_frame(grid, register(grid.voxels, grid.affine, False, lambda share: progress(0.6 + 0.3 * share)))
        prepared = second if second.quality.verdict != FAILED else prepared
    if prepared.quality.verdict == FAILED:
        raise UserError(
            f"{grid.name}: could not be brought into the atlas frame: {'; '.join(prepared.quality.reasons)}. Name a "
            "T1-weighted scan of a whole adult head."
        )
    progress(1.0)
    return prepared


def _checked(grid: Grid) -> Grid:
    """The grid with finite voxels, the darkest at 0, and a note on what was unusual about them."""
    sides = np.linalg.norm(grid.affine[:3, :3], axis=0)
    size = " x ".join(map(str, grid.voxels.shape))
    if not np.all(np.isfinite(sides)) or sides.min() < 0.1 or sides.max() > 20:
        raise UserError(
            f"{grid.name}: voxels of {' x '.join(f'{side:.3g}' for side in sides)} mm are not a head scan's; correct the "
            "header's voxel size."
        )
    if min(grid.voxels.shape) < _LEAST_SLICES or (sides * grid.voxels.shape).min() < _LEAST_EXTENT_MM:
        raise UserError(
            f"{grid.name}: {size} voxels of {' x '.join(f'{side:.3g}' for side in sides)} mm are a slab or a localiser, "
            "not a whole head; name the 3D T1 scan."
        )
    voxels = np.asarray(grid.voxels, np.float32)
    finite = np.isfinite(voxels)
    notes = grid.notes
    if not finite.all():
        notes = (*notes, f"{1 - finite.mean():.1%} of its voxels are NaN or infinite and were taken as 0")
        voxels = np.where(finite, voxels, np.float32(0))
    if not np.ptp(voxels):
        raise UserError(f"{grid.name}: all voxels are equal, so there is no head in it; name a T1 scan.")
    # Air is 0 but for CT, and for files whose unsigned voxels were read as signed ones.
    voxels = voxels - voxels.min() if voxels.min() < 0 else voxels
    return replace(grid, voxels=voxels, notes=notes)


def _in_frame(grid: Grid, found: Registration) -> Prepared:
    """The scan in the frame, judged, its brightness made comparable."""
    mask = frame.load_template().mask
    to_scan = np.linalg.inv(grid.affine) @ found.matrix @ frame.affine()
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    if _is_own_grid(grid, to_scan):
        head = np.asarray(grid.voxels, np.float32)
        shown = (head > 0).astype(np.float32)
        spacing = np.ones(3)
    else:
        fine = limited(grid.voxels, grid.affine, 1.0)
        head = np.maximum(resampled(fine, to_scan, frame.SHAPE, cubic=True), 0)
        seen = fine > _NOTHING * np.percentile(fine, 99)
        shown = resampled(seen, to_scan, frame.SHAPE)
    head = head / bias_of(head, mask)
    quality = measure(grid, found, head, shown)
    white = white_of(head, mask) or 1.0
    head = sharpened(head / np.float32(white), float(spacing.mean()))
    inside = filled(head, 1 - shown, mask) if quality.kind == STRIPPED else head
    return Prepared(grid.name, head, np.maximum(inside, 0) * mask, found.matrix, quality)


def _is_own_grid(grid: Grid, to_scan: Matrix) -> bool:
    """Tell whether the scan is on the frame's own voxels already, as OASIS-1's atlas-registered volumes are."""
    if grid.voxels.shape != frame.SHAPE:
        return False
    points = np.argwhere(frame.load_template().mask[::8, ::8, ::8]) * 8
    moved = points @ to_scan[:3, :3].T + to_scan[:3, 3]
    return float(np.linalg.norm(moved - points, axis=1).mean()) < _OWN_GRID_MM
