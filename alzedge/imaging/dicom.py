"""DICOM files: an image, a multi-frame image, or the files of one series.

What identifies a patient is neither kept nor shown: messages carry file names and nothing that
pydicom says, which may quote values.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.grid import MAX_VOXELS, Grid, Named

MAX_BYTES = 2**30

# pydicom unpacks it whole and unbounded, before anything can be checked.
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class _Frame:
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


def read_dicom(files: Sequence[Named], name: str, max_voxels: int = MAX_VOXELS) -> Grid:
    """Read one image or one series with pydicom.

    Rescale slope and intercept are applied and MONOCHROME1 is inverted. Slices are ordered by
    their position, whatever the files are called.

    Args:
        files: all files of the series, or one file.
        name: how to call the series in messages.
        max_voxels: more are refused before they are decoded.

    Returns:
        The voxels; of a single image K is 1.

    Raises:
        UserError: not DICOM, damaged, no pixel data, in colour, compressed in a way that is not
            supported here, orientation unknown, or not all of one evenly spaced series.
    """
    frames: list[_Frame] = []
    for file, open_file in files:
        with open_file() as stream:
            data = _read(stream)
        for frame in _frames(data, file, max_voxels):
            frames.append(frame)
            _check_same(frames[0], frame, name)
            if len(frames) * frame.pixels.size > max_voxels:
                raise UserError(f"{name}: over {max_voxels} voxels are too many for one head; resample it to 1 mm.")
    if not frames:
        raise UserError(f"{name}: no DICOM files in it; name the folder of one series.")
    return _stacked(frames, name)


def _read(stream: BinaryIO) -> bytes:
    """All of a file, or one piece more than `MAX_BYTES`; asked for that much at once, Python would set it aside."""
    data = io.BytesIO()
    while data.tell() <= MAX_BYTES and (piece := stream.read(2**20)):
        data.write(piece)
    return data.getvalue()


def _frames(data: bytes, file: str, max_voxels: int) -> Iterator[_Frame]:
    from pydicom.errors import InvalidDicomError

    if len(data) > MAX_BYTES:
        raise UserError(f"{file}: over {MAX_BYTES // 2**30} GiB is too large for one head; resample it to 1 mm.")
    if _DEFLATED in data[: 2**20]:
        raise _compressed(file, "Deflated Explicit VR Little Endian")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from _decoded(data, file, max_voxels)
    except UserError:
        raise
    except InvalidDicomError:
        raise UserError(
            f"{file}: neither a NIfTI (.nii, .nii.gz) nor a DICOM file; convert the scan to one of them."
        ) from None
    except Exception:  # noqa: BLE001 - pydicom raises nearly everything on damaged files, and quotes what it read
        raise UserError(f"{file}: the DICOM file is damaged or cut off; export or copy it again.") from None


def _decoded(data: bytes, file: str, max_voxels: int) -> Iterator[_Frame]:
    from pydicom import dcmread

    dataset = dcmread(io.BytesIO(data))
    count = _check_image(dataset, file, max_voxels)
    pixels = dataset.pixel_array.reshape(count, dataset.Rows, dataset.Columns)
    for index in range(count):

        def value(keyword: str, group: str, index: int = index) -> Any:
            return _value(dataset, index, count, keyword, group)

        orientation = value("ImageOrientationPatient", "PlaneOrientationSequence")
        position = value("ImagePositionPatient", "PlanePositionSequence")
        spacing = value("PixelSpacing", "PixelMeasuresSequence")
        if orientation is None or position is None or spacing is None:
            raise UserError(
                f"{file}: orientation unknown (no Image Orientation, Image Position or Pixel Spacing); export the "
                "scanner's own series, not a screen capture."
            )
        slope = value("RescaleSlope", "PixelValueTransformationSequence")
        intercept = value("RescaleIntercept", "PixelValueTransformationSequence")
        directions = np.array(orientation, np.float64).reshape(2, 3)
        yield _Frame(
            file=file,
            series=str(dataset.get("SeriesInstanceUID", "")),
            inverted=dataset.PhotometricInterpretation == "MONOCHROME1",
            across=directions[0],
            down=directions[1],
            spacing=(float(spacing[0]), float(spacing[1])),
            thickness=float(value("SliceThickness", "PixelMeasuresSequence") or 1),
            position=np.array(position, np.float64),
            pixels=_rescaled(pixels[index], float(1 if slope is None else slope), float(intercept or 0)),
        )


def _check_image(dataset: Any, file: str, max_voxels: int) -> int:
    """The number of frames, after all that can be refused without decoding a pixel."""
    from pydicom.pixels.decoders.base import get_decoder

    if not any(keyword in dataset for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        uid = dataset.get("SOPClassUID")
        kind = uid.name if uid and uid.name != uid else "of unknown kind"
        raise UserError(f"{file}: DICOM without pixel data ({kind}), or cut off; name the images of one MR series.")
    if dataset.SamplesPerPixel != 1 or not str(dataset.PhotometricInterpretation).startswith("MONOCHROME"):
        raise UserError(f"{file}: a colour image; name the images of one MR series, in the scanner's grey values.")
    count = int(dataset.get("NumberOfFrames") or 1)
    if count < 1 or count * dataset.Rows * dataset.Columns > max_voxels:
        raise UserError(f"{file}: {count} x {dataset.Rows} x {dataset.Columns} voxels are too many for one head.")
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed:
        try:
            available = get_decoder(syntax).is_available
        except NotImplementedError:
            available = False
        if not available:
            raise _compressed(file, syntax.name)
    return count


def _compressed(file: str, syntax: str) -> UserError:
    return UserError(
        f"{file}: compressed as {syntax}, which cannot be read here; decompress it first, for example with "
        "`gdcmconv --raw` or DCMTK's `dcmdjpeg`."
    )


def _value(dataset: Any, index: int, count: int, keyword: str, group: str) -> Any:
    """A frame's value: its own, else the one its file's frames share, else, of a single frame, the file's."""
    of_frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
    groups = [*of_frames[index : index + 1], *(dataset.get("SharedFunctionalGroupsSequence") or [])]
    for functional in groups:
        for item in functional.get(group) or []:
            if item.get(keyword) is not None:
                return item.get(keyword)
    return dataset.get(keyword) if count == 1 or keyword.startswith("Rescale") else None


def _rescaled(pixels: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    if (slope, intercept) == (1.0, 0.0):
        return pixels
    rescaled: NDArray[np.float32] = pixels.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    return rescaled


def _check_same(first: _Frame, frame: _Frame, name: str) -> None:
    turned = abs(first.across @ frame.across - 1) + abs(first.down @ frame.down - 1)
    differences = {
        "of another series": first.series != frame.series,
        "of another size": first.pixels.shape != frame.pixels.shape,
        "of another pixel spacing": not np.allclose(first.spacing, frame.spacing, atol=1e-3),
        "of another orientation": turned > 1e-3,
        "of another grey scale": first.inverted != frame.inverted,
    }
    for difference, found in differences.items():
        if found:
            raise UserError(
                f"{name}: {frame.file} is {difference} than {first.file}; put the files of one volume into a folder "
                "of their own."
            )


def _stacked(frames: list[_Frame], name: str) -> Grid:
    first = frames[0]
    normal = np.cross(first.across, first.down)
    frames = sorted(frames, key=lambda frame: float(frame.position @ normal))
    step = normal * first.thickness
    if len(frames) > 1:
        step = (frames[-1].position - frames[0].position) / (len(frames) - 1)
        _check_even(np.diff([float(frame.position @ normal) for frame in frames]), name)
    voxels = np.stack([frame.pixels for frame in frames]).transpose(2, 1, 0)
    if first.inverted:
        voxels = voxels.max().astype(np.float32) - voxels.astype(np.float32)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = first.across * first.spacing[1], first.down * first.spacing[0]
    affine[:3, 2], affine[:3, 3] = step, frames[0].position
    return Grid(name, voxels, _TO_RAS @ affine)


def _check_even(gaps: NDArray[np.float64], name: str) -> None:
    if gaps.min() < 0.01:
        raise UserError(
            f"{name}: several slices at the same place, so it holds more than one volume; put the files of one volume "
            "into a folder of their own."
        )
    if gaps.max() - gaps.min() > 0.05 * np.median(gaps) + 0.01:
        raise UserError(
            f"{name}: slices lie {gaps.min():.2f} to {gaps.max():.2f} mm apart, so some are missing; export the whole "
            "series again."
        )
