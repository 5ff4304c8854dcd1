"""DICOM files: a new data set is filled with what the allow-list lets through; nothing of the old one is edited."""

import io
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from numpy.typing import NDArray

from alzedge import __version__
from alzedge.deidentify.deface import Face
from alzedge.deidentify.dicom_pixels import clean_pixels, without_face
from alzedge.deidentify.rules.allow_list import ALLOWED, FACE_CODE, METHOD_CODES, Allowed, Rule
from alzedge.deidentify.rules.dates import age_between, shifted
from alzedge.deidentify.rules.pseudonyms import Pseudonyms
from alzedge.deidentify.rules.refusals import DAMAGED_DICOM, NO_PATIENT, LeftOut, check_object
from alzedge.deidentify.rules.values import plain_value
from alzedge.utils.privacy import hushed

# pydicom unpacks it whole and unbounded, before anything can be checked.
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_MAX_BYTES = 2**30
# Any UID of our own will do (PS3.7 D.3.3.2); the source's would name its software.
_IMPLEMENTATION = "2.25.286303207843302853113519253613106093061"
METHOD = f"alzedge {__version__}: allow-list"
# Type 2: they must be there, empty where the source's value was none that may stay.
_MAY_BE_EMPTY = ("StudyDate", "PatientSex", "SeriesNumber", "InstanceNumber", "Manufacturer")
_MAY_BE_EMPTY_IN_MR = ("ScanOptions", "RepetitionTime", "EchoTime", "EchoTrainLength", "MRAcquisitionType")
_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
_REQUIRED = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True)
class CleanImage:
    """A de-identified DICOM image.

    Attributes:
        data: the new file.
        patient: pseudonym of the patient.
        study, series, instance: the new UIDs.
        kept: how many values each surviving keyword has in it.
        removed: how many attributes were not copied.
        defacing: brain voxels, and those of them that went with the face; None where no face was removed.
    """

    data: bytes
    patient: str
    study: str
    series: str
    instance: str
    kept: Counter[str]
    removed: int
    defacing: tuple[int, int] | None = None


def clean_dicom(data: bytes, pseudonyms: Pseudonyms, face: Face | None = None) -> CleanImage:
    """De-identify the bytes of one DICOM file.

    Args:
        data: the file.
        pseudonyms: of the key.
        face: of the image's series, to be removed.

    Raises:
        LeftOut: damaged, cut off, encrypted, not an MR image, of no patient, or with text in its pixels.
    """
    if len(data) > _MAX_BYTES:
        raise LeftOut("DICOM of over 1 GiB, too large for one head; resample it to 1 mm")
    if _DEFLATED in data[: 2**20]:
        raise LeftOut("DICOM in a deflated transfer syntax; decompress it, e.g. `dcmconv +te`")
    try:
        with hushed():
            return _cleaned(data, pseudonyms, face)
    except LeftOut:
        raise
    except Exception:  # noqa: BLE001 - pydicom raises nearly everything on damaged files, and quotes what it read
        raise LeftOut(DAMAGED_DICOM) from None


@dataclass
class Copier:
    """Copies what the allow-list lets through, and counts."""

    pseudonyms: Pseudonyms
    days: int
    kept: Counter[str] = field(default_factory=Counter)
    removed: int = 0

    def copy(self, source: Any) -> Any:
        """A new data set with what may stay of `source`, at every depth."""
        from pydicom import Dataset

        target = Dataset()
        for tag in list(source.keys()):
            allowed = allowed_by_tag().get(int(tag))
            if allowed is None or not self._fill(target, allowed, source, tag):
                self.removed += 1
        return target

    def _fill(self, target: Any, allowed: Allowed, source: Any, tag: Any) -> bool:
        """Give an attribute its new value in `target`; false where it has none."""
        try:
            value = source[tag].value
        except Exception:  # noqa: BLE001 - a value that is not of its kind, such as text for a number
            return False
        if allowed.rule is Rule.SEQUENCE:
            new = [self.copy(item) for item in value] if _is_sequence(value) else []
        else:
            values = list(value) if _is_many(value) else [] if value is None else [value]
            new = self._values(allowed, values)
        if not new:
            return False
        setattr(target, allowed.keyword, new if len(new) > 1 or allowed.rule is Rule.SEQUENCE else new[0])
        self.kept[allowed.keyword] += 1
        return True

    def _values(self, allowed: Allowed, values: list[Any]) -> list[Any]:
        if allowed.rule is Rule.UID:
            return [self.pseudonyms.uid(str(value).strip()) for value in values if str(value).strip()]
        if allowed.rule is Rule.DATE:
            return [new for new in (shifted(str(value), self.days) for value in values) if new]
        return plain_value(allowed, values)


def _is_sequence(value: Any) -> bool:
    from pydicom import Sequence

    return isinstance(value, Sequence)


def _is_many(value: Any) -> bool:
    from pydicom.multival import MultiValue

    return isinstance(value, MultiValue | list | tuple)


@cache
def allowed_by_tag() -> dict[int, Allowed]:
    """The allow-list by tag; made at the first call, because pydicom is an optional part."""
    from pydicom.datadict import tag_for_keyword

    return {tag: allowed for allowed in ALLOWED if (tag := tag_for_keyword(allowed.keyword)) is not None}


def _cleaned(data: bytes, pseudonyms: Pseudonyms, face: Face | None) -> CleanImage:
    from pydicom import dcmread

    source = dcmread(io.BytesIO(data))
    check_object(source, str(source.get("SOPClassUID") or source.file_meta.get("MediaStorageSOPClassUID", "")))
    patient = _patient(source, pseudonyms)
    copier = Copier(pseudonyms, pseudonyms.days(patient))
    target = copier.copy(source)
    if not all(keyword in target for keyword in _REQUIRED):
        raise LeftOut("DICOM without the UIDs of its study, series and image; export it again")
    _write_patient(target, source, patient)
    pixels, defacing = clean_pixels(source), None
    if face is not None and not face.stripped:
        pixels, *counts = without_face(pixels, source, face)
        defacing = (counts[0], counts[1])
    _write_pixels(target, pixels)
    _write_statements(target, defacing is not None)
    copier.kept.update(["PatientID", "PixelData"])
    study, series, instance = target.StudyInstanceUID, target.SeriesInstanceUID, target.SOPInstanceUID
    return CleanImage(to_bytes(target), patient, study, series, instance, copier.kept, copier.removed, defacing)


def _patient(source: Any, pseudonyms: Pseudonyms) -> str:
    """The pseudonym: of the Patient ID within its issuer or, without one, of name and birth date."""
    identifier = str(source.get("PatientID") or "").strip()
    if identifier:
        return pseudonyms.patient(identifier, str(source.get("IssuerOfPatientID") or ""))
    name, birth = (str(source.get(keyword) or "").strip() for keyword in ("PatientName", "PatientBirthDate"))
    if not name or not birth:
        raise LeftOut(NO_PATIENT)
    return pseudonyms.patient(f"{name}\\{birth}", "name and birth date")


def _write_patient(target: Any, source: Any, patient: str) -> None:
    target.PatientID = target.PatientName = patient
    empty = [allowed.keyword for allowed in ALLOWED if allowed.rule is Rule.EMPTY]
    empty += [keyword for keyword in _MAY_BE_EMPTY if keyword not in target]
    if target.SOPClassUID == _MR_IMAGE:
        empty += [keyword for keyword in _MAY_BE_EMPTY_IN_MR if keyword not in target]
    for keyword in empty:
        setattr(target, keyword, None)
    if "PatientAge" not in target:
        age = age_between(str(source.get("PatientBirthDate") or ""), str(source.get("StudyDate") or ""))
        if age:
            target.PatientAge = age


def _write_pixels(target: Any, pixels: NDArray[Any]) -> None:
    data = pixels.tobytes()
    target.PixelData = data + bytes(len(data) % 2)
    target["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"


def _write_statements(target: Any, defaced: bool) -> None:
    """Statements that PS3.15 E.1.1 asks for; the same in every file."""
    from pydicom import Dataset

    target.PatientIdentityRemoved = "YES"
    target.DeidentificationMethod = METHOD
    target.LongitudinalTemporalInformationModified = "MODIFIED"
    codes = []
    if defaced:
        target.RecognizableVisualFeatures = "NO"
    for value, meaning in (METHOD_CODES | FACE_CODE if defaced else METHOD_CODES).items():
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
        codes.append(code)
    target.DeidentificationMethodCodeSequence = codes


def to_bytes(dataset: Any) -> bytes:
    """A DICOM file (Explicit VR Little Endian) with nothing in its preamble and only what is required in its meta information."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filewriter import dcmwrite
    from pydicom.uid import UID, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, UID(_IMPLEMENTATION)
    meta.ImplementationVersionName = "ALZEDGE"
    dataset.file_meta, dataset.preamble = meta, bytes(128)
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return buffer.getvalue()
