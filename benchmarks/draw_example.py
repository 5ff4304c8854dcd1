"""Draw the page's example: axial slices of the ICBM 152 average, which nilearn ships, in the frame of the data set.

    python benchmarks/draw_example.py [FOLDER]

The scale was fitted on the mean image of the data set's slices (correlation 0.96 to 0.97 at each height).
"""

import sys
from pathlib import Path

import nibabel
import nilearn
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.imaging.slices import HEIGHT, WIDTH

AVERAGE = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
HEIGHTS_MM = (-3, 1, 5, 9, 13, 17, 21)
# Of columns and rows; where the middle of the brain lies in the frame, in pixels.
SCALE, MIDDLE = (0.949, 0.955), (86.5, 103.1)


def draw(volume: nibabel.Nifti1Image, height_mm: float) -> NDArray[np.uint8]:
    """One slice, uint8 (208, 176), the back of the head at the top as in the data set."""
    voxels, affine = np.asarray(volume.dataobj), volume.affine
    plane = voxels[:, :, round(height_mm - affine[2, 3])].astype(np.float32)
    image = Image.fromarray(np.ascontiguousarray(plane.T))
    half = ((plane.shape[0] - 1) / 2, (plane.shape[1] - 1) / 2)
    across, along = (
        (1 / scale, centre - middle / scale) for scale, centre, middle in zip(SCALE, half, MIDDLE, strict=True)
    )
    moved = image.transform(
        (WIDTH, HEIGHT),
        Image.Transform.AFFINE,
        (across[0], 0, across[1], 0, along[0], along[1]),
        Image.Resampling.BILINEAR,
    )
    values = np.asarray(moved)
    return np.rint(values * (255 / values.max())).astype(np.uint8)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo/answering/example")
    volume = nibabel.as_closest_canonical(nibabel.load(Path(nilearn.__file__).parent / AVERAGE))
    for number, height_mm in enumerate(HEIGHTS_MM, 1):
        Image.fromarray(draw(volume, height_mm)).save(folder / f"slice{number}.png", optimize=True)


if __name__ == "__main__":
    main()
