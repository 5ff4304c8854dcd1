"""Analyze 7.5 pairs, `.hdr` and `.img`, as OASIS-1 ships its scans; the header does not say how the head lies."""

import gzip
import math
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from alzedge.errors import UserError
from alzedge.imaging import frame
from alzedge.imaging.grid import MAX_VOXELS, Grid

SUFFIXES = (".hdr", ".img", ".hdr.gz", ".img.gz")
_HEADER_BYTES = 348
_NIFTI_MAGIC = (b"ni1\0", b"n+1\0")
_GZIP_MAGIC = b"\x1f\x8b"


def is_analyze(path: Path) -> bool:
    """Whether a path names a file of a `.hdr`/`.img` pair, by its name."""
    return path.name.lower().endswith(SUFFIXES)


def pair_of(path: Path) -> tuple[Path, Path]:
    """The header and the image of the pair that a path belongs to.

    Raises:
        UserError: one of the two is missing.
    """
    name = path.name
    packed = name[-3:] if name.lower().endswith(".gz") else ""
    stem = path.name[: len(name) - len(packed) - 4]
    upper = name[len(stem) + 1 : len(stem) + 4].isupper()
    endings = (".HDR", ".IMG") if upper else (".hdr", ".img")
    header, image = (path.with_name(stem + ending) for ending in endings)
    found = [next((p for p in (one, one.with_name(one.name + ".gz")) if p.is_file()), None) for one in (header, image)]
    for one, there in zip((header, image), found, strict=True):
        if there is None:
            raise UserError(
                f"{path}: one file of an Analyze/.hdr-.img pair, and {one.name} is not beside it; copy both files."
            )
    assert found[0] is not None and found[1] is not None  # for the type checker
    return found[0], found[1]


def read_analyze(path: Path, max_voxels: int = MAX_VOXELS) -> tuple[Grid, bool]:
    """Read an Analyze 7.5 pair, big- or little-endian.

    Args:
        path: either file of the pair.
        max_voxels: more are refused before they are read.

    Returns:
        The voxels, and whether the affine's directions can be trusted. They can on OASIS-1's atlas grid of
        176 x 208 x 176 mm, which is the frame's; else they are a guess (Analyze's radiological default).

    Raises:
        UserError: a file of the pair is missing, damaged, too large, in colour, or holds several volumes.
    """
    from nibabel.analyze import AnalyzeHeader
    from nibabel.spatialimages import HeaderDataError

    header_path, image_path = pair_of(path)
    start = _content(header_path, 2 * _HEADER_BYTES)[:_HEADER_BYTES]
    if len(start) < _HEADER_BYTES:
        raise UserError(f"{header_path}: {len(start)} bytes, but an Analyze header has {_HEADER_BYTES}; copy it again.")
    if start[344:348] in _NIFTI_MAGIC:
        raise UserError(
            f"{header_path}: a NIfTI pair, not Analyze; save it as one .nii file, e.g. with `fslchfiletype NIFTI`."
        )
    try:
        header: Any = AnalyzeHeader(start, check=False)
        shape, dtype = header.get_data_shape(), header.get_data_dtype()
    except (HeaderDataError, ValueError, KeyError) as error:
        raise UserError(f"{header_path}: not an Analyze header, or damaged; copy it again.") from error
    _check(header, shape, dtype, str(header_path), max_voxels)
    size, offset = math.prod(shape[:3]), int(header["vox_offset"])
    data = _content(image_path, offset + size * dtype.itemsize)[offset:]
    if len(data) < size * dtype.itemsize:
        raise UserError(f"{image_path}: cut off, {len(data)} of {size * dtype.itemsize} bytes; copy it again.")
    voxels = np.frombuffer(data, dtype, size).reshape(shape[:3], order="F")
    voxels = voxels.astype(dtype.newbyteorder("="), copy=False)
    sides = np.abs(np.array(header["pixdim"][1:4], np.float64))
    if voxels.shape == frame.SHAPE and np.allclose(sides, 1, atol=1e-3):
        return Grid(str(path), voxels, frame.affine()), True
    affine = np.diag([-sides[0], sides[1], sides[2], 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(voxels.shape) - 1) / 2)
    return Grid(str(path), voxels, affine), False


def _content(path: Path, length: int) -> bytes:
    """At most `length` bytes of a file, unpacked if it is packed."""
    try:
        with path.open("rb") as stream:
            source: BinaryIO | gzip.GzipFile = stream
            if stream.read(2) == _GZIP_MAGIC:
                source = gzip.GzipFile(fileobj=stream)
            stream.seek(0)
            return source.read(length)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: the compressed file is damaged or cut off; copy it again.") from error


def _check(header: Any, shape: tuple[int, ...], dtype: np.dtype[Any], name: str, max_voxels: int) -> None:
    size = " x ".join(map(str, shape))
    if math.prod(shape[3:]) > 1:
        raise UserError(f"{name}: {size}, several volumes in one file; save one 3D volume of it, e.g. with `fslroi`.")
    if dtype.names or dtype.kind not in "iuf":
        raise UserError(f"{name}: voxels in colour or complex ones; save the scan's own grey values.")
    if len(shape) < 3 or min(shape[:3]) < 1:
        raise UserError(f"{name}: {size} voxels are not a volume; name the 3D scan.")
    if math.prod(shape[:3]) > max_voxels:
        raise UserError(f"{name}: {size} voxels are too large for one head; resample it to 1 mm.")
    if not 0 <= float(header["vox_offset"]) <= 2**24:
        raise UserError(
            f"{name}: damaged, its voxels would begin at byte {float(header['vox_offset']):g}; copy it again."
        )
