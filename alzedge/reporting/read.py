"""One person's slices out of whatever a report is asked about, with their registration and their DICOM instances."""

import contextlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.file_types import DICOM
from alzedge.inference.guard import NOT_A_SLICE
from alzedge.inference.inputs import Item, find_items, sentence
from alzedge.inference.sources import ItemReader, Slices
from alzedge.preparation.picture import draw_quality
from alzedge.preparation.scans import FIGURES, SLICES, prepared_folder, prepared_volume
from alzedge.preparation.upright import cure_for, way_of_landscape
from alzedge.reporting.compose import png, registration_of
from alzedge.reporting.content import Registration
from alzedge.utils.privacy import hushed

_PICTURE = "quality.png"


@dataclass(frozen=True, eq=False)
class Material:
    """One person's slices.

    Attributes:
        pixels: uint8 (N, 208, 176).
        heights: of the slices, z in mm in the frame, NaN where unknown.
        registration: of the scan, where `alzedge prepare` made the slices; of several scans the worst verdict.
        instances: pydicom data sets of the source's DICOM files, without pixels; they hold what identifies the patient.
    """

    pixels: NDArray[np.uint8]
    heights: tuple[float, ...]
    registration: Registration | None
    instances: tuple[Any, ...] = ()


def read_material(
    sources: Sequence[Path],
    levels: Sequence[float],
    progress: Callable[[float], None] = lambda share: None,
) -> Material:
    """Read one person's slices; a scan is brought into the frame first.

    Args:
        sources: what `alzedge predict` takes, or a folder that `alzedge prepare` wrote for a scan.
        levels: z in mm in the frame at which scans are cut.
        progress: called with the share of the work on a scan that is done.

    Raises:
        UserError: something in it cannot be read, pictures of another size, or scans of several patients.
    """
    reader, pixels, instances = ItemReader(levels, progress), [], []
    registrations: dict[Path | str, Registration] = {}  # by scan, which may be named by its folder and its slices both
    heights: list[float] = []
    for source in sources:
        prepared = prepared_folder(source)
        if prepared is not None:
            registrations[prepared] = read_registration(prepared)
        cut = prepared == source and prepared_volume(source) is None
        for item in find_items([source / SLICES if cut else source]):
            one = _read(reader, item)
            pixels.append(one.pixels)
            heights += one.heights or [math.nan] * len(one.pixels)
            instances += _instances(item)
            if one.prepared is not None and prepared is None:
                picture = png(np.asarray(draw_quality(one.prepared)))
                registrations[item.name] = registration_of(one.prepared.quality, picture)
    if len({str(one.get("PatientID", "")) for one in instances}) > 1:
        raise UserError(f"{sources[0]}: DICOM files of several patients; a report is of one person, name one's files.")
    return Material(np.concatenate(pixels), tuple(heights), _joined([*registrations.values()]), tuple(instances))


def _joined(registrations: Sequence[Registration]) -> Registration | None:
    """The one registration, or of several scans the worst verdict and all remarks, without a picture; None of none."""
    if len(registrations) < 2:
        return registrations[0] if registrations else None
    worst = next((one.verdict for one in registrations if one.verdict != "good"), "good")
    remarks = dict.fromkeys(remark for one in registrations for remark in one.remarks)
    return Registration(worst, (f"the worst of {len(registrations)} scans", *remarks), None)


def _read(reader: ItemReader, item: Item) -> Slices:
    try:
        one = reader.read(item)
    except OSError as error:
        raise UserError(sentence(error, item.name)) from error
    if one.problem is not None:
        cure = cure_for(way_of_landscape(one.pixels[0]))  # of one on its side, as the answer for it has it
        raise UserError(f"{item.name}: {NOT_A_SLICE}{cure}." if cure else one.problem)
    return one


def read_registration(folder: Path) -> Registration:
    """The registration that `alzedge prepare` wrote into a scan's folder.

    Raises:
        UserError: its figures cannot be read.
    """
    try:
        figures = json.loads((folder / FIGURES).read_bytes())
        verdict, remarks = str(figures["verdict"]), (*figures["reasons"], *figures["notes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder / FIGURES}: damaged, or not of `alzedge prepare`; prepare the scan again.") from error
    picture = folder / _PICTURE
    return Registration(verdict, tuple(map(str, remarks)), picture.read_bytes() if picture.is_file() else None)


def _instances(item: Item) -> list[Any]:
    """Headers of an item's DICOM files; those of an archive are not referred to."""
    if item.kind != DICOM or item.archive is not None:
        return []
    from pydicom import dcmread

    found = []
    with hushed():
        for file in item.files:
            with contextlib.suppress(Exception):  # pydicom raises nearly everything, and quotes what it read
                found.append(dcmread(file, stop_before_pixels=True))
    needed = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    return [one for one in found if all(one.get(keyword) for keyword in needed) and "Rows" in one]
