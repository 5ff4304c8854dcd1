"""NIfTI files: a new header with the geometry alone, and the voxels. No descriptions, file names or extensions."""

import gzip
import io
import math
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.deidentify.burned_in import volume_shows_text
from alzedge.deidentify.deface import face_voxels, find_face, touched
from alzedge.deidentify.rules.refusals import BURNED_IN_PIXELS, LeftOut
from alzedge.errors import UserError
from alzedge.imaging.grid import MAX_VOXELS
from alzedge.imaging.nifti import behind_extensions, read_nifti, voxel_offset
from alzedge.utils.files import GZIP_MAGIC

_HEADER_BYTES = 540
_DAMAGED = "damaged or cut-off NIfTI; copy it or convert it again"
# Numbers that place voxels in space and scale; all else of a header is left at its default.
GEOMETRY = (
    *("pixdim", "qform_code", "sform_code", "xyzt_units", "scl_slope", "scl_inter"),
    *("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"),
)


def clean_nifti(data: bytes, look_at_voxels: bool = True) -> bytes:
    """De-identify the bytes of a NIfTI-1 or NIfTI-2 file, compressed or not.

    Args:
        data: the file.
        look_at_voxels: whether to look for text too.

    Returns:
        An uncompressed file of the same version, little-endian, with the same voxels, slope and geometry.

    Raises:
        LeftOut: damaged, cut off, a .hdr/.img pair, no grey volume, too large, or with text in its voxels.
    """
    try:
        header, voxels = _read(data)
    except (OSError, EOFError, ValueError, zlib.error, struct.error):
        raise LeftOut(_DAMAGED) from None
    for volume in np.moveaxis(voxels.reshape(*voxels.shape[:3], -1), 3, 0):
        if look_at_voxels and volume_shows_text(volume):
            raise LeftOut(BURNED_IN_PIXELS)
    return _written(header, voxels)


def without_face(data: bytes) -> tuple[bytes, tuple[int, int] | None]:
    """A clean NIfTI file with the face of its head blanked, and its brain voxels and those that were blanked.

    Args:
        data: as `clean_nifti` returns it.

    Returns:
        The file, unchanged and with None where the head is skull-stripped.

    Raises:
        LeftOut: not one volume of a head that could be registered.
    """
    try:
        grid = read_nifti(io.BytesIO(data), "scan")
    except UserError:
        raise LeftOut(
            "NIfTI of several volumes or unknown orientation, whose face is not found; save one volume"
        ) from None
    if not grid.oriented:
        raise LeftOut("NIfTI of unknown orientation, whose face is not found; set its sform")
    face = find_face(grid)
    if face.stripped:
        return data, None
    header, voxels = _read(data)
    removed = face_voxels(face, voxels.shape[:3], grid.affine).reshape(voxels.shape)
    blank = np.where(removed, voxels.min(), voxels)
    return _written(header, blank), touched(face, removed.reshape(voxels.shape[:3]), grid.affine)


def packed(data: bytes) -> bytes:
    """Compressed with gzip; its header holds no file name and no time, so equal files stay equal."""
    return gzip.compress(data, compresslevel=6, mtime=0)


def _read(data: bytes) -> tuple[Any, NDArray[Any]]:
    """Header and unscaled voxels; unpacks no more than the header asks for."""
    stream: Any = io.BytesIO(data)
    if data.startswith(GZIP_MAGIC):
        stream = gzip.GzipFile(fileobj=stream)
    header = _header(stream.read(_HEADER_BYTES))
    shape, dtype = header.get_data_shape(), header.get_data_dtype()
    stream.seek(_offset(header, stream))
    size = math.prod(shape) * dtype.itemsize
    voxels = stream.read(size)
    stream.read(1)  # at the end gzip compares its checksum
    if len(voxels) < size:
        raise EOFError
    return header, np.frombuffer(voxels, dtype).reshape(shape, order="F")


def _header(start: bytes) -> Any:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header
    from nibabel.spatialimages import HeaderDataError

    kind: Any = Nifti2Header if Nifti2Header.may_contain_header(start) else Nifti1Header
    if not kind.may_contain_header(start):
        raise LeftOut(_DAMAGED)
    try:
        header = kind(start[: kind.sizeof_hdr], check=False)
        shape, dtype = header.get_data_shape(), header.get_data_dtype()
    except HeaderDataError:
        raise LeftOut(_DAMAGED) from None
    if bytes(header["magic"]).startswith(b"ni") or not bytes(header["magic"]).startswith(b"n+"):
        raise LeftOut("a .hdr/.img pair; save it as one .nii file")
    if len(shape) not in (3, 4) or min(shape) < 1 or dtype.names or dtype.kind not in "iuf":
        raise LeftOut("NIfTI that is not a volume of grey values; save one volume of the scan's own grey values")
    if math.prod(shape) > MAX_VOXELS:
        raise LeftOut(f"NIfTI of more than {MAX_VOXELS} voxels, too many for one head; resample it to 1 mm")
    if not all(np.isfinite(header[name]).all() for name in GEOMETRY if not name.startswith("scl_")):
        raise LeftOut(_DAMAGED)
    return header


def _offset(header: Any, stream: Any) -> int:
    """The byte at which the voxels begin; what an extension says of a person must not be kept as voxels."""
    try:
        offset = voxel_offset(header, stream, "NIfTI")
    except UserError:
        offset = 0
    if offset < max(behind_extensions(header, stream), 1):
        raise LeftOut("NIfTI whose vox_offset points to no voxels; convert the scan again")
    return offset


def _written(source: Any, voxels: NDArray[Any]) -> bytes:
    header = type(source)(endianness="<")
    header.set_data_shape(voxels.shape)
    header.set_data_dtype(voxels.dtype.newbyteorder("<"))
    for name in GEOMETRY:
        header[name] = source[name]
    # Lengths along dimensions that the volume does not have.
    header["pixdim"][len(voxels.shape) + 1 :] = 0
    header["vox_offset"] = header.single_vox_offset
    header["magic"] = header.single_magic
    gap = bytes(header.single_vox_offset - header.sizeof_hdr)
    start: bytes = header.binaryblock + gap
    return start + voxels.astype(voxels.dtype.newbyteorder("<")).tobytes(order="F")
