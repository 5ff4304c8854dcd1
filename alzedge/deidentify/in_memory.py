"""Files that somebody hands over to be read at once, such as uploads: stripped in memory before any reader sees them."""

import io
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from alzedge.deidentify.burned_in import shows_text, volume_shows_text
from alzedge.deidentify.dicom import Copier
from alzedge.deidentify.rules.allow_list import ALLOWED, IMAGE_TYPES, Rule
from alzedge.deidentify.rules.pseudonyms import Pseudonyms
from alzedge.deidentify.rules.refusals import BURNED_IN_PIXELS, LeftOut, check_screen
from alzedge.errors import UserError
from alzedge.imaging.file_types import DICOM, open_file
from alzedge.imaging.grid import Named
from alzedge.preparation.series import contrast_words
from alzedge.utils.privacy import hushed

# pydicom unpacks it whole and unbounded, before anything can be checked; its reader refuses it.
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
# By these the T1 volume is told from localisers and maximum projections.
_KINDS = IMAGE_TYPES | {"LOCALIZER", "PROJECTION IMAGE", "MIP"}


def strip_files(kind: str, files: list[Path]) -> list[Named]:
    """Names of a volume's files, and how to open each without identity.

    DICOM files go through the allow-list. A NIfTI file is opened as it is: its reader takes voxels and affine and
    nothing else.

    Args:
        kind: of all of them, one of `alzedge.imaging.file_types`.
        files: their paths.
    """
    return [(file.name, partial(_stripped if kind == DICOM else open_file, str(file))) for file in files]


def strip_dicom(data: bytes) -> bytes:
    """The bytes of a DICOM image with what the allow-list lets through, and its pixels as they are, for a reader.

    Words of a series' description that name a contrast stay, since the T1 volume is chosen by them. A file that cannot be
    read, or holds no image, is returned as it is: a reader refuses it.

    Raises:
        LeftOut: it says itself that it is a screen capture, or that text is burned in.
    """
    if _DEFLATED in data:
        return data
    with hushed():
        try:
            from pydicom import dcmread

            source = dcmread(io.BytesIO(data))
            syntax = source.file_meta.TransferSyntaxUID
        except Exception:  # noqa: BLE001 - pydicom raises nearly everything on damaged files, and quotes what it read
            return data
        if not any(keyword in source for keyword in _PIXELS):
            return data
        check_screen(source, str(source.get("SOPClassUID") or ""))
        return _written(_copied(source), syntax)


def refuse_text(pixels: NDArray[Any], name: str) -> None:
    """Refuse a slice (H, W) or a volume (I, J, K) of grey values with text outside the head.

    Raises:
        UserError: it shows text.
    """
    if shows_text(pixels) if pixels.ndim == 2 else volume_shows_text(pixels):
        raise UserError(f"{name}: {BURNED_IN_PIXELS}.")


def _stripped(path: str) -> BinaryIO:
    with open_file(path) as stream:
        data = stream.read()
    try:
        return io.BytesIO(strip_dicom(data))
    except LeftOut as error:
        raise UserError(f"{Path(path).name}: {error.reason}.") from None


def _copied(source: Any) -> Any:
    # The key matters to nobody: the new UIDs are the same within one call, and forgotten after it.
    target = Copier(Pseudonyms(b"in memory"), 0).copy(source)
    for keyword in _PIXELS:
        if keyword in source:
            target[keyword] = source[keyword]
    padding, modality = source.get("PixelPaddingValue"), str(source.get("Modality") or "")
    if isinstance(padding, int):
        target.PixelPaddingValue = padding
    if len(modality) == 2 and modality.isalpha():
        target.Modality = modality
    words = [str(word).upper() for word in source.get("ImageType") or []]
    if words:
        target.ImageType = [word if word in _KINDS else "OTHER" for word in words]
    target.SeriesDescription = contrast_words(source)
    if source.get("ContrastBolusAgent"):
        target.ContrastBolusAgent = "YES"
    for allowed in ALLOWED:
        if allowed.rule in (Rule.DATE, Rule.AGE) and allowed.keyword in target:
            del target[allowed.keyword]
    return target


def _written(target: Any, syntax: Any) -> bytes:
    from pydicom import dcmwrite
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(target.get("SOPClassUID") or _MR_IMAGE)
    meta.MediaStorageSOPInstanceUID = UID(target.get("SOPInstanceUID") or "2.25.0")
    meta.TransferSyntaxUID = syntax
    target.file_meta, target.preamble = meta, bytes(128)
    buffer = io.BytesIO()
    dcmwrite(buffer, target, enforce_file_format=True)
    return buffer.getvalue()
