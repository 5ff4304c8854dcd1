"""NIfTI files. Sizes are checked on the header, before any voxel is read or unpacked."""

import contextlib
import gzip
import math
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.foreign_files import START_BYTES, check_there
from alzedge.imaging.grid import MAX_VOXELS, Grid
from alzedge.utils.files import GZIP_MAGIC

# What a small compressed file may unpack to does not exceed it.
MAX_SIDE, MAX_BYTES = 1024, 2**30

_HEADER_BYTES = 540
# Header extensions lie before the voxels.
_MAX_OFFSET = 16 * 2**20
# Codes of NIfTI-1 that NumPy has everywhere: whole numbers, floating-point and complex ones, and colours.
_DATA_TYPES = (2, 4, 8, 16, 32, 64, 128, 256, 512, 768, 1024, 1280, 1792, 2304)
# Distance up to which two affines say the same.
_SAME_MM = 1.0


def read_nifti(stream: BinaryIO, name: str, max_voxels: int = MAX_VOXELS) -> Grid:
    """Read a NIfTI-1 or NIfTI-2 file, compressed or not, with nibabel.

    Args:
        stream: the file, seekable.
        name: how to call it in messages.
        max_voxels: more are refused before they are unpacked.

    Returns:
        Voxels scaled by the header's slope and intercept, and the affine; a header that gives none (`qform_code` and
        `sform_code` are 0, or neither has an extent) gives a grid that is not `oriented`.

    Raises:
        UserError: not NIfTI, damaged, too large, not one 3D volume of real numbers.
    """
    from nibabel.arrayproxy import ArrayProxy

    beginning = stream.read(START_BYTES)
    check_there(beginning, name)
    packed = beginning.startswith(GZIP_MAGIC)
    stream.seek(0)
    source: Any = gzip.GzipFile(fileobj=stream) if packed else stream
    try:
        with _without_remarks():
            header = _header(source, name, max_voxels)
            offset = voxel_offset(header, source, name)
            shape, dtype = header.get_data_shape(), header.get_data_dtype()
            voxels = np.asarray(ArrayProxy(source, (shape, dtype, offset, 1.0, 0.0))).reshape(shape[:3])
            source.seek(offset + voxels.nbytes)
            source.read(1)  # at the end gzip compares its checksum
            affine, notes = _affine(header)
            notes = (*notes, *_on_sides(source, header))
            grid = _scaled(voxels, *_slope(header))
            return Grid(name, grid, _unknown(header) if affine is None else affine, affine is not None, notes)
    except UserError:
        raise
    except Exception as error:  # nibabel and gzip raise nearly everything on damaged files
        raise UserError(f"{name}: not a NIfTI file, damaged or cut off; copy it or convert it again.") from error


@contextlib.contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep nibabel's remarks on unusual headers off stderr; what matters of them becomes an error."""
    from nibabel.imageglobals import logger

    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _header(source: Any, name: str, max_voxels: int) -> Any:
    """The header, after it has been checked."""
    from nibabel.nifti1 import Nifti1Image
    from nibabel.nifti2 import Nifti2Image

    start = source.read(_HEADER_BYTES)
    kind: Any = Nifti2Image if Nifti2Image.header_class.may_contain_header(start) else Nifti1Image
    if not kind.header_class.may_contain_header(start):
        raise UserError(f"{name}: not a NIfTI file; convert the scan to .nii.gz, for example with dcm2niix.")
    block = start[: kind.header_class.sizeof_hdr]
    raw = kind.header_class(block, check=False)
    if bytes(raw["magic"]).startswith(b"ni"):
        raise UserError(f"{name}: only the header of a .hdr/.img pair; save it as one .nii file.")
    if int(raw["datatype"]) not in _DATA_TYPES:
        raise UserError(
            f"{name}: voxels of data type {int(raw['datatype'])} cannot be read; save them as 16-bit whole numbers or 32-bit "
            "floating-point numbers, for example with `fslmaths -odt float`."
        )
    header = kind.header_class(block)
    _check(header, name, max_voxels)
    return header


def voxel_offset(header: Any, source: Any, name: str) -> int:
    """The byte at which the voxels begin: behind the header and its extensions, also where `vox_offset` was left 0.

    Raises:
        UserError: none that it could be.
    """
    offset, behind = float(header["vox_offset"]), int(header.single_vox_offset)
    if offset == 0:
        offset = behind_extensions(header, source)
    if not behind <= offset <= _MAX_OFFSET:
        raise UserError(f"{name}: its vox_offset, {offset:g}, points to no voxels; copy it or convert it again.")
    return int(offset)


def behind_extensions(header: Any, source: Any) -> int:
    """The byte behind the header's extensions, each of which begins with its size, a multiple of 16; 0 if one does not."""
    behind = int(header.single_vox_offset)
    source.seek(behind - 4)
    more = source.read(4)[:1] != b"\0"
    order = "<" if header.endianness == "<" else ">"
    code = behind
    while more and code <= _MAX_OFFSET:
        source.seek(code)
        size, number = struct.unpack(f"{order}2i", source.read(8))
        if size < 16 or size % 16 or number < 0:
            return 0 if code == behind else code
        code += size
    return code


def _on_sides(source: Any, header: Any) -> tuple[str, ...]:
    """A note where the header gives a side of the voxels no length and no sform tells it; 1 mm is taken then."""
    source.seek(0)
    sides = header.__class__(source.read(header.sizeof_hdr), check=False)["pixdim"][1:4]
    told = int(header["sform_code"]) > 0 and _extended(header.get_sform) is not None
    if told or (np.isfinite(sides) & (sides != 0)).all():
        return ()
    return ("its header gives a side of the voxels no length, and 1 mm was taken",)


def _slope(header: Any) -> tuple[float, float]:
    """The scale of the voxels; a slope that is 0 or no number means none, an intercept that is no number means 0."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not math.isfinite(slope):
        return 1.0, 0.0
    return slope, intercept if math.isfinite(intercept) else 0.0


def _affine(header: Any) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """From voxels to mm, by the sform, else by the qform, else None; and a note where the two disagree."""
    forms = [
        affine
        for code, get in (("sform_code", header.get_sform), ("qform_code", header.get_qform))
        if int(header[code]) > 0 and (affine := _extended(get)) is not None
    ]
    if not forms:
        return None, ()
    if (
        len(forms) == 2
        and int(header["sform_code"]) == int(header["qform_code"])
        and _apart(forms[0], forms[1], header) > _SAME_MM
    ):
        return forms[0], ("its sform and qform disagree, and the sform was followed",)
    return forms[0], ()


def _extended(get: Callable[[], Any]) -> NDArray[np.float64] | None:
    """The matrix of a form; None where it is not one of three dimensions."""
    from nibabel.spatialimages import HeaderDataError

    try:
        affine = np.array(get(), np.float64)
    except (HeaderDataError, ValueError):  # a quaternion that is none
        return None
    flat = not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) == 0
    return None if flat else affine


def _apart(one: NDArray[np.float64], other: NDArray[np.float64], header: Any) -> float:
    """The largest distance in mm between where two affines lead the corners of the grid."""
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [*header.get_data_shape()[:3], 1]
    return float(np.linalg.norm((corners @ (one - other).T)[:, :3], axis=1).max())


def _unknown(header: Any) -> NDArray[np.float64]:
    """The spacing alone, about the middle of the grid; a side that the header does not tell is taken as 1 mm."""
    sides = np.abs(np.array(header["pixdim"][1:4], np.float64))
    sides[~np.isfinite(sides) | (sides == 0)] = 1
    affine = np.diag([*sides, 1.0])
    affine[:3, 3] = -sides * (np.array(header.get_data_shape()[:3]) - 1) / 2
    return affine


def _check(header: Any, name: str, max_voxels: int) -> None:
    shape, dtype = header.get_data_shape(), header.get_data_dtype()
    if math.prod(shape[3:]) > 1:
        raise UserError(
            f"{name}: {len(shape)} dimensions, {' x '.join(map(str, shape))}; save one 3D volume of it, "
            "for example with nibabel's four_to_three."
        )
    if dtype.names:
        raise UserError(f"{name}: voxels in colour; save the scan's own grey values.")
    if dtype.kind not in "iuf":
        raise UserError(f"{name}: complex voxels; save their magnitude.")
    if len(shape) < 3 or min(shape) < 1:
        raise UserError(f"{name}: {' x '.join(map(str, shape))} voxels are not a volume; save one 3D volume.")
    size = math.prod(shape)
    if max(shape) > MAX_SIDE or size > max_voxels or size * dtype.itemsize > MAX_BYTES:
        raise UserError(
            f"{name}: {' x '.join(map(str, shape))} voxels of {dtype.itemsize} bytes are too large for one head, "
            f"over {MAX_SIDE} a side, {max_voxels} voxels or {MAX_BYTES // 2**30} GiB; resample it to 1 mm or copy it again."
        )


def _scaled(voxels: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    if (slope, intercept) == (1.0, 0.0):
        return voxels
    with np.errstate(all="ignore"):  # voxels that become infinite are refused where they are used
        scaled: NDArray[np.float32] = voxels.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    return scaled
