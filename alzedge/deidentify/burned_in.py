"""Text burned into pixels, found by its shape: several small marks of like height in a row, outside the head.

It knows no letters. It finds neither text over the head nor fewer than five letters, such as the R and L of the sides.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Strokes of letters are thinner than this many pixels, organs are not.
_STROKE = 7
# Of the image's contrast, above which a mark stands out; ghosts of scans reach a few percent ...
_CONTRAST = 0.15
# ... and where there is noise, this many times the median of what looks like thin strokes.
_ABOVE_NOISE = 4
# Pixels. Marks of fewer rows cannot be read, higher ones are no captions.
_LOWEST, _HIGHEST = 5, 48
_FEWEST_LETTERS, _FEWEST_MARKS = 5, 3
# Letters of one mark at most: neighbours in bold print touch.
_TOUCHING = 3
# Of a letter's height, by which a line of letters may waver.
_ALIGNED = 0.12
# More marks than this are noise all over the image.
_MOST_MARKS = 3000


@dataclass(frozen=True)
class _Mark:
    """A connected mark; rows and columns, last ones not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def letters(self) -> int:
        """Number of letters that it may be, as wide as they are high or a little less."""
        return min(_TOUCHING, max(1, round((self.right - self.left) / (0.8 * self.height))))


def shows_text(image: NDArray[Any]) -> bool:
    """Look for a row of letter-like marks outside the head, across or down the image, bright or dark.

    Args:
        image: real numbers (H, W), bright tissue on a dark background.
    """
    pixels = _stretched(image)
    return pixels is not None and _text_beside(pixels, _head(pixels))


def volume_shows_text(voxels: NDArray[Any]) -> bool:
    """Look for text on every slice of a volume, real numbers (I, J, K), along each of its axes.

    Outside the head means outside its shadow along the axis: at the vertex a brain is many small pieces.
    """
    for axis in range(3):
        shadow = _stretched(voxels.max(axis=axis))
        if shadow is None:
            continue
        head = _head(shadow)
        for plane in np.moveaxis(voxels, axis, 0):
            pixels = _stretched(plane)
            if pixels is not None and _text_beside(pixels, head):
                return True
    return False


def _stretched(image: NDArray[Any]) -> NDArray[np.float32] | None:
    """Dark tissue 0, bright tissue 1; None where there is nothing to be seen."""
    pixels = np.nan_to_num(image.astype(np.float32))
    low, high = np.percentile(pixels, (20, 99.5))
    if pixels.max() > high == low:
        high = pixels.max()  # nothing but a little text
    if high <= low or min(image.shape) < 2 * _STROKE:
        return None
    stretched: NDArray[np.float32] = np.clip((pixels - low) / (high - low), 0, 1)
    return stretched


def _text_beside(pixels: NDArray[np.float32], head: NDArray[np.bool_]) -> bool:
    return any(_has_row(marks, head) or _has_row(marks.T, head.T) for marks in _strokes(pixels))


def _head(pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The largest thing thicker than strokes, with its holes and bays filled."""
    from scipy import ndimage

    thick = ndimage.grey_opening(pixels, size=(_STROKE, _STROKE)) > _CONTRAST
    reach = max(pixels.shape) // 25
    padded = np.pad(thick, reach)
    closed = ndimage.minimum_filter(ndimage.maximum_filter(padded, 2 * reach + 1), 2 * reach + 1)
    labels, count = ndimage.label(closed[reach:-reach, reach:-reach])
    if not count:
        return np.zeros(pixels.shape, bool)
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    head: NDArray[np.bool_] = ndimage.maximum_filter(ndimage.binary_fill_holes(largest), 5)
    return head


def _strokes(pixels: NDArray[np.float32]) -> list[NDArray[np.bool_]]:
    """Thin bright things, and thin dark ones."""
    from scipy import ndimage

    size = (_STROKE, _STROKE)
    bright = pixels - ndimage.grey_opening(pixels, size=size)
    dark = ndimage.grey_closing(pixels, size=size) - pixels
    return [thin > max(_CONTRAST, _ABOVE_NOISE * np.median(thin)) for thin in (bright, dark)]


def _has_row(strokes: NDArray[np.bool_], head: NDArray[np.bool_]) -> bool:
    """At least five letters in one row."""
    marks = sorted(_marks(strokes, head), key=lambda mark: mark.left)
    if not _FEWEST_MARKS <= len(marks) <= _MOST_MARKS:
        return False
    letters, length = [mark.letters for mark in marks], [1] * len(marks)
    for i, mark in enumerate(marks):
        for j in range(i - 1, -1, -1):
            if mark.left - marks[j].left > 4 * _HIGHEST:
                break
            if _follows(mark, marks[j]):
                letters[i] = max(letters[i], letters[j] + mark.letters)
                length[i] = max(length[i], length[j] + 1)
        if letters[i] >= _FEWEST_LETTERS and length[i] >= _FEWEST_MARKS:
            return True
    return False


def _marks(strokes: NDArray[np.bool_], head: NDArray[np.bool_]) -> list[_Mark]:
    """Marks of the size of letters, or of a few that touch, mostly outside the head."""
    from scipy import ndimage

    labels, count = ndimage.label(strokes, np.ones((3, 3)))
    if count == 0:
        return []
    size = np.bincount(labels.ravel(), minlength=count + 1)
    inside = np.bincount(labels[head], minlength=count + 1)
    marks = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        mark = _Mark(rows.start, rows.stop, columns.start, columns.stop)
        fits = _LOWEST <= mark.height <= _HIGHEST and mark.right - mark.left <= _TOUCHING * mark.height
        if fits and 3 * inside[number] < size[number]:
            marks.append(mark)
    return marks


def _follows(right: _Mark, left: _Mark) -> bool:
    """Two marks next to one another as letters of a line are: on the same line above or below, and near."""
    high = max(right.height, left.height)
    aligned = min(abs(right.top - left.top), abs(right.bottom - left.bottom)) <= max(1, _ALIGNED * high)
    gap = right.left - left.right
    return aligned and high <= 2 * min(right.height, left.height) and -1 <= gap <= 1.2 * high
