"""One file of any kind: what it is, its clean content, and its name among the pseudonyms."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from alzedge.deidentify.deface import Face
from alzedge.deidentify.dicom import clean_dicom
from alzedge.deidentify.images import clean_image
from alzedge.deidentify.nifti import clean_nifti, packed, without_face
from alzedge.deidentify.rules.pseudonyms import Pseudonyms
from alzedge.deidentify.rules.refusals import OTHER_FILE, LeftOut
from alzedge.deidentify.sidecars import clean_sidecar

MAX_BYTES = 2**30
DICOM, NIFTI, IMAGE, SIDECAR = "DICOM", "NIfTI", "image", "sidecar"
_IMAGE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
_NIFTI_SUFFIXES = (".nii.gz", ".nii")
_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
# DER of the object identifier of PKCS #7 content (RFC 5652), by which an encrypted DICOM file (PS3.15 D.1) begins.
_CMS = bytes.fromhex("2a864886f70d0107")


@dataclass(frozen=True)
class CleanFile:
    """A de-identified file, not yet written.

    Attributes:
        path: relative path for it, made of pseudonyms.
        data: its content.
        kind: one of `DICOM`, `NIFTI`, `IMAGE`, `SIDECAR`.
        kept: how many values each surviving DICOM keyword has in it.
        removed: how many DICOM attributes were not copied.
        defacing: brain voxels, and those of them that went with the face; None where no face was removed.
    """

    path: str
    data: bytes
    kind: str
    kept: Counter[str] = field(default_factory=Counter)
    removed: int = 0
    defacing: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Defacing:
    """Wish to have faces removed.

    Attributes:
        face: of the series, for a DICOM file.
        reason: why it was not found.
    """

    face: Face | None = None
    reason: str = "DICOM that is not part of a series whose face could be found; strip its skull"


def clean_file(path: Path, relative: str, pseudonyms: Pseudonyms, deface: Defacing | None = None) -> CleanFile:
    """De-identify one file in memory.

    Args:
        path: the file; only read.
        relative: its path below the source folder, with slashes; it decides who a file without Patient ID belongs to.
        pseudonyms: of the key.
        deface: None keeps faces.

    Raises:
        LeftOut: it cannot be made anonymous.
    """
    data = _content(path)
    if data[128:132] == b"DICM":
        if deface and deface.face is None:
            raise LeftOut(deface.reason)
        image = clean_dicom(data, pseudonyms, deface.face if deface else None)
        series = [pseudonyms.token("folder", uid) for uid in (image.study, image.series, image.instance)]
        return CleanFile(
            f"{'/'.join([image.patient, *series])}.dcm", image.data, DICOM, image.kept, image.removed, image.defacing
        )
    stem, suffix = _split(relative)
    base = f"{pseudonyms.patient(_subject(stem))}/{pseudonyms.token('file', stem)}"
    if data.startswith(_IMAGE_STARTS) and deface:
        raise LeftOut("a single image, in which no face can be found; leave --deface out for stripped slices")
    if data.startswith(_IMAGE_STARTS):
        return CleanFile(f"{base}.png", clean_image(data), IMAGE)
    if suffix in _NIFTI_SUFFIXES:
        volume, defacing = without_face(clean_nifti(data)) if deface else (clean_nifti(data), None)
        content = packed(volume) if suffix == ".nii.gz" else volume
        return CleanFile(f"{base}{suffix}", content, NIFTI, defacing=defacing)
    if suffix == ".json" and _has_image(path):
        return CleanFile(f"{base}.json", clean_sidecar(data), SIDECAR)
    raise LeftOut(_reason(data, suffix))


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise LeftOut("not an ordinary file; it stays where it is")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except PermissionError:
        raise LeftOut("not readable by this user; change its permissions") from None
    if len(data) > MAX_BYTES:
        raise LeftOut("over 1 GiB, too large for one head; resample it to 1 mm")
    return data


def _split(relative: str) -> tuple[str, str]:
    """A path without the ending of its name, and the ending in small letters."""
    lower = relative.lower()
    suffix = ".nii.gz" if lower.endswith(".nii.gz") else PurePosixPath(lower).suffix
    return relative.removesuffix(relative[len(relative) - len(suffix) :]) if suffix else relative, suffix


def _subject(stem: str) -> str:
    """The person a file belongs to: its BIDS subject, else its topmost folder, else its own name."""
    bids = re.search(r"(?:^|[/_])sub-([A-Za-z0-9]+)", stem)
    return bids[1] if bids else stem.split("/")[0]


def _has_image(sidecar: Path) -> bool:
    stem = sidecar.name[: -len(".json")]
    return any(sidecar.with_name(stem + suffix).exists() for suffix in (*_NIFTI_SUFFIXES, *_IMAGE_SUFFIXES))


def _reason(data: bytes, suffix: str) -> str:
    if data[:1] == b"\x30" and _CMS in data[:64]:
        return "an encrypted file; decrypt it first"
    if data.startswith(b"PK\x03\x04"):
        return "an archive; unpack it first"
    if suffix in (".hdr", ".img"):
        return "an Analyze file or a .hdr/.img pair; convert it to one .nii file"
    if suffix == ".dcm":
        return "not a DICOM file, or damaged at its beginning; export or copy it again"
    return "JSON without an image of the same name; it stays where it is" if suffix == ".json" else OTHER_FILE
