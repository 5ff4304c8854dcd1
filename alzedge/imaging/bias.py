"""The slow drift of brightness that receiver coils leave over a head, found and divided out (N4)."""

import numpy as np
from numpy.typing import NDArray

from alzedge.imaging.resample import Floats, averaged, resampled, to_image, to_voxels

_SPACING = 6
_ITERATIONS = (20, 15, 10)


def bias_of(volume: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Find the drift of brightness within a mask, with mean 1 there.

    N4 (Tustison et al. 2010, doi 10.1109/TMI.2010.2046908) of SimpleITK on voxels of 6 mm.

    Args:
        volume: float32 (I, J, K), brightness at 1 mm.
        mask: bool (I, J, K), the inside of the skull.

    Returns:
        float32 (I, J, K), positive; divide by it. Outside the mask it is continued.
    """
    import SimpleITK as sitk

    coarse, to_fine = averaged(volume, np.eye(4), _SPACING)
    inside, _ = averaged(mask.astype(np.float32), np.eye(4), _SPACING)
    bright = (inside > 0.9) & (coarse > 0.2 * np.percentile(coarse[inside > 0.9], 90))
    image = to_image(coarse)
    image.SetSpacing((_SPACING,) * 3)
    where = sitk.Cast(to_image(bright.astype(np.float32)), sitk.sitkUInt8)
    where.CopyInformation(image)
    method = sitk.N4BiasFieldCorrectionImageFilter()
    method.SetNumberOfThreads(1)
    method.SetMaximumNumberOfIterations(list(_ITERATIONS))
    method.Execute(image, where)
    log = to_voxels(sitk.Cast(method.GetLogBiasFieldAsImage(image), sitk.sitkFloat32))
    log = log - np.float32(log[bright].mean())
    padded = np.pad(log, 1, mode="edge")
    shifted = np.eye(4)
    shifted[:3] = np.linalg.inv(to_fine)[:3]
    shifted[:3, 3] += 1
    field: Floats = np.exp(resampled(padded, shifted, volume.shape))
    return field
