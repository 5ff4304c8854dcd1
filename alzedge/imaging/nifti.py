"""NIfTI files. Sizes are checked on the header, before any voxel is read or unpacked."""

import contextlib
import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.grid import MAX_VOXELS, Grid

# What a small compressed file may unpack to does not exceed it.
MAX_SIDE, MAX_BYTES = 1024, 2**30

_GZIP_MAGIC = b"\x1f\x8b"
_HEADER_BYTES = 540
# Header extensions lie before the voxels.
_MAX_OFFSET = 16 * 2**20


def read_nifti(stream: BinaryIO, name: str, max_voxels: int = MAX_VOXELS) -> Grid:
    """Read a NIfTI-1 or NIfTI-2 file, compressed or not, with nibabel.

    Args:
        stream: the file, seekable.
        name: how to call it in messages.
        max_voxels: more are refused before they are unpacked.

    Returns:
        Voxels scaled by the header's slope and intercept, and the affine.

    Raises:
        UserError: not NIfTI, damaged, too large, of unknown orientation, not one 3D volume of
            real numbers.
    """
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    packed = stream.read(2) == _GZIP_MAGIC
    stream.seek(0)
    source: Any = gzip.GzipFile(fileobj=stream) if packed else stream
    try:
        with _without_remarks():
            image = _open(source, name, max_voxels)
            voxels = np.asarray(image.dataobj.get_unscaled()).reshape(image.shape[:3])
            source.seek(image.dataobj.offset + voxels.nbytes)
            source.read(1)  # at the end gzip compares its checksum
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error, struct.error) as error:
        raise UserError(f"{name}: not a NIfTI file, damaged or cut off; copy it or convert it again.") from error
    return Grid(name, _scaled(voxels, image.dataobj.slope, image.dataobj.inter), np.array(image.affine, np.float64))


@contextlib.contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep nibabel's remarks on unusual headers off stderr; what matters of them becomes an error."""
    from nibabel.imageglobals import logger

    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _open(source: Any, name: str, max_voxels: int) -> Any:
    """The image, its voxels not yet read, after its header has been checked."""
    from nibabel.nifti1 import Nifti1Image
    from nibabel.nifti2 import Nifti2Image

    start = source.read(_HEADER_BYTES)
    kind: Any = Nifti2Image if Nifti2Image.header_class.may_contain_header(start) else Nifti1Image
    if not kind.header_class.may_contain_header(start):
        raise UserError(f"{name}: not a NIfTI file; convert the scan to .nii.gz, for example with dcm2niix.")
    header = kind.header_class(start[: kind.header_class.sizeof_hdr])
    if bytes(header["magic"]).startswith(b"ni"):
        raise UserError(f"{name}: only the header of a .hdr/.img pair; save it as one .nii file.")
    _check(header, name, max_voxels)
    source.seek(0)
    return kind.from_stream(source)


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
        raise UserError(f"{name}: {' x '.join(map(str, shape))} voxels are no volume; save one 3D volume.")
    size = math.prod(shape)
    too_far = not 0 <= float(header["vox_offset"]) <= _MAX_OFFSET
    if max(shape) > MAX_SIDE or size > max_voxels or size * dtype.itemsize > MAX_BYTES or too_far:
        raise UserError(
            f"{name}: {' x '.join(map(str, shape))} voxels of {dtype.itemsize} bytes are too large for one head, "
            f"over {MAX_SIDE} a side, {max_voxels} voxels or {MAX_BYTES // 2**30} GiB; resample it to 1 mm or copy it again."
        )
    if int(header["qform_code"]) <= 0 and int(header["sform_code"]) <= 0:
        raise UserError(
            f"{name}: orientation unknown (qform_code and sform_code are 0); convert the scan again with a tool that "
            "keeps it, for example dcm2niix."
        )


def _scaled(voxels: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    if (slope, intercept) == (1.0, 0.0):
        return voxels
    scaled: NDArray[np.float32] = voxels.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    return scaled
