"""Heads for tests: the average brain that ships with the package, with a skull and skin drawn around it, or turned."""

import numpy as np
from numpy.typing import NDArray

from alzedge.imaging.grid import Grid
from alzedge.preparation import frame
from alzedge.preparation.quality import _distances

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
