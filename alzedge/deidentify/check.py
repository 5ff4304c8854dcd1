"""The audit of one de-identified file, which needs neither key nor original: is there anything the rules do not allow?

DICOM is judged attribute by attribute and then written anew, and must come out byte for byte the same, so that nothing
hides between, before or behind the attributes; the other formats likewise.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from alzedge.deidentify.dicom import allowed_by_tag, to_bytes
from alzedge.deidentify.dicom_pixels import clean_pixels
from alzedge.deidentify.images import clean_image
from alzedge.deidentify.nifti import clean_nifti
from alzedge.deidentify.rules.allow_list import FACE_CODE, METHOD_CODES, Allowed, Rule
from alzedge.deidentify.rules.pseudonyms import PATIENT_PATTERN, TOKEN_PATTERN, UID_PATTERN
from alzedge.deidentify.rules.refusals import LeftOut, check_object
from alzedge.deidentify.rules.values import plain_value
from alzedge.deidentify.sidecars import clean_sidecar
from alzedge.utils.privacy import hushed

_PATHS = (
    rf"{PATIENT_PATTERN}/{TOKEN_PATTERN}/{TOKEN_PATTERN}/{TOKEN_PATTERN}\.dcm",
    rf"{PATIENT_PATTERN}/{TOKEN_PATTERN}\.(nii|nii\.gz|png|json)",
)
_PATTERNS = {Rule.UID: UID_PATTERN, Rule.DATE: r"\d{8}", Rule.PSEUDONYM: PATIENT_PATTERN, Rule.EMPTY: ""}
_STATEMENTS = {
    "PatientIdentityRemoved": "YES",
    "LongitudinalTemporalInformationModified": "MODIFIED",
    "RecognizableVisualFeatures": "NO",
    "DeidentificationMethod": r"alzedge [\w.+]{1,20}: allow-list",
}
_REQUIRED = {*_STATEMENTS, "DeidentificationMethodCodeSequence", "PatientID"} - {"RecognizableVisualFeatures"}
_META = {
    "FileMetaInformationGroupLength",
    "FileMetaInformationVersion",
    "MediaStorageSOPClassUID",
    "MediaStorageSOPInstanceUID",
    "TransferSyntaxUID",
    "ImplementationClassUID",
    "ImplementationVersionName",
}
UNREADABLE = "not a complete file of its kind"
_BETWEEN = "bytes that belong to no attribute, or file meta information that is not ours"


def problems(path: str, data: bytes, look_at_pixels: bool = True) -> list[str]:
    """Everything that the rules do not allow in one de-identified file; none when it is clean.

    Args:
        path: its path below the output folder, with slashes.
        data: its content.
        look_at_pixels: whether to look for text in the pixels too.
    """
    if not any(re.fullmatch(pattern, path) for pattern in _PATHS):
        return ["a file or folder name that is not a pseudonym"]
    kinds = {".dcm": _of_dicom, ".png": _of_png, ".json": _of_sidecar, ".gz": _of_gzip, ".nii": _of_nifti}
    found = next(judge for suffix, judge in kinds.items() if path.endswith(suffix))
    try:
        with hushed():
            return sorted(set(found(data, look_at_pixels)))
    except LeftOut as error:
        return [error.reason]
    except Exception:  # noqa: BLE001 - whatever a reader raises on a damaged file
        return [UNREADABLE]


def _of_dicom(data: bytes, look_at_pixels: bool) -> Iterator[str]:
    from pydicom import dcmread

    dataset = dcmread(io.BytesIO(data))
    check_object(dataset, str(dataset.SOPClassUID))
    yield from _of_dataset(dataset, 0)
    yield from (f"{keyword} is missing" for keyword in _REQUIRED if keyword not in dataset)
    if {element.keyword for element in dataset.file_meta} != _META:
        yield _BETWEEN
    size = int(dataset.get("NumberOfFrames") or 1) * dataset.Rows * dataset.Columns * dataset.BitsAllocated // 8
    if len(dataset.PixelData) != size + size % 2:
        yield "pixel data longer or shorter than the image"
    if look_at_pixels and clean_pixels(dataset).tobytes() != dataset.PixelData[:size]:
        yield "pixel data with something in the bits that are not stored"
    if to_bytes(dataset) != data:
        yield _BETWEEN


def _of_dataset(dataset: Any, depth: int) -> Iterator[str]:
    for element in dataset:
        allowed = allowed_by_tag().get(int(element.tag))
        name = element.keyword if allowed else "private" if element.tag.is_private else str(element.tag)
        if allowed is None:
            yield f"attribute {name} is not on the allow-list"
        elif allowed.rule is Rule.SEQUENCE:
            for item in element.value:
                yield from _of_dataset(item, depth + 1)
        elif not _holds(allowed, element.value, depth):
            yield f"attribute {name} has a value that the rules do not allow"


def _holds(allowed: Allowed, value: Any, depth: int) -> bool:
    """Test whether a value is one that the rule makes."""
    if allowed.rule in (Rule.STATEMENT, Rule.PSEUDONYM, Rule.EMPTY, Rule.PIXELS) and depth:
        return False
    if allowed.rule is Rule.PIXELS:
        return True
    if allowed.keyword == "DeidentificationMethodCodeSequence":
        found = [tuple(str(element.value) for element in item) for item in value]
        return any(
            found == [(code, "DCM", meaning) for code, meaning in codes.items()]
            for codes in (METHOD_CODES, METHOD_CODES | FACE_CODE)
        )
    if allowed.rule is Rule.STATEMENT:
        return re.fullmatch(_STATEMENTS[allowed.keyword], str(value)) is not None
    many = not isinstance(value, str | bytes) and isinstance(value, Sequence)
    values = list(value) if many else [] if value in (None, "") else [value]
    if allowed.rule in _PATTERNS:
        return all(re.fullmatch(_PATTERNS[allowed.rule], str(one)) for one in values)
    return [str(one) for one in plain_value(allowed, values)] == [str(one) for one in values]


def _of_png(data: bytes, look_at_pixels: bool) -> Iterator[str]:
    names, packed, position = [], b"", 8
    while position < len(data):
        (length,), name = struct.unpack(">I", data[position : position + 4]), data[position + 4 : position + 8]
        names.append(name)
        packed += data[position + 8 : position + 8 + length] if name == b"IDAT" else b""
        position += length + 12
    if set(names) != {b"IHDR", b"IDAT", b"IEND"} or names[-1] != b"IEND" or position != len(data):
        yield "a PNG with more than its pixels in it"
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    lines = zlib.decompressobj()
    if (
        len(lines.decompress(packed)) != height * (1 + width * depth * (3 if colour == 2 else 1) // 8)
        or lines.unused_data
    ):
        yield "a PNG with more than its pixels in it"
    if look_at_pixels:
        clean_image(data)


def _of_sidecar(data: bytes, look_at_pixels: bool) -> Iterator[str]:
    if clean_sidecar(data) != data:
        yield "a sidecar with keys or values that are not on the allow-list"


def _of_gzip(data: bytes, look_at_pixels: bool) -> Iterator[str]:
    unpacked = unpack(data)
    if data[3:8] != bytes(5):
        yield "a gzip header with a name, a comment or a time"
    yield from _of_nifti(unpacked, look_at_pixels)


def unpack(data: bytes) -> bytes:
    """The content of a gzip file.

    Raises:
        LeftOut: it is cut off, or something follows it.
    """
    stream = zlib.decompressobj(31)
    unpacked = stream.decompress(data)
    if not stream.eof or stream.unused_data:
        raise LeftOut(UNREADABLE)
    return unpacked


def _of_nifti(data: bytes, look_at_pixels: bool) -> Iterator[str]:
    if clean_nifti(data, look_at_pixels) != data:
        yield "a NIfTI file with more than geometry and voxels in it"
