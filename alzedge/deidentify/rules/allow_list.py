"""The DICOM attributes that survive de-identification; every other one is removed, at every depth.

An allow-list, because lists of what to remove (DICOM PS3.15 table E.1-1 has over 650 rows) never end: vendors, private
attributes and new editions add to them. Values are not copied either: each is parsed as what it must be (a number, one
of a few codes, a date) and written anew, so that no attribute can carry free text.
"""

from dataclasses import dataclass
from enum import Enum


class Rule(Enum):
    """Ways to make the new value of an attribute."""

    NUMBER = "a number"
    WHOLE = "a whole number below a million, which no medical record number is hidden in"
    CODE = "one of `codes`; another is removed"
    CODES = "several of `codes`; another becomes OTHER"
    VENDOR = "the scanner's vendor, in our spelling"
    UID = "a keyed UID in place of the original"
    CLASS = "the UID of a kind of MR image"
    DATE = "a date, shifted by the patient's number of days"
    AGE = "an age of at most 89 years"
    SEQUENCE = "items, cleaned by this same list"
    EMPTY = "required to be there and left empty"
    PSEUDONYM = "the patient's pseudonym"
    PIXELS = "decoded pixels, checked for burned-in text"
    STATEMENT = "a statement about the de-identification itself"


@dataclass(frozen=True)
class Allowed:
    """An attribute that survives.

    Attributes:
        keyword: DICOM keyword.
        rule: way to make its new value.
        reason: use of it, with the section of DICOM PS3.3 or PS3.15 that defines or asks for it.
        codes: values allowed under `Rule.CODE` and `Rule.CODES`.
    """

    keyword: str
    rule: Rule
    reason: str
    codes: frozenset[str] = frozenset()


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


MR_IMAGE_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.4": "MR Image",
    "1.2.840.10008.5.1.4.1.1.4.1": "Enhanced MR Image",
    "1.2.840.10008.5.1.4.1.1.4.4": "Legacy Converted Enhanced MR Image",
}

VENDORS = {
    "siemens": "SIEMENS",
    "ge ": "GE MEDICAL SYSTEMS",
    "philips": "PHILIPS",
    "toshiba": "TOSHIBA",
    "canon": "CANON",
    "hitachi": "HITACHI",
    "fujifilm": "FUJIFILM",
    "uih": "UIH",
    "united imaging": "UIH",
    "bruker": "BRUKER",
}

# Words of Image Type that say how an image came about.
IMAGE_TYPES = _codes(
    "ORIGINAL DERIVED PRIMARY SECONDARY OTHER NONE MIXED M M_FFE M_SE M_IR FFE SE IR ND NORM MNORM DIS2D DIS3D MPR "
    "REFORMATTED RESAMPLED MEAN AVERAGE AVERAGED VOLUME T1 MAGNITUDE FIL FM FS MFSPLIT MOSAIC PROPELLER BC AXIAL"
)

# What was done, by code (PS3.16 CID 7050).
METHOD_CODES = {
    "113100": "Basic Application Confidentiality Profile",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
}
FACE_CODE = {"113102": "Clean Recognizable Visual Features Option"}

_FRAMES = "C.7.6.16: frames of an enhanced image"

ALLOWED = (
    # What it is and how it hangs together.
    Allowed("SOPClassUID", Rule.CLASS, "PS3.3 C.12.1: kind of image"),
    Allowed("SOPInstanceUID", Rule.UID, "PS3.3 C.12.1, PS3.15 E.3.9: identity of the image"),
    Allowed("StudyInstanceUID", Rule.UID, "PS3.3 C.7.2.1: images of one visit"),
    Allowed("SeriesInstanceUID", Rule.UID, "PS3.3 C.7.3.1: images of one volume"),
    Allowed("FrameOfReferenceUID", Rule.UID, "PS3.3 C.7.4.1: series in the same coordinates"),
    Allowed("Modality", Rule.CODE, "PS3.3 C.7.3.1", _codes("MR")),
    Allowed("ImageType", Rule.CODES, "PS3.3 C.8.3.1.1.1: original, magnitude, reformatted", IMAGE_TYPES),
    Allowed("SeriesNumber", Rule.WHOLE, "PS3.3 C.7.3.1: order of series"),
    Allowed("AcquisitionNumber", Rule.WHOLE, "PS3.3 C.7.6.1: order of acquisitions"),
    Allowed("InstanceNumber", Rule.WHOLE, "PS3.3 C.7.6.1: order of images"),
    # When and of whom.
    Allowed("StudyDate", Rule.DATE, "PS3.15 E.3.6: intervals between visits"),
    Allowed("SeriesDate", Rule.DATE, "PS3.15 E.3.6"),
    Allowed("AcquisitionDate", Rule.DATE, "PS3.15 E.3.6"),
    Allowed("ContentDate", Rule.DATE, "PS3.15 E.3.6"),
    Allowed("PatientAge", Rule.AGE, "PS3.15 E.3.7: what a brain is compared with"),
    Allowed("PatientSex", Rule.CODE, "PS3.15 E.3.7", _codes("M F O")),
    Allowed("PatientID", Rule.PSEUDONYM, "PS3.3 C.7.1.1: the same person again"),
    Allowed("PatientName", Rule.PSEUDONYM, "PS3.3 C.7.1.1: type 2"),
    Allowed("BodyPartExamined", Rule.CODE, "PS3.3 C.7.3.1", _codes("HEAD BRAIN SKULL")),
    Allowed("PatientPosition", Rule.CODE, "PS3.3 C.7.3.1.1.2", _codes("HFS HFP HFDR HFDL FFS FFP FFDR FFDL")),
    # Contrast.
    Allowed("Manufacturer", Rule.VENDOR, "PS3.3 C.7.5.1: differences between scanners"),
    Allowed("MagneticFieldStrength", Rule.NUMBER, "PS3.3 C.8.3.1"),
    Allowed("ScanningSequence", Rule.CODES, "PS3.3 C.8.3.1", _codes("SE IR GR EP RM")),
    Allowed("SequenceVariant", Rule.CODES, "PS3.3 C.8.3.1", _codes("SK MTC SS TRSS SP MP OSP NONE")),
    Allowed("ScanOptions", Rule.CODES, "PS3.3 C.8.3.1, type 2", _codes("PER RG CG PPG FC PFF PFP SP FS")),
    Allowed("MRAcquisitionType", Rule.CODE, "PS3.3 C.8.3.1", _codes("2D 3D")),
    Allowed("RepetitionTime", Rule.NUMBER, "PS3.3 C.8.3.1"),
    Allowed("EchoTime", Rule.NUMBER, "PS3.3 C.8.3.1"),
    Allowed("EffectiveEchoTime", Rule.NUMBER, "PS3.3 C.8.13.5.4"),
    Allowed("InversionTime", Rule.NUMBER, "PS3.3 C.8.3.1"),
    Allowed("InversionTimes", Rule.NUMBER, "PS3.3 C.8.13.5.5"),
    Allowed("FlipAngle", Rule.NUMBER, "PS3.3 C.8.3.1"),
    Allowed("EchoTrainLength", Rule.WHOLE, "PS3.3 C.8.3.1, type 2"),
    Allowed("NumberOfAverages", Rule.NUMBER, "PS3.3 C.8.3.1"),
    Allowed("PixelBandwidth", Rule.NUMBER, "PS3.3 C.8.3.1"),
    # Geometry.
    Allowed("ImagePositionPatient", Rule.NUMBER, "PS3.3 C.7.6.2"),
    Allowed("ImageOrientationPatient", Rule.NUMBER, "PS3.3 C.7.6.2"),
    Allowed("PixelSpacing", Rule.NUMBER, "PS3.3 C.7.6.2"),
    Allowed("SliceThickness", Rule.NUMBER, "PS3.3 C.7.6.2"),
    Allowed("SpacingBetweenSlices", Rule.NUMBER, "PS3.3 C.8.3.1"),
    # Pixels.
    Allowed("SamplesPerPixel", Rule.WHOLE, "PS3.3 C.7.6.3"),
    Allowed("PhotometricInterpretation", Rule.CODE, "PS3.3 C.7.6.3", _codes("MONOCHROME1 MONOCHROME2")),
    Allowed("NumberOfFrames", Rule.WHOLE, "PS3.3 C.7.6.6"),
    Allowed("Rows", Rule.WHOLE, "PS3.3 C.7.6.3"),
    Allowed("Columns", Rule.WHOLE, "PS3.3 C.7.6.3"),
    Allowed("BitsAllocated", Rule.WHOLE, "PS3.3 C.7.6.3"),
    Allowed("BitsStored", Rule.WHOLE, "PS3.3 C.7.6.3"),
    Allowed("HighBit", Rule.WHOLE, "PS3.3 C.7.6.3"),
    Allowed("PixelRepresentation", Rule.WHOLE, "PS3.3 C.7.6.3"),
    Allowed("RescaleSlope", Rule.NUMBER, "PS3.3 C.11.1"),
    Allowed("RescaleIntercept", Rule.NUMBER, "PS3.3 C.11.1"),
    Allowed("WindowCenter", Rule.NUMBER, "PS3.3 C.11.2"),
    Allowed("WindowWidth", Rule.NUMBER, "PS3.3 C.11.2"),
    Allowed("LossyImageCompression", Rule.CODE, "PS3.3 C.7.6.1", _codes("00 01")),
    Allowed("BurnedInAnnotation", Rule.CODE, "PS3.3 C.7.6.1: YES is refused", _codes("NO")),
    Allowed("PixelData", Rule.PIXELS, "PS3.3 C.7.6.3"),
    # Frames of an enhanced image; an item stays even when nothing is left in it, because items are counted.
    Allowed("SharedFunctionalGroupsSequence", Rule.SEQUENCE, f"PS3.3 {_FRAMES}"),
    Allowed("PerFrameFunctionalGroupsSequence", Rule.SEQUENCE, f"PS3.3 {_FRAMES}"),
    Allowed("PixelMeasuresSequence", Rule.SEQUENCE, f"PS3.3 {_FRAMES}"),
    Allowed("PlanePositionSequence", Rule.SEQUENCE, f"PS3.3 {_FRAMES}"),
    Allowed("PlaneOrientationSequence", Rule.SEQUENCE, f"PS3.3 {_FRAMES}"),
    Allowed("PixelValueTransformationSequence", Rule.SEQUENCE, f"PS3.3 {_FRAMES}"),
    Allowed("FrameVOILUTSequence", Rule.SEQUENCE, f"PS3.3 {_FRAMES}"),
    Allowed("FrameContentSequence", Rule.SEQUENCE, f"PS3.3 {_FRAMES}"),
    Allowed("MRTimingAndRelatedParametersSequence", Rule.SEQUENCE, "PS3.3 C.8.13.5.2"),
    Allowed("MREchoSequence", Rule.SEQUENCE, "PS3.3 C.8.13.5.4"),
    Allowed("MRModifierSequence", Rule.SEQUENCE, "PS3.3 C.8.13.5.5"),
    Allowed("InStackPositionNumber", Rule.WHOLE, f"PS3.3 {_FRAMES}"),
    Allowed("TemporalPositionIndex", Rule.WHOLE, f"PS3.3 {_FRAMES}"),
    # Type 2: they must be there and may be empty.
    Allowed("StudyTime", Rule.EMPTY, "PS3.3 C.7.2.1"),
    Allowed("StudyID", Rule.EMPTY, "PS3.3 C.7.2.1"),
    Allowed("AccessionNumber", Rule.EMPTY, "PS3.3 C.7.2.1"),
    Allowed("ReferringPhysicianName", Rule.EMPTY, "PS3.3 C.7.2.1"),
    Allowed("PatientBirthDate", Rule.EMPTY, "PS3.3 C.7.1.1"),
    Allowed("PositionReferenceIndicator", Rule.EMPTY, "PS3.3 C.7.4.1"),
    # Ours.
    Allowed("PatientIdentityRemoved", Rule.STATEMENT, "PS3.15 E.1.1"),
    Allowed("DeidentificationMethod", Rule.STATEMENT, "PS3.15 E.1.1"),
    Allowed("DeidentificationMethodCodeSequence", Rule.STATEMENT, "PS3.15 E.1.1, PS3.16 CID 7050"),
    Allowed("LongitudinalTemporalInformationModified", Rule.STATEMENT, "PS3.15 E.3.6"),
    Allowed("RecognizableVisualFeatures", Rule.STATEMENT, "PS3.15 E.3.2: NO where the face was removed"),
)
