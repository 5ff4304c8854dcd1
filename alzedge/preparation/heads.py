"""The door for volumes: whatever a scan is, slices in the frame come out, with notes on how they came about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.imaging.grid import Grid
from alzedge.imaging.volumes import cut_slices
from alzedge.preparation import frame
from alzedge.preparation.prepare import Prepared, cut, prepare
from alzedge.preparation.quality import DOUBTFUL, Quality
from alzedge.preparation.resample import Floats
from alzedge.utils.extras import require

# Of an affine against the frame's, in voxels and mm.
_SAME = 1e-3


@dataclass(frozen=True, eq=False)
class Head:
    """Slices of one head in the frame.

    Attributes:
        slices: uint8 (N, 208, 176).
        heights: of the slices, z in mm in the frame.
        notes: what is doubtful, was chosen or unusual, sentences without a full stop.
        prepared: the registered head; None where the volume lay in the frame already.
    """

    slices: NDArray[np.uint8]
    heights: tuple[float, ...]
    notes: tuple[str, ...] = ()
    prepared: Prepared | None = None

    @property
    def quality(self) -> Quality | None:
        """Figures on the registration; None where there was none."""
        return None if self.prepared is None else self.prepared.quality


def open_head(grid: Grid, heights: Sequence[float], progress: Callable[[float], None] = lambda share: None) -> Head:
    """Cut a scan's slices in the frame, after registering it if it does not lie there yet.

    A volume on the frame's own grid that shows nothing outside the frame's mask, as `alzedge prepare` writes it, is cut
    at once. A single slice is taken as it lies: there is nothing to register.

    Args:
        grid: a T1 scan of a head.
        heights: z in mm in the frame at which to cut.
        progress: called with the share of the work that is done.

    Raises:
        UserError: it cannot be brought into the frame, or SimpleITK is missing.
    """
    if min(grid.voxels.shape) == 1:
        one = cut_slices(grid)
        return Head(one.slices, tuple(one.positions.tolist()), grid.notes)
    which = [frame.slice_at(height) for height in heights]
    volume = _in_frame_already(grid)
    if volume is not None:
        note = "in the frame already, so it was taken as it is"
        return Head(cut(volume, which), tuple(heights), (*grid.notes, note))
    require("prepare")
    prepared = prepare(grid, progress)
    return Head(prepared.slices(which), tuple(heights), notes_on(prepared.quality), prepared)


def notes_on(quality: Quality) -> tuple[str, ...]:
    """Sentences without a full stop for whoever reads an answer: doubts first."""
    doubts = tuple(f"doubtful: {reason}" for reason in quality.reasons) if quality.verdict == DOUBTFUL else ()
    return (*doubts, *quality.notes)


def _in_frame_already(grid: Grid) -> Floats | None:
    """Voxels of a masked volume on the frame's grid, in the frame's order of axes; None for any other scan."""
    if not grid.oriented or sorted(grid.voxels.shape) != sorted(frame.SHAPE) or not np.isfinite(grid.affine).all():
        return None
    to_grid = np.linalg.inv(grid.affine) @ frame.affine() if np.linalg.det(grid.affine) else np.zeros((4, 4))
    turn = np.rint(to_grid)
    order = np.abs(turn[:3, :3]).argmax(axis=0).tolist()
    if not np.allclose(to_grid, turn, atol=_SAME) or sorted(order) != [0, 1, 2] or np.abs(turn[:3, :3]).sum() != 3:
        return None
    flips = [turn[axis, column] < 0 for column, axis in enumerate(order)]
    starts = [grid.voxels.shape[axis] - 1 if flip else 0 for axis, flip in zip(order, flips, strict=True)]
    voxels = grid.voxels.transpose(order)
    if voxels.shape != frame.SHAPE or [turn[axis, 3] for axis in order] != starts:
        return None
    voxels = voxels[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    mask = frame.load_template().mask
    outside = voxels[~mask]
    return None if outside.any() or not voxels.any() else np.asarray(voxels, np.float32)
