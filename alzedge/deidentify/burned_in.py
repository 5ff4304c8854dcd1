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
    def has_size_of_letters(self) -> bool:
        """As high as letters are, and no wider than a few that touch."""
        return _LOWEST <= self.height <= _HIGHEST and self.right - self.left <= _TOUCHING * self.height

    def turned(self) -> "_Mark":
        """The mark with rows and columns exchanged."""
        return _Mark(self.left, self.right, self.top, self.bottom)

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
    return pixels is not None and _text_beside(pixels, None)


def volume_shows_text(voxels: NDArray[Any]) -> bool:
    """Look for text on every slice of a volume, real numbers (I, J, K), along each of its axes.

    Outside the head means outside its shadow along the axis: at the vertex a brain is many small pieces.
    """
    for axis in range(3):
        shadow = _stretched(voxels.max(axis=axis))
        if shadow is None:
            continue
        head = _head(_opened(shadow))
        for plane in np.moveaxis(voxels, axis, 0):
            pixels = _stretched(plane)
            if pixels is not None and _text_beside(pixels, head):
                return True
    return False


def _stretched(image: NDArray[Any]) -> NDArray[np.float32] | None:
    """Dark tissue 0, bright tissue 1; None where there is nothing to be seen."""
    pixels = np.nan_to_num(image.astype(np.float32))
    low, high = np.percentile(pixels[::2, ::2], (20, 99.5))
    if pixels.max() > high == low:
        high = pixels.max()  # nothing but a little text
    if high <= low or min(image.shape) < 2 * _STROKE:
        return None
    stretched: NDArray[np.float32] = np.clip((pixels - low) / (high - low), 0, 1)
    return stretched


def _text_beside(pixels: NDArray[np.float32], head: NDArray[np.bool_] | None) -> bool:
    """Text on a stretched image outside its head, which is looked for where it is not given."""
    from scipy import ndimage

    opened = _opened(pixels)
    beside = _head(opened) if head is None else head
    closed = ndimage.grey_closing(pixels, size=(_STROKE, _STROKE))
    for thin in (pixels - opened, closed - pixels):
        strokes = thin > max(_CONTRAST, _ABOVE_NOISE * float(np.median(thin[::2, ::2])))
        marks = _marks(strokes, beside)
        if _has_row(marks) or _has_row([mark.turned() for mark in marks]):
            return True
    return False


def _opened(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The image without bright strokes."""
    from scipy import ndimage

    opened: NDArray[np.float32] = ndimage.grey_opening(pixels, size=(_STROKE, _STROKE))
    return opened


def _head(opened: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The largest thing, with its holes and bays filled, of an image without strokes; found on every other pixel."""
    from scipy import ndimage

    coarse = opened[::2, ::2] > _CONTRAST
    reach = max(opened.shape) // 50
    padded = np.pad(coarse, reach)
    closed = ndimage.minimum_filter(ndimage.maximum_filter(padded, 2 * reach + 1), 2 * reach + 1)
    rows, columns = coarse.shape
    labels, count = ndimage.label(closed[reach : reach + rows, reach : reach + columns])
    if not count:
        return np.zeros(opened.shape, bool)
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    wide = ndimage.maximum_filter(ndimage.binary_fill_holes(largest), 3)
    head: NDArray[np.bool_] = wide.repeat(2, axis=0).repeat(2, axis=1)[: opened.shape[0], : opened.shape[1]]
    return head


def _has_row(unordered: list[_Mark]) -> bool:
    """At least five letters in one row."""
    marks = [mark for mark in unordered if mark.has_size_of_letters]
    marks.sort(key=lambda mark: mark.left)
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
    """Connected strokes that lie mostly outside the head."""
    from scipy import ndimage

    labels, count = ndimage.label(strokes, np.ones((3, 3)))
    if count == 0:
        return []
    size = np.bincount(labels.ravel(), minlength=count + 1)
    inside = np.bincount(labels[head], minlength=count + 1)
    marks = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        if 3 * inside[number] < size[number]:
            marks.append(_Mark(rows.start, rows.stop, columns.start, columns.stop))
    return marks


def _follows(right: _Mark, left: _Mark) -> bool:
    """Two marks next to one another as letters of a line are: on the same line above or below, and near."""
    high = max(right.height, left.height)
    aligned = min(abs(right.top - left.top), abs(right.bottom - left.bottom)) <= max(1, _ALIGNED * high)
    gap = right.left - left.right
    return aligned and high <= 2 * min(right.height, left.height) and -1 <= gap <= 1.2 * high
