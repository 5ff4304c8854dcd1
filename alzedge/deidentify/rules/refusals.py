"""Files that are left out rather than cleaned, and the DICOM objects among them, known by their header."""

from typing import Any

from alzedge.deidentify.rules.allow_list import MR_IMAGE_CLASSES


class LeftOut(Exception):
    """A file that cannot be made anonymous; `reason` names the kind of problem and the cure, and nothing of the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


OTHER_FILE = "not a DICOM, NIfTI, PNG, JPEG or TIFF file; it stays where it is"
BURNED_IN_PIXELS = "text in the pixels outside the head; mask it in every slice, or export the scanner's own series"
DAMAGED_DICOM = "damaged or cut-off DICOM; export or copy it again"
NO_PATIENT = "DICOM without Patient ID, and without name and birth date, so nobody's visits could be kept together; fill in a Patient ID"
_SCREEN = "a screen capture or report by its Image Type; export the scanner's own series"
_SCREEN_WORDS = ("SCREEN", "CAPTURE", "PHOTO", "SNAPSHOT", "REPORT", "POSDISP", "DISPLAY", "SECONDARY CAPTURE", "TEXT")
# A derived image computed from voxels; another "SECONDARY" one may be a picture of anything.
_RESAMPLED = {"MPR", "REFORMATTED", "RESAMPLED", "MEAN", "AVERAGE", "AVERAGED", "NORM", "DIS2D", "DIS3D", "MNORM"}
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_KINDS = {
    "1.2.840.10008.5.1.4.1.1.88.": "a structured report, which is text; it stays where it is",
    "1.2.840.10008.5.1.4.1.1.11.": "a presentation state, which may hold text; it stays where it is",
    "1.2.840.10008.5.1.4.1.1.104.": "an encapsulated document; it stays where it is",
    _SECONDARY_CAPTURE: "a secondary capture, which may show text; export the scanner's own series",
    "1.2.840.10008.1.3.10": "a DICOMDIR, a table of contents with names; it stays where it is",
}


def check_object(dataset: Any, kind: str) -> None:
    """Refuse all that is not an MR image of the scanner's, and what says that text is burned in.

    Args:
        dataset: pydicom dataset.
        kind: its SOP Class UID, or its file's.

    Raises:
        LeftOut: it is something else.
    """
    for prefix, reason in _KINDS.items():
        if kind.startswith(prefix):
            raise LeftOut(reason)
    if kind not in MR_IMAGE_CLASSES or str(dataset.get("Modality", "")).strip() != "MR":
        raise LeftOut("DICOM of another kind than MR images; only those are de-identified here")
    check_screen(dataset, kind)
    if dataset.get("SamplesPerPixel") != 1:
        raise LeftOut("DICOM in colour, as screen captures and maps are; export the scanner's own grey values")


def check_screen(dataset: Any, kind: str) -> None:
    """Refuse what says itself that it is a screen capture, or that text is burned in.

    Args:
        dataset, kind: see `check_object`.

    Raises:
        LeftOut: it says so.
    """
    burned_in = str(dataset.get("BurnedInAnnotation") or "NO").strip()
    if burned_in != "NO":
        raise LeftOut("says itself that text is burned in (Burned In Annotation); export the scanner's own series")
    if "ConversionType" in dataset or kind.startswith(_SECONDARY_CAPTURE):
        raise LeftOut(_KINDS[_SECONDARY_CAPTURE])
    _check_image_type(dataset.get("ImageType"))


def _check_image_type(value: Any) -> None:
    words = [value] if isinstance(value, str) else [str(word) for word in value or ()]
    words = [word.strip().upper() for word in words]
    if any(screen in word for word in words for screen in _SCREEN_WORDS):
        raise LeftOut(_SCREEN)
    if "SECONDARY" in words[1:2] and not _RESAMPLED & set(words):
        raise LeftOut(_SCREEN)
