"""DICOM objects beside a study: whose they are, and a PDF report as Encapsulated PDF (PS3.3 A.45.1)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from alzedge import __version__
from alzedge.deidentify.dicom import to_bytes
from alzedge.reporting.content import TITLE

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
# So that a viewer files a report with the images it is about. Nothing else of a patient is copied.
_PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
_STUDY = ("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName")
_SERIES_NUMBER = 9000


@dataclass(frozen=True, eq=False)
class Context:
    """Patient and study that an object belongs to, and the instances it is about.

    Attributes:
        base: pydicom data set with patient and study alone; empty values where the source is not DICOM.
        instances: of the source, each with patient, study and its own UIDs alone.
        seed: from which new UIDs are made, so that the same report gets the same ones.
        made: the day.
    """

    base: Any
    instances: tuple[Any, ...]
    seed: str
    made: date

    def uid(self, name: str) -> str:
        """A UID of the form 2.25.N (PS3.5 B.2) for something named."""
        return made_uid(self.seed, name)


def made_uid(*parts: str) -> str:
    """A UID that depends on texts alone."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def make_context(instances: Sequence[Any], seed: str, made: date) -> Context:
    """Find out patient and study of a source.

    Args:
        instances: pydicom data sets of its DICOM files; none where it is not DICOM, which gives a study of its own
            without a patient's name.
        seed: such as the hash of what is reported.
        made: the day.
    """
    from pydicom import Dataset

    base = Dataset()
    source = instances[0] if instances else None
    base.SpecificCharacterSet = "ISO_IR 192"
    base.StudyInstanceUID = source.StudyInstanceUID if source is not None else made_uid(seed, "study")
    for keyword in (*_PATIENT, *_STUDY):
        setattr(base, keyword, None if source is None else source.get(keyword))
    return Context(base, tuple(_instance(base, one) for one in instances), seed, made)


def _instance(base: Any, source: Any) -> Any:
    from pydicom import Dataset

    one = Dataset()
    one.update(base)
    for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Modality"):
        setattr(one, keyword, source.get(keyword))
    return one


def encapsulate(pdf: bytes, context: Context) -> Any:
    """A PDF report as a pydicom data set; `to_file` writes it.

    Args:
        pdf: the file.
        context: what it is about.
    """
    from pydicom import Dataset

    document = Dataset()
    document.update(context.base)
    document.SOPClassUID, document.SOPInstanceUID = ENCAPSULATED_PDF, context.uid("pdf")
    document.SeriesInstanceUID, document.Modality = context.uid("pdf series"), "DOC"
    document.SeriesNumber, document.InstanceNumber = _SERIES_NUMBER, 1
    document.SeriesDescription = "AlzEdge report, research only"
    document.Manufacturer, document.ManufacturerModelName = "AlzEdge", "AlzEdge"
    document.DeviceSerialNumber, document.SoftwareVersions = "0", __version__
    document.ConversionType = "SYN"
    document.ContentDate, document.ContentTime = context.made.strftime("%Y%m%d"), "000000"
    document.AcquisitionDateTime = None
    document.BurnedInAnnotation = "NO"
    document.DocumentTitle = TITLE
    document.ConceptNameCodeSequence = [code("126000", "DCM", "Imaging Measurement Report")]
    document.VerificationFlag = "UNVERIFIED"
    if context.instances:
        document.SourceInstanceSequence = [_reference(one) for one in context.instances]
    document.MIMETypeOfEncapsulatedDocument = "application/pdf"
    document.EncapsulatedDocumentLength = len(pdf)
    document.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return document


def to_file(document: Any) -> bytes:
    """A data set as a DICOM file, Explicit VR Little Endian."""
    return to_bytes(document)


def code(value: str, scheme: str, meaning: str) -> Any:
    """A coded entry (PS3.3 8.8) as a pydicom data set."""
    from pydicom import Dataset

    entry = Dataset()
    entry.CodeValue, entry.CodingSchemeDesignator, entry.CodeMeaning = value, scheme, meaning
    return entry


def _reference(instance: Any) -> Any:
    from pydicom import Dataset

    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = instance.SOPClassUID, instance.SOPInstanceUID
    return reference
