"""Random views of slices that keep the anatomy plausible.

SimCLR's colour operations mean nothing on grey T1 slices, and its crops down to 8 % of
the area cut the brain away. Views here are small rotations, zooms and shifts, a left-right
flip, and gain and gamma, because each slice was contrast-stretched on its own.

A view is a row of numbers first and pixels second: teacher and student can be shown the
same view, and a resumed run draws what an undisturbed run would have drawn.
"""

import numpy as np
from keras import ops
from numpy.typing import NDArray

from alzedge.runs.recipe import AugmentRecipe

_PARAMETERS = 7  # angle, zoom, right, down, mirror, gain, gamma


def draw_views(recipe: AugmentRecipe, count: int, seed: list[int]) -> NDArray[np.float32]:
    """Draw the numbers of one view for each of `count` images.

    Args:
        recipe: ranges.
        count: N.
        seed: whole numbers that name this drawing, for example seed, purpose, epoch.

    Returns:
        float32 (N, 7): angle in radians, zoom, shifts to the right and down as shares of the
        size, -1 if mirrored else 1, gain, gamma.
    """
    rng = np.random.default_rng(seed)
    uniform = rng.uniform(-1, 1, (count, _PARAMETERS))
    views = np.empty((count, _PARAMETERS), np.float32)
    views[:, 0] = np.deg2rad(recipe.rotation) * uniform[:, 0]
    views[:, 1] = 1 + recipe.zoom * uniform[:, 1]
    views[:, 2:4] = recipe.shift * uniform[:, 2:4]
    views[:, 4] = np.where(recipe.flip & (uniform[:, 4] < 0), -1, 1)
    views[:, 5] = 1 + recipe.gain * uniform[:, 5]
    views[:, 6] = np.exp(recipe.gamma * uniform[:, 6])
    return views


def apply_views(images: NDArray[np.float32], views: NDArray[np.float32]) -> NDArray[np.float32]:
    """Render views.

    Args:
        images: float32 (N, rows, columns, 1), 0 (background) to 1.
        views: float32 (N, 7) from `draw_views`.

    Returns:
        float32 of the same shape, 0 to 1; what comes from outside the frame is 0.
    """
    rows, columns = images.shape[1:3]
    warped = np.asarray(ops.image.affine_transform(images, _affine(views, rows, columns), fill_mode="constant"))
    gain, gamma = views[:, 5].reshape(-1, 1, 1, 1), views[:, 6].reshape(-1, 1, 1, 1)
    adjusted: NDArray[np.float32] = np.clip(gain * np.maximum(warped, 0) ** gamma, 0, 1).astype(np.float32)
    return adjusted


def _affine(views: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Rows (a0, a1, a2, b0, b1, b2, 0, 0): output (x, y) takes input (a.(x,y,1), b.(x,y,1))."""
    angle, zoom, right, down, mirror = views[:, :5].T
    centre_x, centre_y = (columns - 1) / 2, (rows - 1) / 2
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    transforms = np.zeros((len(views), 8), np.float32)
    transforms[:, 0], transforms[:, 1] = mirror * cos, -mirror * sin
    transforms[:, 3], transforms[:, 4] = sin, cos
    transforms[:, 2] = centre_x + right * columns - transforms[:, 0] * centre_x - transforms[:, 1] * centre_y
    transforms[:, 5] = centre_y + down * rows - transforms[:, 3] * centre_x - transforms[:, 4] * centre_y
    return transforms
