"""Volumes written as NIfTI and DICOM files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

nib = pytest.importorskip("nibabel")
pydicom = pytest.importorskip("pydicom")

Pixels = NDArray[Any]


def as_grid(slices: Pixels) -> Pixels:
    """Voxels in order right, anterior, superior, of slices in the frame: posterior at the top, right in column 0."""
    return np.ascontiguousarray(slices[:, :, ::-1].transpose(2, 1, 0))


def save_nifti(path: Path, voxels: Pixels, affine: Pixels | None = None, axes: str = "RAS") -> Path:
    """Write voxels given in RAS order with another order of axes."""
    image = nib.Nifti1Image(voxels, np.diag([1.0, 1, 1, 1]) if affine is None else affine)
    turns = nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(axes))
    image = image.as_reoriented(turns)
    nib.save(image, path)
    return path


@dataclass(frozen=True)
class Series:
    """How to write DICOM files; `changes` are made to each dataset, given its number."""

    across: tuple[float, ...] = (1, 0, 0)
    down: tuple[float, ...] = (0, 1, 0)
    step: tuple[float, ...] = (0, 0, 2.0)
    changes: dict[str, Any] = field(default_factory=dict)


NAME = "Doe^Jane"


def save_dicom(path: Path, planes: Pixels, series: Series, number: int = 0, series_uid: str = "1.2.3.4") -> Path:
    """One file of one plane (rows, columns), or of several."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.MRImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset = pydicom.dataset.FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.PatientID = NAME, "4711"
    dataset.SeriesInstanceUID = series_uid
    dataset.Rows, dataset.Columns = planes.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    bits = planes.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(planes.dtype.kind == "i")
    dataset.PixelSpacing, dataset.SliceThickness = [1, 1], 2
    dataset.ImageOrientationPatient = [*series.across, *series.down]
    dataset.ImagePositionPatient = [number * step for step in series.step]
    # Axial planes of scanners have anterior at the top: upside down against the frame.
    dataset.PixelData = (planes[..., ::-1, :] if series.across == (1, 0, 0) else planes).tobytes()
    for keyword, value in series.changes.items():
        if value is not None:
            setattr(dataset, keyword, value)
        elif keyword in dataset:
            delattr(dataset, keyword)
    dataset.save_as(path, enforce_file_format=True)
    return path


def save_series(folder: Path, planes: Pixels, series: Series = Series()) -> Path:
    """Files whose names are in no order that means anything."""
    folder.mkdir()
    for number, plane in enumerate(planes):
        save_dicom(folder / f"IM{(number * 7 + 3) % 11:04d}", plane, series, number)
    return folder


def with_syntax(path: Path, uid: str) -> Path:
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = uid
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8 not decoded\xff\xd9"])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    return path
