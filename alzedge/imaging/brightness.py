"""Brightness of a volume in the frame: the fluid that a tight mask cut away, sharpness, and each slice's stretch.

Slices of the Kaggle set are stretched one by one, from black (0, the background alone) to their brightest pixel (255), so
that a single bright vessel makes a slice darker. Their 90th percentile within the mask, which is white matter, lies at
218 on average (213 at level 1 to 226 at level 32; standard deviation over people 13). A prepared slice is given just
that: the set's brightness without its accidents.
"""

import numpy as np
from numpy.typing import NDArray

from alzedge.imaging.resample import Floats, blurred

# What the 90th percentile of a slice's mask becomes, of 255.
WHITE = 218
_PERCENTILE = 90
# Brightness of fluid where white matter is 1: the Kaggle slices' where tight masks of the same people leave a gap.
FLUID = 0.17
# Unsharp masking of a scan of 2 mm. Chosen so that 11 people's 2 mm volumes have as many dark pixels as their own 1 mm
# slices; scans of 1 mm are left as they are, in between the amount is in proportion.
_SHARPNESS, _SHARPNESS_SIGMA_MM = 1.0, 1.5


def white_of(voxels: Floats, mask: NDArray[np.bool_]) -> float:
    """Brightness of white matter: the 90th percentile within the mask."""
    return float(np.percentile(voxels[mask], _PERCENTILE))


def filled(voxels: Floats, empty: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Voxels with fluid where a skull-stripped scan shows nothing inside the skull.

    Args:
        voxels: float32 (I, J, K), white matter at 1.
        empty: float32, share of each voxel in which the scan shows nothing, 0 to 1.
        mask: bool, the inside of the skull.
    """
    whole: Floats = voxels + np.float32(FLUID) * empty * mask
    return whole


def sharpened(voxels: Floats, spacing: float) -> Floats:
    """Voxels of 1 mm made as sharp as a 1 mm scan's.

    Args:
        voxels: float32 (I, J, K), resampled to 1 mm.
        spacing: mean side in mm of the voxels that they were resampled from.
    """
    amount = _SHARPNESS * float(np.clip(spacing - 1, 0, 1))
    if amount < 0.05:
        return voxels
    sharp: Floats = voxels + np.float32(amount) * (voxels - blurred(voxels, np.eye(4), _SHARPNESS_SIGMA_MM))
    return sharp


def stretched(plane: Floats, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A slice in 8 bits, white matter at `WHITE`, black outside the mask.

    Args:
        plane: float32 (208, 176).
        mask: bool (208, 176).
    """
    white = white_of(plane, mask) if mask.any() else 0.0
    if white <= 0:
        return np.zeros(plane.shape, np.uint8)
    grey = np.clip(plane * (WHITE / white), 0, 255) * mask
    bits: NDArray[np.uint8] = np.rint(grey).astype(np.uint8)
    return bits
