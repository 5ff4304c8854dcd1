"""Named preprocessing steps on whole slices, with NumPy and Pillow alone, so that they run on every device.

Each takes and gives uint8 (N, rows, columns) and treats every slice on its own. They give the values of OpenCV's
functions for 8-bit images, where one is named beside them; the tests hold them to it.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.errors import UserError
from alzedge.imaging.filters.csf import csf_as_light, white_matter
from alzedge.imaging.filters.merges import MERGES

Pixels = NDArray[np.uint8]

RESIZED = 256
_OPENING = 5
_CLIP_LIMIT, _GRID = 2, 7
# Of 11 taps and OpenCV's rule for their width, 0.3 * ((11 - 1) / 2 - 1) + 0.8 = 2 pixels, in 256ths as OpenCV
# rounds them for 8-bit images.
_GAUSSIAN = (2, 7, 17, 31, 45, 52, 45, 31, 17, 7, 2)
_BLOCK = 64
_WHITE_BECOMES = 170  # of white matter
_BACKGROUND = 4  # darker pixels are JPEG noise in the background
# CSF as light; recipes and model files have called the step so since before it had the field's word.
CSF_STEP = "fluid"
# Steps that look at one pixel at a time.
_PIXELWISE = frozenset({"grayscale", "invert", CSF_STEP})


def check_steps(steps: Sequence[str]) -> None:
    """Check that steps are known and can follow one another.

    Raises:
        UserError: an unknown step, or one after `resize256`.
    """
    for step in steps:
        if step not in STEPS:
            raise UserError(f"preprocessing.steps: {step!r} is not a step; the steps are {', '.join(STEPS)}.")
    if "resize256" in steps[:-1]:
        raise UserError("preprocessing.steps: resize256 changes the size of the slice and must be the last step.")


def apply_steps(images: Pixels, steps: Sequence[str]) -> Pixels:
    """Apply steps in order.

    Args:
        images: uint8 (N, 208, 176).
        steps: names from `STEPS`.

    Returns:
        uint8, of the same shape, or (N, 256, 256) after `resize256`; `images` itself when there are no steps.
    """
    if not steps:
        return images
    if len(images) > _BLOCK:  # intermediate values take several times the room of the pixels
        return np.concatenate([apply_steps(images[i : i + _BLOCK], steps) for i in range(0, len(images), _BLOCK)])
    done = images
    for step in steps:
        done = STEPS[step](done, images)
    return done


def lookup_of(steps: Sequence[str]) -> Pixels | None:
    """New value of each grey after these steps, uint8 (256,); None where a pixel's neighbours matter too.

    With it a program in any language can do the steps in one line.
    """
    if not _PIXELWISE.issuperset(steps):
        return None
    greys = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    return apply_steps(greys, steps).ravel()


def _grayscale(images: Pixels, original: Pixels) -> Pixels:
    """Nothing: slices are refused unless they are 8-bit grey (`alzedge.imaging.slices.decode_slice`)."""
    return images


def _invert(images: Pixels, original: Pixels) -> Pixels:
    """White becomes black (cv2.bitwise_not)."""
    inverted: Pixels = 255 - images
    return inverted


def _csf(images: Pixels, original: Pixels) -> Pixels:
    """CSF becomes white, tissue the darker the brighter it was, background stays black.

    So a block's mean grows with its share of CSF, which a mean of the slice itself confuses with background.
    """
    return _through(images, [csf_as_light().tobytes()] * len(images))


def _white(images: Pixels, original: Pixels) -> Pixels:
    """White matter gets the same brightness on every slice, whatever scanner, coil or brightest pixel it came with.

    Pixels below 4 become 0. Of the n pixels of 6 and more, in ascending order, number n * 85 // 100 (from 0 on) is taken for
    white matter: w, at least 20. Each pixel x becomes min(255, (170 * x + w // 2) // w), all in whole numbers. A simple
    form of the white-stripe idea (Shinohara et al. 2014, doi 10.1016/j.nicl.2014.08.008).
    """
    return _through(images, [_white_curve(white_matter(image)) for image in images])


@cache
def _white_curve(white: int) -> bytes:
    """New value of each grey where white matter is `white`."""
    curve = np.minimum(255, (_WHITE_BECOMES * np.arange(256) + white // 2) // white).astype(np.uint8)
    curve[:_BACKGROUND] = 0
    return curve.tobytes()


def _through(images: Pixels, curves: Sequence[bytes]) -> Pixels:
    """New greys by a curve, 256 bytes, of each slice; Python's own table lookup takes half the time of NumPy's."""
    new = b"".join([image.tobytes().translate(curve) for image, curve in zip(images, curves, strict=True)])
    return np.frombuffer(new, np.uint8).reshape(images.shape)


def _opening(images: Pixels, original: Pixels) -> Pixels:
    """Bright detail narrower than a 5 x 5 square goes (cv2.morphologyEx, MORPH_OPEN): least, then greatest of each."""
    least = _extreme(images, np.minimum, 255)
    return _extreme(least, np.maximum, 0)


def _extreme(images: Pixels, choose: Callable[[Pixels, Pixels], Pixels], outside: int) -> Pixels:
    reach = _OPENING // 2
    for axis in (1, 2):
        widths = [(0, 0)] * 3
        widths[axis] = (reach, reach)
        padded = np.pad(images, widths, constant_values=outside)
        size = images.shape[axis]
        images = padded.take(range(size), axis)
        for shift in range(1, _OPENING):
            images = choose(images, padded.take(range(shift, shift + size), axis))
    return images


def _clahe(images: Pixels, original: Pixels) -> Pixels:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994; cv2.createCLAHE(2, (7, 7)))."""
    rows, columns = images.shape[1:]
    if len(images) == 0:
        return images
    # OpenCV adds a whole tile's rest to both sides as soon as one of them does not divide.
    divides = rows % _GRID == 0 and columns % _GRID == 0
    more = (0, 0) if divides else (_GRID - rows % _GRID, _GRID - columns % _GRID)
    padded = np.pad(images, ((0, 0), (0, more[0]), (0, more[1])), mode="reflect")
    high, wide = padded.shape[1] // _GRID, padded.shape[2] // _GRID
    top, low_row, row_share = _tiles(rows, high)
    left, right, column_share = _tiles(columns, wide)
    return np.stack(
        [
            _mapped(image, _curves(whole, high, wide), (top, low_row, row_share), (left, right, column_share))
            for image, whole in zip(images, padded, strict=True)
        ]
    )


_Places = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]


def _tiles(size: int, tile: int) -> _Places:
    """Of each row or column the tile before it, the one after it, and how near it is to the latter."""
    place = np.arange(size, dtype=np.float32) * (np.float32(1) / np.float32(tile)) - np.float32(0.5)
    before = np.floor(place)
    share = (place - before).astype(np.float32)
    first = before.astype(np.intp)
    return np.maximum(first, 0), np.minimum(first + 1, _GRID - 1), share


def _curves(image: Pixels, high: int, wide: int) -> NDArray[np.float32]:
    """New value of each old one, by tile: (7, 7, 256)."""
    area = high * wide
    tiles = image.reshape(_GRID, high, _GRID, wide).transpose(0, 2, 1, 3).reshape(_GRID * _GRID, area)
    offset = np.arange(_GRID * _GRID)[:, None] * 256
    counts = np.bincount((tiles + offset).ravel(), minlength=_GRID * _GRID * 256).reshape(-1, 256)
    limit = max(_CLIP_LIMIT * area // 256, 1)
    excess = np.maximum(counts - limit, 0).sum(axis=1)
    counts = np.minimum(counts, limit) + (excess // 256)[:, None]
    for row, rest in zip(counts, excess % 256, strict=True):
        if rest:
            row[:: max(256 // int(rest), 1)][: int(rest)] += 1
    scaled = counts.cumsum(axis=1).astype(np.float32) * (np.float32(255) / np.float32(area))
    curves: NDArray[np.float32] = np.rint(np.minimum(scaled, 255)).reshape(_GRID, _GRID, 256)
    return curves


def _mapped(image: Pixels, curves: NDArray[np.float32], rows: _Places, columns: _Places) -> Pixels:
    """Bilinear between the curves of the four tiles around each pixel."""
    (top, bottom, down), (left, right, along) = rows, columns

    def of_row(tile: NDArray[np.intp]) -> NDArray[np.float32]:
        before, after = curves[tile[:, None], left[None], image], curves[tile[:, None], right[None], image]
        between: NDArray[np.float32] = before * (1 - along) + after * along
        return between

    values = of_row(top) * (1 - down)[:, None] + of_row(bottom) * down[:, None]
    rounded: Pixels = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return rounded


def _gaussian(images: Pixels, original: Pixels) -> Pixels:
    """Smooth with a Gaussian of 11 x 11 pixels (cv2.GaussianBlur(image, (11, 11), 0)), mirrored at the edges."""
    reach = len(_GAUSSIAN) // 2
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach)), mode="reflect").astype(np.uint32)
    rows, columns = images.shape[1:]
    across = np.zeros((*padded.shape[:2], columns), np.uint32)
    summed = np.full(images.shape, 2**15, np.uint32)  # a half, for rounding
    for i, weight in enumerate(_GAUSSIAN):
        across += np.uint32(weight) * padded[:, :, i : i + columns]
    for i, weight in enumerate(_GAUSSIAN):
        summed += np.uint32(weight) * across[:, i : i + rows]
    return (summed >> np.uint32(16)).astype(np.uint8)


def _resize256(images: Pixels, original: Pixels) -> Pixels:
    """Stretch to 256 x 256 between neighbouring pixels (Pillow's BILINEAR; cv2.resize differs by at most 1)."""
    size = (RESIZED, RESIZED)
    resized = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)) for image in images]
    return np.stack(resized) if resized else np.empty((0, *size), np.uint8)


# Each of the slices so far and of the slices as they came, which the two merges need.
STEPS: dict[str, Callable[[Pixels, Pixels], Pixels]] = {
    "grayscale": _grayscale,
    "invert": _invert,
    CSF_STEP: _csf,
    "white": _white,
    "opening": _opening,
    "clahe": _clahe,
    "gaussian": _gaussian,
    **MERGES,
    "resize256": _resize256,
}
