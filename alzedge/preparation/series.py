"""The T1 volume among the series of a DICOM folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alzedge.errors import UserError
from alzedge.imaging.grid import Named
from alzedge.utils.privacy import hushed

_TAGS = (
    "SeriesInstanceUID", "SeriesDescription", "ProtocolName", "SequenceName", "Modality", "ImageType", "NumberOfFrames",
    "MRAcquisitionType", "EchoTime", "RepetitionTime", "InversionTime", "SliceThickness", "Rows", "Columns",
    "SamplesPerPixel", "ContrastBolusAgent", "ImageOrientationPatient", "SharedFunctionalGroupsSequence", "SOPClassUID",
)  # fmt: skip
_T1 = re.compile(r"(?<![a-z])t1|mp-?rage|mp2rage|spgr|bravo|tfe|flash", re.IGNORECASE)
_NOT_T1 = re.compile(
    r"t2|flair|dwi|dti|diff|adc|swi|bold|fmri|angio|(?<![a-z])(pd|asl|tof|mip|loc|scout|survey|field|b0|b1)",
    re.IGNORECASE,
)
_LEAST_SLICES = 12
_SAME_DIRECTION = 0.1


@dataclass(frozen=True)
class _Series:
    """Files of one series, and how likely they are the T1 volume of a head."""

    files: tuple[Named, ...]
    slices: int
    label: str
    score: float


def choose_series(files: Sequence[Named], name: str) -> tuple[list[Named], str | None]:
    """The files of the series that is most likely a T1 volume of the head.

    A name or protocol that says so counts most, then a 3D acquisition, a short echo, and the number of slices.
    Localisers, colour images, reports and derived projections are left out.

    Args:
        files: of a folder, each with a way to open it.
        name: of the folder, for messages.

    Returns:
        The files, and a sentence on the choice where there was one.

    Raises:
        UserError: no series of at least 12 slices.
    """
    groups: dict[tuple[str, Any, tuple[float, ...]], list[tuple[Named, Any]]] = {}
    for file in files:
        dataset = _header(file)
        if dataset is not None:
            same, direction = (str(dataset.get("SeriesInstanceUID", "")), dataset.get("Rows")), _direction(dataset)
            alike = (key for key in groups if key[:2] == same and _parallel(key[2], direction))
            groups.setdefault(next(alike, (*same, direction)), []).append((file, dataset))
    # Also those without a description: their reader says what is wrong with them. Single slices are no series.
    if len(groups) <= 1 or all(len(group) == 1 and _slices(group[0][1]) == 1 for group in groups.values()):
        return list(files), None
    series = [_series([file for file, _ in group], [dataset for _, dataset in group]) for group in groups.values()]
    volumes = [one for one in series if one.slices]
    # A single one needs no choice, whatever its size: beside it lie localisers and captures of a screen.
    usable = volumes if len(volumes) == 1 else [one for one in volumes if one.slices >= _LEAST_SLICES]
    if not usable:
        raise UserError(
            f"{name}: {len(series)} series, none of at least {_LEAST_SLICES} slices; name the folder of a whole 3D T1 series."
        )
    best = max(usable, key=lambda one: (one.score, one.slices, [file for file, _ in one.files]))
    others = len(series) - 1
    return list(
        best.files
    ), f"of {others + 1} series the one most like a T1 was taken: {best.label}, {best.slices} slices"


def contrast_words(dataset: Any) -> str:
    """Words of a series' own names that tell its contrast, such as `t1` or `flair`, and no other word of them."""
    words = _names_of(dataset).lower()
    return " ".join(match[0] for pattern in (_T1, _NOT_T1) for match in pattern.finditer(words))


def _names_of(dataset: Any) -> str:
    return " ".join(str(dataset.get(tag) or "") for tag in ("SeriesDescription", "ProtocolName", "SequenceName"))


def _header(file: Named) -> Any:
    """Description of a file by itself, without pixels; None for what is not an image."""
    from pydicom import dcmread

    try:
        with file[1]() as stream, hushed():
            dataset = dcmread(stream, stop_before_pixels=True, specific_tags=list(_TAGS))
        return dataset if dataset.get("Rows") else None
    except Exception:  # noqa: BLE001 - pydicom raises nearly everything on damaged files; the reader will say so
        return None


def _direction(dataset: Any) -> tuple[float, ...]:
    """The plane's directions, six numbers; none where the file's own level tells none."""
    values = dataset.get("ImageOrientationPatient") or []
    try:
        return tuple(float(value) for value in values)
    except (TypeError, ValueError):
        return ()


def _parallel(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Tell whether planes are the same to a few degrees: a localiser has three planes in one series."""
    return len(one) == len(other) and all(abs(a - b) < _SAME_DIRECTION for a, b in zip(one, other, strict=True))


def _series(files: list[Named], datasets: list[Any]) -> _Series:
    first = datasets[0]
    words = _names_of(first)
    kinds = [str(kind).upper() for kind in first.get("ImageType") or []]
    slices = sum(map(_slices, datasets))
    localiser = any("LOCALIZER" in kind or "PROJECTION" in kind or "MIP" in kind for kind in kinds)
    colour = int(first.get("SamplesPerPixel") or 1) != 1
    # A multi-frame file tells the place of each frame by itself.
    placed = "ImageOrientationPatient" in first or "SharedFunctionalGroupsSequence" in first or slices > len(files)
    score = 4.0 * bool(_T1.search(words)) - 4.0 * bool(_NOT_T1.search(words))
    score += 2.0 * (str(first.get("MRAcquisitionType") or "") == "3D")
    echo = _number(first.get("EchoTime"))
    score += 1.0 * (echo is not None and 0 < echo < 15) - 2.0 * (echo is not None and echo > 50)
    score -= 1.0 * bool(first.get("ContrastBolusAgent"))
    score += 1.0 * ("ORIGINAL" in kinds) - 3.0 * (str(first.get("Modality") or "MR") != "MR")
    score += min(slices, 200) / 200
    plane = f"{first.get('Rows')} x {first.get('Columns')} pixels"
    return _Series(tuple(files), 0 if localiser or colour or not placed else slices, plane, score)


def _slices(dataset: Any) -> int:
    return int(_number(dataset.get("NumberOfFrames")) or 1)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
