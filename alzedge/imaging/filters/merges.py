"""Steps of preprocessing that join a processed slice with the slice as it came; see `alzedge.imaging.steps`."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_GREY = 128  # what no difference becomes
_LARGEST_FACTOR = 4


def overlap(images: Pixels, original: Pixels) -> Pixels:
    """Lay the processed slice half transparent over the original (cv2.addWeighted, 0.5 each; halves to even)."""
    total = images.astype(np.uint16) + original
    half = total >> np.uint16(1)
    return (half + (total & half & np.uint16(1))).astype(np.uint8)


def multiply(images: Pixels, original: Pixels) -> Pixels:
    """Multiply the processed slice by the original, white being 1 (cv2.multiply with scale 1/255)."""
    product = images.astype(np.uint32) * original
    return ((2 * product + 255) // 510).astype(np.uint8)


def difference(images: Pixels, original: Pixels, factor: int) -> Pixels:
    """Take the processed slice off the original, times `factor`, around grey (cv2.addWeighted, factor, -factor, 128).

    Of a smoothed slice this is what its local contrast is raised by (Graham 2015, Kaggle Diabetic Retinopathy Detection).
    """
    shifted = factor * (original.astype(np.int16) - images) + _GREY
    return shifted.clip(0, 255).astype(np.uint8)


# Each of the processed slices and of the slices as they came.
MERGES: dict[str, Callable[[Pixels, Pixels], Pixels]] = {
    "overlap": overlap,
    "multiply": multiply,
    **{f"difference{factor}": partial(difference, factor=factor) for factor in range(1, _LARGEST_FACTOR + 1)},
}
