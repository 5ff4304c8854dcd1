"""Voxels as a file holds them, with their place in space."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

# A file's name and how to open it.
Named = tuple[str, Callable[[], BinaryIO]]

# A head at 0.3 mm fits.
MAX_VOXELS = 2**28


@dataclass(frozen=True)
class Grid:
    """Voxels as a file holds them, in any order of axes.

    Attributes:
        name: how to call it in messages.
        voxels: real numbers (I, J, K).
        affine: float64 (4, 4), from voxel indices to mm right, anterior and superior (RAS+).
        oriented: whether the affine's directions can be trusted; if not, only its spacing means something.
        notes: what was chosen or unusual about the file, sentences without a full stop.
    """

    name: str
    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    oriented: bool = True
    notes: tuple[str, ...] = ()
