"""The frame: where a slice lies in the head, stated once.

The Kaggle set shows OASIS-1's volumes after their affine registration to the Talairach-like atlas "711-2B" of
Washington University (Buckner et al. 2004, doi 10.1016/j.neuroimage.2004.06.018; Marcus et al. 2007,
doi 10.1162/jocn.2007.19.9.1498): 176 x 208 x 176 voxels of 1 mm. In this package's frame

* a slice has 208 rows and 176 columns; **posterior is at the top**, row r lies at y = r - 123 mm (anterior is positive);
* column c lies at x = 87 - c mm (the person's right is positive, so right is in column 0, as in radiology). Which side
  is right was read off the headers of OASIS-1 volumes in MNI space whose own origin is not certain, so left and right are
  **uncertain**; the brain's midline is measured at column 87;
* slice k lies at z = k - 75 mm, from the neck (k = 0) to above the vertex (k = 175).

The Kaggle set's slices 1 to 32 ("levels") are consecutive; level L lies at z = L - 1 mm, 0 to 31 mm. The anterior
commissure is at level 0 to 1, so the origin is the atlas' own within about 1 mm. Measured by affine registration of 173
people's Kaggle slices to their OASIS-1 volumes in MNI space (`alzedge.export.experiments.build_template`): the frame's
mm are mapped to MNI's by `TO_MNI`.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError

# Columns, rows, slices.
SHAPE = (176, 208, 176)
LEVELS = 32
# Slice of the frame that shows level 1.
FIRST_LEVEL = 75
# From columns, rows and slices to mm right, anterior and superior.
_AFFINE = ((-1.0, 0.0, 0.0, 87.0), (0.0, 1.0, 0.0, -123.0), (0.0, 0.0, 1.0, -75.0), (0.0, 0.0, 0.0, 1.0))
# Mean over people.
_TO_MNI = (
    (1.0472, 0.0021, 0.0296, -0.51),
    (0.0036, 1.0496, -0.0028, 4.31),
    (-0.0257, -0.0441, 1.0316, -4.01),
    (0.0, 0.0, 0.0, 1.0),
)


@dataclass(frozen=True, eq=False)
class Template:
    """Average head of the frame, to register to.

    Attributes:
        brain: float32 (88, 104, 88), mean T1 brightness at 2 mm, fluid included; white matter is about 1.
        affine: float64 (4, 4), of `brain`, from its indices to the frame's mm.
        mask: bool (176, 208, 176), the inside of the skull at 1 mm: brain and the fluid around it. At the levels it is
            the mask that all people of the Kaggle set share; elsewhere what the brains of most OASIS-1 people fill.
    """

    brain: NDArray[np.float32]
    affine: NDArray[np.float64]
    mask: NDArray[np.bool_]


def affine() -> NDArray[np.float64]:
    """From columns, rows and slices of the frame to mm right, anterior and superior, float64 (4, 4)."""
    return np.array(_AFFINE, np.float64)


def to_mni() -> NDArray[np.float64]:
    """From the frame's mm to the mm of MNI152 space, float64 (4, 4)."""
    return np.array(_TO_MNI, np.float64)


def height_of(level: float) -> float:
    """Height z in mm of a Kaggle level; levels count from 1."""
    return level - 1


def level_of(height: float) -> float:
    """Kaggle level at a height z in mm; below 1 and above `LEVELS` the set shows nothing."""
    return height + 1


def slice_at(height: float) -> int:
    """Slice of the frame at a height z in mm."""
    return round(height) + FIRST_LEVEL


def kaggle_levels() -> tuple[float, ...]:
    """Heights z in mm of the Kaggle levels 1 to 32."""
    return tuple(height_of(level) for level in range(1, LEVELS + 1))


def levels_of(record: Mapping[str, Any]) -> tuple[float, ...]:
    """Heights z in mm at which a model looks at a volume: `levels` of its record, else those of the Kaggle set.

    Raises:
        UserError: the entry is not a list of heights within the frame.
    """
    levels = record.get("levels")
    if levels is None:
        return kaggle_levels()
    numbers = isinstance(levels, list) and all(type(level) in (int, float) for level in levels)
    if not numbers or not levels or not all(-FIRST_LEVEL <= level < SHAPE[2] - FIRST_LEVEL for level in levels):
        raise UserError(
            f"The model asks for slices at {levels!r:.60}, which are no heights in mm of the frame; update alzedge."
        )
    return tuple(float(level) for level in levels)


def level_slices() -> range:
    """Slices of the frame that show the Kaggle levels 1 to 32."""
    return range(FIRST_LEVEL, FIRST_LEVEL + LEVELS)


@cache
def load_template() -> Template:
    """Read the template that ships with the package."""
    brain, to_mm = _shipped("brain.nii.gz")
    mask, _ = _shipped("intracranial.nii.gz")
    return Template(brain, to_mm, mask > 0)


def _shipped(name: str) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Voxels and affine of our own NIfTI-1 file, uint8, little-endian; without nibabel, which devices lack."""
    packed = (Path(__file__).with_name("template") / name).read_bytes()
    data = gzip.decompress(packed)
    columns, rows, slices = (int(side) for side in np.frombuffer(data, "<i2", 3, 42))
    offset, slope = (float(value) for value in np.frombuffer(data, "<f4", 2, 108))
    to_mm = np.eye(4)
    to_mm[:3] = np.frombuffer(data, "<f4", 12, 280).reshape(3, 4)
    voxels = np.frombuffer(data, np.uint8, columns * rows * slices, int(offset))
    return voxels.reshape((columns, rows, slices), order="F") * np.float32(slope), to_mm
