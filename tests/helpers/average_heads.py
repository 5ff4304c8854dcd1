"""Heads for tests: the average brain that ships with the package, with a skull and skin drawn around it, or turned."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from alzedge.imaging.grid import Grid
from alzedge.preparation import frame
from alzedge.preparation.prepare import Prepared, _checked
from alzedge.preparation.quality import _distances, measure
from alzedge.preparation.registration import Registration

Matrix = NDArray[np.float64]


def average_head(skin: bool = True) -> Grid:
    """The average brain at 2 mm, in the frame's mm; with a dark skull and bright skin unless `skin` is false."""
    template = frame.load_template()
    voxels = template.brain * 100
    if skin:
        distances = _distances()
        voxels = voxels + 120 * ((distances > 8) & (distances < 14)) + 8 * ((distances > 0) & (distances <= 8))
    return Grid("head", voxels.astype(np.float32), template.affine)


def moved(grid: Grid, degrees: tuple[float, float, float], shift: tuple[float, float, float]) -> tuple[Grid, Matrix]:
    """The same head lying elsewhere, and the matrix that moved it."""
    move = np.eye(4)
    for axis, angle in enumerate(np.radians(degrees)):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(4)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        move = turn @ move
    move[:3, 3] = shift
    return Grid(grid.name, grid.voxels, move @ grid.affine), move


def displacement(found: Matrix, expected: Matrix) -> float:
    """Mean distance in mm, within the intracranial mask, between where two matrices lead."""
    points = np.argwhere(frame.load_template().mask[::8, ::8, ::8]) * 8
    places = np.c_[points, np.ones(len(points))] @ frame.affine().T
    return float(np.linalg.norm((places @ (found - expected).T)[:, :3], axis=1).mean())


def prepare_nothing(patch: pytest.MonkeyPatch) -> None:
    """Let every scan be the average head and lie in the frame, instead of being registered in seconds."""

    def prepare(grid: Grid, progress: Callable[[float], None] = lambda share: None) -> Prepared:
        grid = _checked(grid)
        progress(1.0)
        head = whole_head()
        shown = np.ones(frame.SHAPE, np.float32)
        found = Registration(np.eye(4), 0.7)
        quality = measure(replace(average_head(), oriented=grid.oriented, notes=grid.notes), found, head, shown)
        return Prepared(grid.name, head, head * frame.load_template().mask, found.matrix, quality)

    for module in ("prepare", "heads"):
        patch.setattr(f"alzedge.preparation.{module}.prepare", prepare)


@cache
def whole_head() -> NDArray[np.float32]:
    """`average_head` at 1 mm in the frame, white matter at 1, float32 (176, 208, 176)."""
    return (average_head().voxels / 100).repeat(2, 0).repeat(2, 1).repeat(2, 2)


def prepared_volume() -> NDArray[np.uint8]:
    """The average brain as `alzedge prepare` would write it, uint8 (176, 208, 176)."""
    template = frame.load_template()
    brain = template.brain.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    return np.rint(np.clip(brain * 200, 0, 255) * template.mask).astype(np.uint8)
