"""Copies of the Kaggle set that have lost its file names, recognised by their pixels."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.data.people.by_pixels.fingerprints import (
    Recognised,
    frequencies,
    kaggle_fingerprints,
    place_slices,
    recognise,
)
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.stages import STAGES


@dataclass(frozen=True, eq=False)
class Copies:
    """Pictures of any size, and the Kaggle set's slices that they are copies of.

    Attributes:
        found: the person of each; '' where it is no copy.
        slice: int64 (N,), from 1; 0 where the person is unknown, or has more copies than slices.
    """

    found: Recognised
    slice: NDArray[np.int64]

    @property
    def all(self) -> bool:
        """True when every picture is a copy."""
        return len(self.slice) > 0 and bool((self.found.subject != "").all())

    @property
    def stage(self) -> NDArray[np.int64]:
        """Stage of each picture's person, int64 (N,); -1 where it is no copy."""
        stages = ["", *STAGES]
        return np.array([stages.index(str(name).rpartition("-")[0]) - 1 for name in self.found.subject], np.int64)


def find_copies(pictures: Iterable[NDArray[np.uint8]]) -> Copies:
    """Compare grey pictures, uint8 (rows, columns) of any size, with the fingerprints of the Kaggle set's slices."""
    known = kaggle_fingerprints()
    values = np.stack([frequencies(Image.fromarray(picture)) for picture in pictures])
    found = recognise(values, known)
    return Copies(found, place_slices(values, known, found))


def to_frame(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A resized copy of a slice, whatever its proportions, as large as the slice was: uint8 (208, 176)."""
    return np.asarray(Image.fromarray(picture).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
