"""DICOM files with a value planted in every attribute that may say who somebody is."""

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pydicom = pytest.importorskip("pydicom")

_TABLE = Path(__file__).resolve().parents[1] / "deidentify" / "ps3_15_table_e1_1.txt"
_TEXT = {"LO", "SH", "PN", "LT", "ST", "UT", "UC", "UR", "CS", "AE"}
# Attributes that decide how a file is read; a planted value would make another file of it, not a hiding place.
_STRUCTURAL = {
    "SpecificCharacterSet", "PixelData", "FloatPixelData", "DoubleFloatPixelData", "SOPClassUID", "Modality",
    "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation", "BurnedInAnnotation", "ImageType", "ConversionType", "PlanarConfiguration",
    "PixelDataProviderURL", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
}  # fmt: skip


@contextlib.contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep the thousands of remarks that planting gives off the log."""
    logger = logging.getLogger("pydicom")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def table_e1_1() -> list[int]:
    """Tags of PS3.15 table E.1-1; of its repeating groups, one each."""
    lines = [line.split()[0] for line in _TABLE.read_text().splitlines() if not line.startswith("#")]
    return [int(tag.replace("50xxxxxx", "50003000").replace("60xx", "6000"), 16) for tag in lines]


def every_tag() -> list[int]:
    """Tags of pydicom's whole dictionary, with those that decide how a file is read left out, and table E.1-1."""
    dictionary = [tag for tag in pydicom.datadict.DicomDictionary if tag >> 16 > 4 and tag & 0xFFFF]
    tags = set(dictionary) | {tag for tag in table_e1_1() if tag >> 16 > 4}
    keyword = pydicom.datadict.keyword_for_tag
    return sorted(tag for tag in tags if keyword(tag) not in _STRUCTURAL and tag >> 16 not in (0xFFFC, 0xFFFE))


class Canaries:
    """Values no output may hold, each another one: texts, dates, times, UIDs, numbers as bytes."""

    def __init__(self, person: str) -> None:
        self.person = person
        self.planted: set[bytes] = set()
        self._count = 0

    def value(self, representation: str) -> Any:
        """A new value for a value representation."""
        self._count += 1
        number = self._count
        text = f"{self.person}{number:05}QX"
        values: dict[str, Any] = {
            # All of one year, so that a shifted one is never another canary.
            "DA": f"1950{1 + number % 12:02}{1 + number // 12 % 28:02}",
            "TM": f"{number % 24:02}{number % 60:02}{number % 59:02}.{314159 + number}",
            "DT": f"19{10 + number % 80}0203{number % 24:02}0405.{271828 + number}",
            "UI": f"1.2.826.0.{len(self.person)}{ord(self.person[0])}.{number}.99887766",
            "AS": "097Y",
        }
        if representation in values:
            return self._noted(values[representation])
        if representation in _TEXT:
            return self._noted(text[:16].upper())
        self.planted.add(text.encode())
        return text.encode()

    def _noted(self, text: str) -> str:
        self.planted.add(text.encode())
        return text

    @property
    def needles(self) -> set[bytes]:
        """What to look for, in every encoding a file might have."""
        texts = {planted.decode() for planted in self.planted}
        return {form.encode(code) for form in texts for code in ("utf-8", "utf-16-le", "utf-16-be")}


def plant(dataset: Any, canaries: Canaries, tags: list[int], skip: frozenset[int] = frozenset()) -> None:
    """Put a canary into each attribute; a number becomes text of unknown representation, as broken writers do."""
    for tag in tags:
        if tag in skip:
            continue
        representation = pydicom.datadict.dictionary_VR(tag).split(" ")[0] if known(tag) else "LO"
        if representation == "SQ":
            item = pydicom.Dataset()
            item.add_new(0x00080104, "LO", canaries.value("LO"))
            item.add_new(0x00100010, "PN", canaries.value("PN"))
            dataset.add_new(tag, "SQ", [item])
        elif representation in _TEXT | {"DA", "TM", "DT", "UI", "AS"}:
            dataset.add_new(tag, representation, canaries.value(representation))
        else:
            dataset[tag] = pydicom.dataelem.RawDataElement(
                pydicom.tag.Tag(tag), representation, 10, canaries.value("UN").ljust(16, b"Z"), 0, False, True
            )
    for group in (0x0009, 0x0019, 0x0029, 0x2001, 0x7FE1):
        dataset.add_new((group, 0x0010), "LO", canaries.value("LO"))
        dataset.add_new((group, 0x1001), "LO", canaries.value("LO"))
        dataset.add_new((group, 0x1002), "OB", canaries.value("OB") + b"\0")
        item = pydicom.Dataset()
        item.add_new(0x00100010, "PN", canaries.value("PN"))
        dataset.add_new((group, 0x1003), "SQ", [item])


def known(tag: int) -> bool:
    """Whether pydicom's dictionary has the attribute."""
    return bool(pydicom.datadict.dictionary_has_tag(tag) or pydicom.datadict.repeater_has_tag(tag))


def mr_image(pixels: Any, patient: str = "4711", number: int = 1, series: str = "1.2.3.4") -> Any:
    """A data set of an MR image as scanners write it, one frame (rows, columns) of integers, and its file meta."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = pydicom.uid.MRImageStorage, f"{series}.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", series
    dataset.FrameOfReferenceUID, dataset.Modality = "1.2.3.9", "MR"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate = patient, "Doe^Jane", "19400102"
    dataset.StudyDate, dataset.SeriesDate, dataset.StudyTime = "20200229", "20200229", "101112"
    dataset.PatientSex, dataset.Manufacturer = "F", "SIEMENS"
    dataset.RepetitionTime, dataset.EchoTime, dataset.FlipAngle = "9.7", "4.0", "10"
    dataset.InstanceNumber, dataset.SeriesNumber = number, 3
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    bits = pixels.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelSpacing, dataset.SliceThickness = ["1.25", "1.25"], "2"
    dataset.ImageOrientationPatient, dataset.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2 * number]
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def write(path: Path, dataset: Any, syntax: str = "1.2.840.10008.1.2.1", canaries: Canaries | None = None) -> Path:
    """Write a data set as a file, with canaries in preamble, file meta information and behind the pixels."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    dataset.file_meta = meta
    if syntax == pydicom.uid.RLELossless:
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        dataset.compress(syntax, generate_instance_uid=False)
    elif syntax == pydicom.uid.JPEGBaseline8Bit:
        buffer = io.BytesIO()
        pixels = np.frombuffer(dataset.PixelData, np.uint8).reshape(dataset.Rows, dataset.Columns)
        comment = canaries.value("UN") if canaries else b""
        Image.fromarray(pixels).save(buffer, "JPEG", comment=comment, quality=95)
        dataset.PixelData = pydicom.encaps.encapsulate([buffer.getvalue()])
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    preamble = bytes(128)
    if canaries:
        meta.SourceApplicationEntityTitle = canaries.value("AE")
        meta.SendingApplicationEntityTitle = canaries.value("AE")
        meta.ImplementationVersionName = canaries.value("SH")
        meta.PrivateInformationCreatorUID = canaries.value("UI")
        meta.PrivateInformation = canaries.value("OB") + b"\0"
        preamble = canaries.value("UN").ljust(128, b"\0")
        dataset.DataSetTrailingPadding = canaries.value("OB") + b"\0"
    dataset.preamble = preamble
    path.parent.mkdir(parents=True, exist_ok=True)
    implicit = syntax == pydicom.uid.ImplicitVRLittleEndian
    with path.open("wb") as file:
        pydicom.dcmwrite(file, dataset, implicit_vr=implicit, little_endian=True, enforce_file_format=True)
        if canaries:
            file.write(canaries.value("UN"))
    return path
