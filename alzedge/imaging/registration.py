"""Affine registration of a head to the frame's template.

Mattes mutual information (Mattes et al. 2003, doi 10.1109/TMI.2003.809072) within the template's intracranial mask, which
does without skull stripping: what a head shows outside is not looked at. A search over turns and shifts at 8 mm finds
the starts; the best are followed at 8, 4 and 2 mm. Every voxel is used and one thread works, so the result depends
neither on chance nor on the number of cores.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.imaging import frame
from alzedge.imaging.resample import (
    Floats,
    Matrix,
    averaged,
    blurred,
    to_image,
    to_matrix,
    to_transform,
)

_BINS = 32
_LEVELS_MM = (8, 4, 2)
_ITERATIONS, _SMALLEST_STEP = 60, 0.01
# About each axis, in degrees; together they leave no head of up to 20 degrees further than 10 from a start.
_TURNS = (-20.0, 0.0, 20.0)
# A single head's edges are sharper than an average's: smoothed, they are found nearly where the average has them ...
_SMOOTHING_MM = 2.0
# ... and this is what remains, measured on people whose place in the frame is known from their Kaggle slices.
_CALIBRATION = (1.022, 1.018, 1.021)
_FOLLOWED = 6
# Voxels around the mask that are compared too: the dark rim between brain and skull fixes the scale.
_RIM_MM = 2
# Of the template's brightness, above which it is brain; and of a head's, above which it is not air.
_BRAIN, _HEAD = 0.3, 0.2
# From the vertex down to the base of the brain: where the neck ends.
_HEIGHT_MM = 130.0
# Of skin and skull above the brain's vertex.
_SCALPS_MM = (0.0, 15.0)


@dataclass(frozen=True, eq=False)
class Registration:
    """Where a head lies in the frame.

    Attributes:
        matrix: float64 (4, 4), from the frame's mm to the scan's mm (both right, anterior, superior).
        information: mutual information with the template in its mask, in nats; higher is better.
    """

    matrix: Matrix
    information: float


@dataclass(frozen=True, eq=False)
class _Level:
    """Template and head at one resolution; `inside` is where they are compared."""

    template: Floats
    inside: NDArray[np.bool_]
    to_frame: Matrix
    head: Floats
    to_scan: Matrix

    def information(self, matrix: Matrix) -> float:
        """Mutual information at a matrix from frame to scan; 0 where the images hardly meet."""
        method, _ = self._method(matrix)
        try:
            return -float(method.MetricEvaluate(to_image(self.template), to_image(self.head)))
        except RuntimeError:  # ITK: too few samples fall into the head
            return 0.0

    def climb(self, start: Matrix) -> tuple[float, Matrix]:
        """The best matrix near a start, after its mutual information."""
        method, transform = self._method(start)
        method.SetOptimizerAsRegularStepGradientDescent(1.0, _SMALLEST_STEP, _ITERATIONS, 0.5, 1e-8)
        method.SetOptimizerScalesFromPhysicalShift()
        try:
            method.Execute(to_image(self.template), to_image(self.head))
        except RuntimeError:
            return 0.0, start
        found = self.to_scan @ to_matrix(transform) @ np.linalg.inv(self.to_frame)
        return -float(method.GetMetricValue()), found

    def _between(self, matrix: Matrix) -> Matrix:
        """The same matrix from the template's indices to the head's."""
        between: Matrix = np.linalg.inv(self.to_scan) @ matrix @ self.to_frame
        return between

    def _method(self, start: Matrix) -> tuple[Any, Any]:
        """A SimpleITK registration about to begin at `start`, and the transform that it will change."""
        import SimpleITK as sitk

        method = sitk.ImageRegistrationMethod()
        method.SetNumberOfThreads(1)
        method.SetMetricAsMattesMutualInformation(_BINS)
        method.SetMetricSamplingStrategy(method.NONE)
        method.SetMetricFixedMask(sitk.Cast(to_image(self.inside), sitk.sitkUInt8))
        method.SetMetricUseFixedImageGradientFilter(False)
        method.SetMetricUseMovingImageGradientFilter(False)
        method.SetInterpolator(sitk.sitkLinear)
        transform = to_transform(self._between(start), (np.array(self.template.shape) - 1) / 2)
        method.SetInitialTransform(transform, True)
        return method, transform


def register(
    voxels: NDArray[Any],
    affine: Matrix,
    oriented: bool = True,
    progress: Callable[[float], None] = lambda share: None,
) -> Registration:
    """Find the affine transform that brings a head into the frame.

    Args:
        voxels: real numbers (I, J, K), of a T1 scan of a head, with or without its skull.
        affine: float64 (4, 4), from their indices to mm right, anterior and superior, within about 20 degrees.
        oriented: whether the affine's directions can be trusted; if not, all 24 right-handed ones are tried.
        progress: called with the share of the work that is done.

    Returns:
        The best transform found, however bad; see `alzedge.imaging.quality` for the verdict.
    """
    coarse, medium, fine = _levels(voxels, affine)
    starts = list(_starts(coarse, oriented))
    found: list[tuple[float, Matrix]] = []
    for i, matrix in enumerate(starts):
        found.append((coarse.information(matrix), matrix))
        progress(0.3 * (i + 1) / len(starts))
    found = [coarse.climb(matrix) for _, matrix in _best(found)]
    _, matrix = medium.climb(_best(found)[0][1])
    progress(0.5)
    information, matrix = fine.climb(matrix)
    progress(1.0)
    return Registration(_calibrated(matrix), information)


def _levels(voxels: NDArray[Any], affine: Matrix) -> list[_Level]:
    """The levels of the search, coarse to fine."""
    template = frame.load_template()
    head, to_scan = averaged(voxels, affine, _LEVELS_MM[-1])
    head = blurred(head, to_scan, _SMOOTHING_MM)
    rim = dilated(template.mask, _RIM_MM).astype(np.float32)
    levels = []
    for spacing in _LEVELS_MM:
        brain, to_frame = averaged(template.brain, template.affine, spacing)
        inside, _ = averaged(rim, frame.affine(), spacing)
        levels.append(_Level(brain, inside > 0.5, to_frame, *averaged(head, to_scan, spacing)))
    return levels


def dilated(mask: NDArray[np.bool_], voxels: int) -> NDArray[np.bool_]:
    """A mask and what lies within some voxels of it."""
    import SimpleITK as sitk

    image = sitk.BinaryDilate(sitk.GetImageFromArray(mask.astype(np.uint8)), [voxels] * 3)
    wide: NDArray[np.bool_] = sitk.GetArrayFromImage(image) > 0
    return wide


def _best(found: list[tuple[float, Matrix]]) -> list[tuple[float, Matrix]]:
    return sorted(found, key=lambda one: -one[0])[:_FOLLOWED]


def _starts(level: _Level, oriented: bool) -> Iterator[Matrix]:
    """Where to look first: the frame itself, MNI space, and turns about several middles of the head."""
    yield np.eye(4)
    yield frame.to_mni()
    bright = _points(level.template > _BRAIN, level.to_frame)
    middle, vertex = bright.mean(axis=0), bright[:, 2].max()
    for directions in [np.eye(3)] if oriented else _rotations():
        head = _points(level.head > _HEAD * np.percentile(level.head, 99), level.to_scan) @ directions
        for centre in _middles(head, vertex - middle[2]):
            for degrees in product(_TURNS, repeat=3) if oriented else [(0.0, 0.0, 0.0), (20.0, 0.0, 0.0)]:
                matrix = np.eye(4)
                matrix[:3, :3] = directions @ _turn(*degrees)
                matrix[:3, 3] = directions @ centre - matrix[:3, :3] @ middle
                yield matrix


def _points(where: NDArray[np.bool_], affine: Matrix) -> NDArray[np.float64]:
    """Places of true voxels in mm, float64 (N, 3)."""
    points: NDArray[np.float64] = np.argwhere(where) @ affine[:3, :3].T + affine[:3, 3]
    return points


def _middles(head: NDArray[np.float64], below_vertex: float) -> list[NDArray[np.float64]]:
    """Guesses at the middle of the brain: the centre of all that is bright, and places below the head's vertex."""
    if not len(head):
        return [np.zeros(3)]
    top = float(np.percentile(head[:, 2], 99.5))
    x, y, _ = head[head[:, 2] > top - _HEIGHT_MM].mean(axis=0)
    return [head.mean(axis=0), *(np.array([x, y, top - scalp - below_vertex]) for scalp in _SCALPS_MM)]


def _rotations() -> list[NDArray[np.float64]]:
    """The 24 rotations that map axes to axes."""
    signed = (
        np.eye(3)[list(order)] * signs for order in permutations(range(3)) for signs in product((1, -1), repeat=3)
    )
    return [matrix for matrix in signed if np.linalg.det(matrix) > 0]


def _turn(pitch: float, roll: float, yaw: float) -> NDArray[np.float64]:
    """Rotation about x, then y, then z, in degrees."""
    turn = np.eye(3)
    for axis, degrees in enumerate((pitch, roll, yaw)):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        one = np.eye(3)
        one[a, a] = one[b, b] = cosine
        one[a, b], one[b, a] = -sine, sine
        turn = one @ turn
    return turn


def _calibrated(matrix: Matrix) -> Matrix:
    """The matrix without the mean error of the scale, about the middle of the brain."""
    template = frame.load_template()
    middle = _points(template.brain > _BRAIN, template.affine).mean(axis=0)
    error = np.diag([*_CALIBRATION, 1.0])
    error[:3, 3] = middle - error[:3, :3] @ middle
    calibrated: Matrix = matrix @ np.linalg.inv(error)
    return calibrated
