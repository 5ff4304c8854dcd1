"""Analyze 7.5 pairs, `.hdr` and `.img`, as OASIS-1 ships its scans; the header does not say how the head lies."""

import gzip
import math
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from alzedge.errors import UserError
from alzedge.imaging.foreign_files import check_there
from alzedge.imaging.grid import MAX_VOXELS, Grid, Named
from alzedge.utils.files import GZIP_MAGIC

SUFFIXES = (".hdr", ".img", ".hdr.gz", ".img.gz")
_HEADER_BYTES = 348
_NIFTI_MAGIC = (b"ni1\0", b"n+1\0")
# A header may say that voxels begin later.
_MAX_OFFSET = 2**24


def pair_of(path: str, exists: Callable[[str], bool]) -> tuple[str, str]:
    """The header and the image of the pair that a path belongs to.

    Args:
        path: of either file.
        exists: tells whether there is a file at a path.

    Raises:
        UserError: one of the two is missing.
    """
    packed = path[-3:] if path.lower().endswith(".gz") else ""
    stem = path[: len(path) - len(packed) - 4]
    upper = path[len(stem) + 1 : len(stem) + 4].isupper()
    found = []
    for ending in (".HDR", ".IMG") if upper else (".hdr", ".img"):
        spellings = (ending, ending.swapcase(), ending.title())
        names = (f"{stem}{spelling}{gz}" for spelling in spellings for gz in ("", ".gz"))
        there = next((name for name in names if exists(name)), None)
        if there is None:
            missing = (stem + ending).rpartition("/")[2]
            raise UserError(f"{path}: one file of an Analyze pair, and {missing} is not beside it; copy both files.")
        found.append(there)
    return found[0], found[1]


def read_analyze(header: Named, image: Named, max_voxels: int = MAX_VOXELS) -> Grid:
    """Read an Analyze 7.5 pair, big- or little-endian.

    Args:
        header: the `.hdr` file's name and how to open it.
        image: the `.img` file's.
        max_voxels: more are refused before they are read.

    Returns:
        The voxels; the affine's directions are a guess (Analyze's radiological default), so the grid is not `oriented`.

    Raises:
        UserError: a file of the pair is damaged, too large, in colour, or holds several volumes.
    """
    from nibabel.analyze import AnalyzeHeader
    from nibabel.spatialimages import HeaderDataError

    name = header[0]
    start = _content(header, 2 * _HEADER_BYTES)[:_HEADER_BYTES]
    check_there(start, name)
    if len(start) < _HEADER_BYTES:
        raise UserError(f"{name}: {len(start)} bytes, but an Analyze header has {_HEADER_BYTES}; copy it again.")
    if start[344:348] in _NIFTI_MAGIC:
        raise UserError(
            f"{name}: a NIfTI pair, not Analyze; save it as one .nii file, e.g. with `fslchfiletype NIFTI`."
        )
    try:
        with np.errstate(all="ignore"):  # numbers of dimensions that no file has
            fields: Any = AnalyzeHeader(start, check=False)
            shape, dtype = fields.get_data_shape(), fields.get_data_dtype()
    except (HeaderDataError, ValueError, KeyError) as error:
        raise UserError(f"{name}: not an Analyze header, or damaged; copy it again.") from error
    _check(fields, shape, dtype, name, max_voxels)
    size, offset = math.prod(shape[:3]), int(fields["vox_offset"])
    data = _content(image, offset + size * dtype.itemsize)[offset:]
    if len(data) < size * dtype.itemsize:
        raise UserError(f"{image[0]}: cut off, {len(data)} of {size * dtype.itemsize} bytes; copy it again.")
    voxels = np.frombuffer(data, dtype, size).reshape(shape[:3], order="F")
    voxels = voxels.astype(dtype.newbyteorder("="), copy=False)
    sides = np.abs(np.array(fields["pixdim"][1:4], np.float64))
    affine = np.diag([-sides[0], sides[1], sides[2], 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(voxels.shape) - 1) / 2)
    return Grid(name, voxels, affine, oriented=False)


def _content(file: Named, length: int) -> bytes:
    """At most `length` bytes of a file, unpacked if it is packed."""
    try:
        with file[1]() as stream:
            source: BinaryIO | gzip.GzipFile = stream
            if stream.read(2) == GZIP_MAGIC:
                source = gzip.GzipFile(fileobj=stream)
            stream.seek(0)
            return source.read(length)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{file[0]}: the compressed file is damaged or cut off; copy it again.") from error


def _check(header: Any, shape: tuple[int, ...], dtype: np.dtype[Any], name: str, max_voxels: int) -> None:
    size = " x ".join(map(str, shape))
    if math.prod(shape[3:]) > 1:
        raise UserError(f"{name}: {size}, several volumes in one file; save one 3D volume of it, e.g. with `fslroi`.")
    if dtype.names or dtype.kind not in "iuf":
        raise UserError(f"{name}: voxels in colour, complex ones or single bits; save the scan's own grey values.")
    if len(shape) < 3 or min(shape[:3]) < 1:
        raise UserError(f"{name}: {size} voxels are not a volume; name the 3D scan.")
    if math.prod(shape[:3]) > max_voxels:
        raise UserError(f"{name}: {size} voxels are too large for one head; resample it to 1 mm.")
    if not 0 <= float(header["vox_offset"]) <= _MAX_OFFSET:
        raise UserError(
            f"{name}: damaged, its voxels would begin at byte {float(header['vox_offset']):g}; copy it again."
        )
