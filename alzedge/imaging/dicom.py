"""DICOM files: an image, a multi-frame image, or the files of one series.

What identifies a patient is neither kept nor shown: messages carry file names and nothing that
pydicom says, which may quote values.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.dicom_frames import Frame, check_directions, check_same, stacked, unpadded
from alzedge.imaging.file_types import looks_like_dicom
from alzedge.imaging.foreign_files import START_BYTES, check_there
from alzedge.imaging.grid import MAX_VOXELS, Grid, Named
from alzedge.utils.privacy import hushed

MAX_BYTES = 2**30

# Of all files together; whole heads have a few hundred.
MAX_FRAMES = 2048

# pydicom unpacks it whole and unbounded, before anything can be checked.
_DEFLATED = b"1.2.840.10008.1.2.1.99"


class NoImageError(UserError):
    """A DICOM file that is in order and holds no image, such as a report, or none that another does not hold."""


# Takes the sentence on a file that is left out, and whether it is damaged.
LeftOut = Callable[[str, bool], None]


def read_dicom(
    files: Sequence[Named], name: str, max_voxels: int = MAX_VOXELS, on_left_out: LeftOut | None = None
) -> Grid:
    """Read one image or one series with pydicom.

    Rescale slope and intercept are applied and MONOCHROME1 is inverted. Slices are ordered by
    their position, whatever the files are called.

    Args:
        files: all files of the series, or one file.
        name: how to call the series in messages.
        max_voxels: more are refused before they are decoded.
        on_left_out: told of files beside the images that hold none, and of those that cannot be read; without it
            one that cannot be read is an error of the whole series.

    Returns:
        The voxels; of a single image K is 1.

    Raises:
        UserError: not DICOM, damaged, no pixel data, in colour, compressed in a way that is not
            supported here, orientation unknown, or not all of one evenly spaced series.
    """
    frames: list[Frame] = []
    left_out: list[tuple[UserError | OSError, str]] = []
    seen: dict[bytes, str] = {}
    for file, open_file in files:
        try:
            with open_file() as stream:
                data = _read(stream)
            first = seen.setdefault(hashlib.sha256(data).digest(), file)
            if first != file and data:
                raise NoImageError(f"{file}: the same file as {first.rpartition('/')[2]}; remove one of them.")
            of_file = list(_frames(data, file, max_voxels))
        except (UserError, OSError) as error:
            if on_left_out is None and not isinstance(error, NoImageError):
                raise
            left_out.append((error, file))
            continue
        if len(frames) + len(of_file) > MAX_FRAMES:
            raise UserError(f"{name}: over {MAX_FRAMES} frames are too many for one head; name one series.")
        for frame in of_file:
            frames.append(frame)
            check_same(frames[0], frame, name)
            if len(frames) * frame.pixels.size > max_voxels:
                raise UserError(f"{name}: over {max_voxels} voxels are too many for one head; resample it to 1 mm.")
    if not frames:
        raise left_out[0][0] if left_out else UserError(f"{name}: no DICOM files in it; name the folder of one series.")
    grid = stacked(frames, name)
    if on_left_out is not None:
        for problem, file in left_out:
            damaged = not isinstance(problem, NoImageError)
            reason = str(problem) if isinstance(problem, UserError) else f"{file}: {problem.strerror or problem}."
            on_left_out(reason if damaged else f"left out: {reason}", damaged)
    return grid


def _read(stream: BinaryIO) -> bytes:
    """All of a file, or one piece more than `MAX_BYTES`; asked for that much at once, Python would set it aside."""
    data = io.BytesIO()
    while data.tell() <= MAX_BYTES and (piece := stream.read(2**20)):
        data.write(piece)
    return data.getvalue()


def _frames(data: bytes, file: str, max_voxels: int) -> Iterator[Frame]:
    from pydicom.errors import InvalidDicomError

    check_there(data[:START_BYTES], file)
    if len(data) > MAX_BYTES:
        raise UserError(f"{file}: over {MAX_BYTES // 2**30} GiB is too large for one head; resample it to 1 mm.")
    if _DEFLATED in data:  # wherever it stands: what lies before it may be padded
        raise _compressed(file, "Deflated Explicit VR Little Endian")
    try:
        with hushed():
            yield from _decoded(data, file, max_voxels)
    except UserError:
        raise
    except InvalidDicomError:
        if looks_like_dicom(data[:132]):
            raise UserError(
                f"{file}: DICOM without its file header (Part 10); add one, for example with DCMTK's `dcmconv`, or export "
                "it again."
            ) from None
        raise UserError(
            f"{file}: neither a NIfTI (.nii, .nii.gz) nor a DICOM file; convert the scan to one of them."
        ) from None
    except Exception:  # noqa: BLE001 - pydicom raises nearly everything on damaged files, and quotes what it read
        raise UserError(f"{file}: the DICOM file is damaged or cut off; export or copy it again.") from None


def _decoded(data: bytes, file: str, max_voxels: int) -> Iterator[Frame]:
    from pydicom import dcmread

    dataset = dcmread(io.BytesIO(data))
    count = _check_image(dataset, file, max_voxels)
    pixels = unpadded(dataset, dataset.pixel_array.reshape(count, dataset.Rows, dataset.Columns))
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
        directions = _numbers(orientation, 6, "image orientation", file).reshape(2, 3)
        check_directions(directions, file)
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        between_rows, between_columns = _numbers(spacing, 2, "pixel spacing", file)
        if min(between_rows, between_columns) <= 0:
            raise UserError(f"{file}: its pixel spacing is not above 0; export the series again.")
        yield Frame(
            file=file,
            series=str(dataset.get("SeriesInstanceUID", "")),
            inverted=dataset.PhotometricInterpretation == "MONOCHROME1",
            across=directions[0],
            down=directions[1],
            spacing=(float(between_rows), float(between_columns)),
            thickness=float(value("SliceThickness", "PixelMeasuresSequence") or 1),
            position=_numbers(position, 3, "image position", file),
            pixels=_rescaled(pixels[index], float(1 if slope is None else slope), float(intercept or 0)),
        )


def _numbers(value: Any, count: int, what: str, file: str) -> NDArray[np.float64]:
    """So many finite numbers, as lists of them or, in some writers' files, as text."""
    parts = value.split("\\") if isinstance(value, str) else np.atleast_1d(value)
    numbers = np.array([float(part) for part in parts], np.float64)
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise UserError(f"{file}: its {what} is not {count} numbers; export the series again.")
    return numbers


def _check_image(dataset: Any, file: str, max_voxels: int) -> int:
    """The number of frames, after all that can be refused without decoding a pixel."""
    if not any(keyword in dataset for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        uid = dataset.get("SOPClassUID")
        kind = uid.name if uid and uid.name != uid else "of unknown kind"
        raise NoImageError(f"{file}: DICOM without pixel data ({kind}), or cut off; name the images of one MR series.")
    if dataset.SamplesPerPixel != 1 or not str(dataset.PhotometricInterpretation).startswith("MONOCHROME"):
        raise UserError(f"{file}: a colour image; name the images of one MR series, in the scanner's grey values.")
    count = int(dataset.get("NumberOfFrames") or 1)
    if count > MAX_FRAMES:
        raise UserError(f"{file}: {count} frames are too many for one head, {MAX_FRAMES} at most; name one series.")
    if count < 1 or count * dataset.Rows * dataset.Columns > max_voxels:
        raise UserError(f"{file}: {count} x {dataset.Rows} x {dataset.Columns} voxels are too many for one head.")
    syntax = dataset.file_meta.TransferSyntaxUID
    if not can_decode(syntax):
        raise _compressed(file, syntax.name)
    return count


def can_decode(syntax: Any) -> bool:
    """Tell whether pixels in this transfer syntax, a pydicom UID, can be decoded with what is installed."""
    from pydicom.pixels.decoders.base import get_decoder

    if not syntax.is_compressed:
        return True
    try:
        return bool(get_decoder(syntax).is_available)
    except NotImplementedError:  # pydicom's word for a syntax that it does not know
        return False


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
    with np.errstate(all="ignore"):  # voxels that become infinite are refused where they are used
        rescaled: NDArray[np.float32] = pixels.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    return rescaled
