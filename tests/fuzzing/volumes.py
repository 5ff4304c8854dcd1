"""Parsers of volumes: NIfTI, Analyze pairs and DICOM, cut as they lie."""

import gzip
import io
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from fuzzing.campaign import Parser
from fuzzing.mutators import bytes_of, in_front
from helpers.volumes import Series, nib, pydicom, save_dicom, save_nifti

from alzedge.imaging.volumes import read_volume
from alzedge.preparation.scans import read_scan
from alzedge.utils.privacy import hushed

_NIFTI_HEADER, _GZIP_HEADER = 352, 64
# Values that an element of a data set may be given.
_ELEMENTS: tuple[Any, ...] = (
    *("", "x", "1\\2", "1\\2\\3\\4\\5\\6", "nan", "inf", "9" * 64, "-1", "0", 0, 1, -1, 3, 65535, 1e30, 0.5),
    *([1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 1], [0] * 6, [1e9] * 3, [0, 0], [1e-9, 1e-9], b"", b"\0", None),
)


def parsers() -> dict[str, Parser]:
    """Parsers by name."""
    voxels = np.random.default_rng(0).integers(0, 255, (176, 208, 2), np.uint8)
    with TemporaryDirectory() as name:
        folder = Path(name)
        nifti = save_nifti(folder / "head.nii", voxels).read_bytes()
        scaled = nib.Nifti1Image(voxels.astype(np.int16), np.diag([1.0, 1, 2, 1]))
        scaled.header.set_slope_inter(2, -3)
        nib.save(scaled, folder / "scaled.nii")
        other = (folder / "scaled.nii").read_bytes()
        pair = nib.Spm2AnalyzeImage(voxels, np.diag([1.0, 1, 1, 1]))
        nib.save(pair, folder / "head.hdr")
        header, image = (folder / "head.hdr").read_bytes(), (folder / "head.img").read_bytes()
        planes = voxels.transpose(2, 1, 0)
        series = Series(changes={"NumberOfFrames": None})
        dicom = save_dicom(folder / "a.dcm", planes[0], series).read_bytes()
        wide = save_dicom(
            folder / "b.dcm", planes[0].astype(np.int16), Series(changes={"RescaleSlope": 2})
        ).read_bytes()
    return {
        "nifti": Parser((nifti, other), in_front(_NIFTI_HEADER), _reader("head.nii"), 0.5),
        "nifti_gz": Parser(
            (gzip.compress(nifti), gzip.compress(other)), in_front(_GZIP_HEADER), _reader("head.nii.gz"), 0.2
        ),
        "analyze": Parser((header + image,), in_front(len(header)), _read_pair, 0.3),
        "dicom": Parser((dicom, wide), in_front(900), _reader("slice.dcm"), 0.5),
        "dicom_elements": Parser((dicom, wide), _with_other_elements, _reader("slice.dcm"), 0.3),
        "dicom_series": Parser((dicom, wide), _with_other_elements, _read_series, 0.2),
    }


def _reader(name: str) -> Any:
    def read(folder: Path, data: bytes) -> None:
        (folder / name).write_bytes(data)
        _check(folder / name)

    return read


def _check(path: Path) -> None:
    volume = read_volume(path)
    assert volume.slices.dtype == np.uint8 and volume.slices.shape[1:] == (208, 176) and len(volume.slices)
    assert len(volume.positions) == len(volume.slices) and np.isfinite(volume.positions).all()


def _read_pair(folder: Path, data: bytes) -> None:
    header = 348
    (folder / "head.hdr").write_bytes(data[:header])
    (folder / "head.img").write_bytes(data[header:])
    grid = read_scan(folder / "head.hdr")  # its orientation is unknown, so it is not cut as it lies
    assert grid.voxels.ndim == 3 and not grid.oriented


def _read_series(folder: Path, data: bytes) -> None:
    """The changed file among two good ones: the volume is of these, or of all three, or refused."""
    series = folder / "series"
    if not series.exists():
        series.mkdir()
        plane = np.random.default_rng(1).integers(0, 255, (208, 176), np.uint8)
        for number in (1, 2):
            save_dicom(series / f"{number}.dcm", plane, Series(), number)
    (series / "0.dcm").write_bytes(data)
    _check(series)


def _with_other_elements(data: bytes, rng: random.Random) -> bytes:
    """Up to three elements given other values, taken out or moved into a sequence; where that cannot be written, bytes."""
    dataset = pydicom.dcmread(io.BytesIO(data))
    try:
        with hushed():
            for _ in range(rng.randint(1, 3)):
                element = rng.choice(list(dataset.file_meta if rng.random() < 0.1 else dataset))
                way = rng.random()
                if way < 0.2:
                    del dataset[element.tag]
                elif way < 0.3:
                    inner = pydicom.Dataset()
                    inner.add(element)
                    dataset.SharedFunctionalGroupsSequence = pydicom.Sequence([inner])
                else:
                    element.value = rng.choice(_ELEMENTS)
            written = io.BytesIO()
            dataset.save_as(written, enforce_file_format=False)
            return written.getvalue()
    except Exception:  # noqa: BLE001 - pydicom refuses to write many of these values
        return bytes_of(data, rng, 900)
