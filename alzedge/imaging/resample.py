"""Voxels brought onto another grid, with SimpleITK.

SimpleITK's images cannot hold a shear or a mirror, so orientation is kept out of the images, whose physical space is
the voxels' index, and in the transforms.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Floats = NDArray[np.float32]

# A Gaussian's full width at half its height, in standard deviations.
_WIDTH = 2.3548


def to_image(voxels: NDArray[Any]) -> Any:
    """A SimpleITK image of real numbers (I, J, K), its x, y and z being I, J and K."""
    import SimpleITK as sitk

    return sitk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(2, 1, 0), np.float32))


def to_voxels(image: Any) -> Floats:
    """The voxels of a SimpleITK image, (I, J, K)."""
    import SimpleITK as sitk

    voxels: Floats = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    return voxels


def to_transform(matrix: Matrix, centre: NDArray[np.float64] | None = None) -> Any:
    """A SimpleITK transform of a 4 x 4 matrix, turning and scaling about a centre."""
    import SimpleITK as sitk

    about = np.zeros(3) if centre is None else centre
    transform = sitk.AffineTransform(3)
    transform.SetCenter(about.tolist())
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation((matrix[:3, :3] @ about + matrix[:3, 3] - about).tolist())
    return transform


def to_matrix(transform: Any) -> Matrix:
    """The 4 x 4 matrix of a SimpleITK affine transform."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    return matrix


def resampled(voxels: NDArray[Any], to_source: Matrix, shape: tuple[int, ...], cubic: bool = False) -> Floats:
    """Voxels on another grid; 0 outside.

    Args:
        voxels: real numbers (I, J, K).
        to_source: float64 (4, 4), from the new grid's indices to those of `voxels`.
        shape: of the new grid.
        cubic: cubic B-splines instead of straight lines between voxels; they blur less and may overshoot.
    """
    import SimpleITK as sitk

    method = sitk.ResampleImageFilter()
    method.SetSize([int(side) for side in shape])
    method.SetInterpolator(sitk.sitkBSpline if cubic else sitk.sitkLinear)
    method.SetTransform(to_transform(to_source))
    return to_voxels(method.Execute(to_image(voxels)))


def averaged(voxels: NDArray[Any], affine: Matrix, spacing: float) -> tuple[Floats, Matrix]:
    """Block means with voxels of at most `spacing` mm where they are smaller, and their affine.

    Args:
        voxels: real numbers (I, J, K).
        affine: float64 (4, 4), from their indices to mm.
        spacing: in mm.
    """
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    factors = np.clip(np.floor(spacing / sides + 0.01).astype(int), 1, voxels.shape)
    i, j, k = (int(size // factor) for size, factor in zip(voxels.shape, factors, strict=True))
    a, b, c = factors.tolist()
    whole = voxels[: i * a, : j * b, : k * c].reshape(i, a, j, b, k, c)
    coarse = affine.copy()
    coarse[:3, :3] = affine[:3, :3] * factors
    coarse[:3, 3] = affine[:3, 3] + affine[:3, :3] @ ((factors - 1) / 2)
    return whole.mean(axis=(1, 3, 5), dtype=np.float32), coarse


def blurred(voxels: NDArray[Any], affine: Matrix, sigma: float) -> Floats:
    """Smoothed with a Gaussian of `sigma` mm."""
    import SimpleITK as sitk

    image = to_image(voxels)
    variances = (sigma / np.linalg.norm(affine[:3, :3], axis=0)) ** 2
    return to_voxels(sitk.DiscreteGaussian(image, variances.tolist(), 32, 0.01, False))


def limited(voxels: NDArray[Any], affine: Matrix, spacing: float) -> Floats:
    """Smoothed along the axes whose voxels are smaller than `spacing`, as a scanner with such voxels blurs."""
    import SimpleITK as sitk

    sides = np.linalg.norm(affine[:3, :3], axis=0)
    sigmas = np.sqrt(np.maximum(spacing**2 - sides**2, 0)) / _WIDTH / sides
    if np.all(sigmas < 0.1):
        return np.asarray(voxels, np.float32)
    return to_voxels(sitk.DiscreteGaussian(to_image(voxels), (sigmas**2).tolist(), 32, 0.01, False))
