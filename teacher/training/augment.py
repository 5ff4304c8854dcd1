"""Random views of slices that keep the anatomy plausible.

SimCLR's colour operations mean nothing on grey T1 slices, and its crops down to 8 % of
the area cut the brain away. Views here are small rotations, zooms and shifts, a left-right
flip, and gain and gamma, because each slice was contrast-stretched on its own.

The parameters of a view are drawn first and its pixels rendered second: teacher and student can be shown the
same view, and a resumed run draws the same views as an uninterrupted one.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from alzedge.runs.recipe import AugmentRecipe

_PARAMETERS = 7  # angle, zoom, right, down, mirror, gain, gamma
_SCANNER = 8  # blur, five terms of the bias field, standard deviation and seed of the noise
_SECOND = 1  # name of the second stream: views without another scanner stay what they were
_BRIGHT = 0.02  # from here on a pixel is not background


def draw_views(recipe: AugmentRecipe, count: int, seed: list[int]) -> NDArray[np.float32]:
    """Draw the parameters of one view for each of `count` images.

    Args:
        recipe: ranges.
        count: N.
        seed: integers that identify this drawing, for example seed, purpose, epoch.

    Returns:
        float32 (N, 16): angle in radians, zoom, shifts to the right and down as shares of the
        size, -1 if mirrored else 1, gain, gamma, height against width; of another scanner: blur, five terms of the
        bias field, standard deviation and seed of the noise.
    """
    rng = np.random.default_rng(seed)
    uniform = rng.uniform(-1, 1, (count, _PARAMETERS))
    other = np.random.default_rng([*seed, _SECOND]).uniform(-1, 1, (count, 1 + _SCANNER))
    views = np.empty((count, _PARAMETERS + 1 + _SCANNER), np.float32)
    views[:, 0] = np.deg2rad(recipe.rotation) * uniform[:, 0]
    views[:, 1] = 1 + recipe.zoom * uniform[:, 1]
    views[:, 2:4] = recipe.shift * uniform[:, 2:4]
    views[:, 4] = np.where(recipe.flip & (uniform[:, 4] < 0), -1, 1)
    views[:, 5] = 1 + recipe.gain * uniform[:, 5]
    views[:, 6] = np.exp(recipe.gamma * uniform[:, 6])
    views[:, 7] = np.exp(recipe.aspect * other[:, 0])
    views[:, 8] = recipe.blur * np.maximum(other[:, 1], 0)
    views[:, 9:14] = recipe.bias * other[:, 2:7]
    views[:, 14] = recipe.noise * np.abs(other[:, 7])
    views[:, 15] = np.floor((other[:, 8] + 1) * 2**22)
    return views


def apply_views(images: NDArray[np.float32], views: NDArray[np.float32]) -> Any:
    """Render views.

    Args:
        images: float32 (N, rows, columns, 1), 0 (background) to 1.
        views: float32 (N, 16) from `draw_views`.

    Returns:
        float32 of the same shape, 0 to 1, as NumPy's array, or JAX's where Keras runs on it; pixels from outside the
        frame are 0. Noise is each library's own, so its pixels differ between them.
    """
    transforms = _affine(views, *images.shape[1:3])
    scanner = views[:, 8:14] if views[:, 8:14].any() else None
    noisy = bool(views[:, 14].any())
    if keras.backend.backend() == "jax":
        return _compiled()(images, transforms, views[:, 5:7], scanner, views[:, 14:] if noisy else None)
    noise = _noise(images.shape, views[:, 14:]) if noisy else None
    return np.asarray(_render(images, transforms, views[:, 5:7], scanner, noise))


@cache
def _compiled() -> Callable[..., Any]:
    """`_render` compiled by JAX, which draws the noise where the images are."""
    import jax

    def noise_of(shape: tuple[int, ...], drawn: Any) -> Any:
        keys = jax.vmap(jax.random.key)(drawn[:, 1].astype("uint32"))
        return jax.vmap(lambda key: jax.random.normal(key, shape))(keys) * drawn[:, 0].reshape(-1, 1, 1, 1)

    def render(images: Any, transforms: Any, tone: Any, scanner: Any, drawn: Any) -> Any:
        noise = None if drawn is None else noise_of(images.shape[1:], drawn)
        return _render(images, transforms, tone, scanner, noise)

    compiled: Callable[..., Any] = jax.jit(render)
    return compiled


def _render(images: Any, transforms: Any, tone: Any, scanner: Any, noise: Any) -> Any:
    x = ops.image.affine_transform(images, transforms, fill_mode="constant")
    gain, gamma = (ops.reshape(tone[:, i], (-1, 1, 1, 1)) for i in (0, 1))
    if scanner is not None:
        x = _blurred(x, ops.reshape(scanner[:, 0], (-1, 1, 1, 1)))
    x = gain * ops.maximum(x, 0.0) ** gamma
    if scanner is not None:
        x = x * ops.exp(_bias_field(scanner[:, 1:], *images.shape[1:3]))
    if noise is not None:
        x = x + noise * ops.cast(x > _BRIGHT, "float32")
    return ops.clip(x, 0.0, 1.0)


def _blurred(images: Any, share: Any) -> Any:
    smooth = images
    for axis in (1, 2):
        widths = [(0, 0)] * 4
        widths[axis] = (1, 1)
        wide, size = ops.pad(smooth, widths), images.shape[axis]
        low, middle, high = (ops.take(wide, range(start, start + size), axis) for start in (0, 1, 2))
        smooth = (low + 2 * middle + high) / 4
    return images + share * (smooth - images)


def _bias_field(terms: Any, rows: int, columns: int) -> Any:
    """Slow changes of brightness: left-right, top-bottom, their product and both squares, as coils leave them."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, size, dtype=np.float32) for size in (rows, columns)), indexing="ij")
    basis = np.stack([x, y, x * y, x * x - 1 / 3, y * y - 1 / 3]).astype(np.float32)
    return ops.tensordot(terms, basis, 1)[..., None]


def _noise(shape: tuple[int, ...], drawn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Noise (N, rows, columns, 1) from each view's standard deviation and seed."""
    noise = np.empty(shape, np.float32)
    for row, (deviation, seed) in zip(noise, drawn, strict=True):
        np.random.default_rng(int(seed)).standard_normal(out=row, dtype=np.float32)
        row *= deviation
    return noise


def _affine(views: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Rows (a0, a1, a2, b0, b1, b2, 0, 0): output (x, y) takes input (a.(x,y,1), b.(x,y,1))."""
    angle, zoom, right, down, mirror, aspect = (*views[:, :5].T, views[:, 7])
    centre_x, centre_y = (columns - 1) / 2, (rows - 1) / 2
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    transforms = np.zeros((len(views), 8), np.float32)
    transforms[:, 0], transforms[:, 1] = mirror * cos, -mirror * sin
    transforms[:, 3], transforms[:, 4] = sin / aspect, cos / aspect
    transforms[:, 2] = centre_x + right * columns - transforms[:, 0] * centre_x - transforms[:, 1] * centre_y
    transforms[:, 5] = centre_y + down * rows - transforms[:, 3] * centre_x - transforms[:, 4] * centre_y
    return transforms
