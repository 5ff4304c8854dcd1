"""The planes of a DICOM series, put together into one grid."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.grid import Grid

# Of two directions' products; written with six digits they are exact to 1e-5.
_UPRIGHT = 0.01
# Of slices from the line through the first and the last.
_STRAIGHT_MM = 2.0
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Frame:
    """One plane: directions in the patient's coordinates (left, posterior, superior), lengths in mm."""

    file: str
    series: str
    inverted: bool
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    spacing: tuple[float, float]
    thickness: float
    position: NDArray[np.float64]
    pixels: NDArray[Any]


def check_directions(directions: NDArray[np.float64], file: str) -> None:
    """Refuse an image orientation that is not two directions at a right angle, which would stretch the head."""
    if np.abs(directions @ directions.T - np.eye(2)).max() > _UPRIGHT:
        raise UserError(
            f"{file}: its image orientation is not two directions at a right angle; export the series again."
        )


def unpadded(dataset: Any, pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels with the padding around the scan, where it is no grey value of a scan, set to the darkest of the rest."""
    padding = dataset.get("PixelPaddingValue")
    if not isinstance(padding, int):
        return pixels
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((padding, limit if isinstance(limit, int) else padding))
    outside = (pixels >= low) & (pixels <= high)
    if outside.all() or not outside.any():
        return pixels
    scan = pixels[~outside]
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    brightest = high < scan.min() if inverted else low > scan.max()
    if low >= 0 and not brightest:  # air, which some writers call padding, or a grey value of the scan
        return pixels
    return np.where(outside, scan.max() if inverted else scan.min(), pixels)


def check_same(first: Frame, frame: Frame, name: str) -> None:
    """Refuse a frame that belongs to another volume than the first one.

    Raises:
        UserError: of another series, size, spacing, orientation or grey scale.
    """
    turned = abs(first.across @ frame.across - 1) + abs(first.down @ frame.down - 1)
    differences = {
        "of another series": first.series != frame.series,
        "of another size": first.pixels.shape != frame.pixels.shape,
        "of another pixel spacing": not np.allclose(first.spacing, frame.spacing, atol=1e-3),
        "of another orientation": turned > 1e-3,
        "of another grey scale": first.inverted != frame.inverted,
    }
    for difference, there in differences.items():
        if there:
            raise UserError(
                f"{name}: {frame.file} is {difference} than {first.file}; put the files of one volume into a folder "
                "of their own."
            )


def stacked(frames: list[Frame], name: str) -> Grid:
    """Stack frames in the order of their positions.

    Raises:
        UserError: two lie at the same place, or the distances differ.
    """
    first = frames[0]
    normal = np.cross(first.across, first.down)
    frames = sorted(frames, key=lambda frame: float(frame.position @ normal))
    with np.errstate(all="ignore"):  # a thickness that is no number is refused with the spacing
        step = normal * first.thickness
    if len(frames) > 1:
        step = (frames[-1].position - frames[0].position) / (len(frames) - 1)
        _check_even(np.diff([float(frame.position @ normal) for frame in frames]), name, len({f.file for f in frames}))
        line = frames[0].position + np.outer(np.arange(len(frames)), step)
        _check_straight(np.array([frame.position for frame in frames]) - line, name)
    voxels = np.stack([frame.pixels for frame in frames]).transpose(2, 1, 0)
    if first.inverted:
        voxels = voxels.max().astype(np.float32) - voxels.astype(np.float32)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = first.across * first.spacing[1], first.down * first.spacing[0]
    affine[:3, 2], affine[:3, 3] = step, frames[0].position
    return Grid(name, voxels, _TO_RAS @ affine)


def _check_even(gaps: NDArray[np.float64], name: str, files: int) -> None:
    if gaps.min() < 0.01:
        cure = (
            "put the files of one volume into a folder of their own"
            if files > 1
            else "save one of them, e.g. with dcm2niix"
        )
        raise UserError(f"{name}: several slices at the same place, so it holds more than one volume; {cure}.")
    if gaps.max() - gaps.min() > 0.05 * np.median(gaps) + 0.01:
        raise UserError(
            f"{name}: slices lie {gaps.min():.2f} to {gaps.max():.2f} mm apart, so some are missing; export the whole "
            "series again."
        )


def _check_straight(offsets: NDArray[np.float64], name: str) -> None:
    """Refuse slices that are shifted within their plane against the others: they would be stacked as if they were not."""
    shift = float(np.linalg.norm(offsets, axis=1).max())
    if shift > _STRAIGHT_MM:
        raise UserError(
            f"{name}: slices are shifted by up to {shift:.1f} mm against each other; export the whole series again."
        )
