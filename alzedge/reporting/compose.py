"""A report out of slices and their answers."""

import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.imaging.overlay import heat_overlay
from alzedge.inference.answer import Answer
from alzedge.inference.measures.rule import Measures
from alzedge.metrics.caveats import cannot_sentence, demographics_sentence, operating_sentence
from alzedge.metrics.record_facts import is_synthetic
from alzedge.model_file.read_write import Record
from alzedge.model_file.record_entries import count, entry_of
from alzedge.preparation.quality import Quality
from alzedge.reporting.content import UNTOLD, Model, Registration, Report, Tile, Told
from alzedge.stages import DISCLAIMER

TILES = 8


@dataclass(frozen=True)
class Pictures:
    """The slices as a report shows them.

    Attributes:
        tiles: from `make_tiles`.
        images: of all slices, from `hash_of`.
        legend: of the heat map.
    """

    tiles: tuple[Tile, ...]
    images: str
    legend: str


def chosen_rows(answers: Sequence[Answer], most: int = TILES) -> list[int]:
    """Rows of the slices to show: at most so many, evenly spaced among those answered, or among all where none was."""
    given = [row for row, answer in enumerate(answers) if answer.probabilities is not None]
    rows = given or list(range(len(answers)))
    picked = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))
    return [rows[index] for index in picked]


def make_tiles(
    slices: NDArray[np.uint8],
    rows: Sequence[int],
    heat: NDArray[np.float32] | None,
    heights: Sequence[float] = (),
) -> tuple[Tile, ...]:
    """Draw the strip.

    Args:
        slices: uint8 (N, 208, 176).
        rows: of the slices to draw.
        heat: evidence for each stage, float32 (len(rows), h, w, 4); None without a heat map.
        heights: of the N slices, z in mm in the frame, NaN where unknown; nothing where all are.
    """
    # Any dementia is what speaks against none; one scale for all, so that slices can be compared.
    against_none = None if heat is None else -heat[..., 0]
    scale = None if against_none is None else float(np.abs(against_none).max()) or 1.0
    tiles = []
    for index, row in enumerate(rows):
        place = f", {heights[row]:+.0f} mm" if heights and not math.isnan(heights[row]) else ""
        laid = None
        if against_none is not None:
            laid = png(heat_overlay(slices[row], against_none[index], scale=scale))
        tiles.append(Tile(f"slice {row + 1}{place}", png(slices[row]), laid))
    return tuple(tiles)


def make_report(
    record: Record,
    person: Answer,
    answers: Sequence[Answer],
    pictures: Pictures,
    made: date,
    registration: Registration | None = None,
    told: Told = UNTOLD,
) -> Report:
    """Put a report together.

    Args:
        record: of the model that answered.
        person: the answer for all slices together.
        answers: one per slice.
        pictures: of the slices.
        made: the day to print.
        registration: of the scan, where it was prepared.
        told: age and sex, as they were told to `person`.

    Raises:
        UserError: the record's entry `measures` is damaged.
    """
    measures = Measures.read(record)
    norm = None if measures is None else measures.norm
    return Report(
        person=person,
        slices=tuple(answers),
        tiles=pictures.tiles,
        legend=pictures.legend if any(tile.heat for tile in pictures.tiles) else "",
        registration=registration,
        norm=norm if person.brain_volume is not None else None,
        operating=operating_sentence(record),
        cannot=cannot_sentence(record),
        limits=_limits(record),
        model=Model(str(record["kind"]), str(record["sha256"]), str(record["alzedge"])),
        images=pictures.images,
        made=made,
        told=told,
        weighed=demographics_sentence(record, told.age, told.sex),
    )


def registration_of(quality: Quality, picture: bytes) -> Registration:
    """A scan's registration as a report shows it.

    Args:
        quality: its figures.
        picture: PNG file of `alzedge.preparation.picture.draw_quality`.
    """
    return Registration(quality.verdict, (*quality.reasons, *quality.notes), picture)


def hash_of(slices: NDArray[np.uint8]) -> str:
    """SHA-256 of slices' pixels, uint8 (N, 208, 176), row by row, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(slices).tobytes()).hexdigest()


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Pixels as a PNG file, without anything beside them."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _limits(record: Record) -> tuple[str, ...]:
    data, split = record.get("dataset"), record.get("split")
    people, slices = count(entry_of(data, "people")), count(entry_of(data, "slices"))
    held_out = count(entry_of(split, "test_people"))
    if people is not None and held_out is not None and entry_of(split, "unseen_people"):
        people -= held_out
    slices = count(entry_of(split, "training_slices")) or slices
    if is_synthetic(record):
        learned = "The model has learned from phantoms: its answers say nothing about real slices."
    else:
        who = "people unknown" if people is None else f"{people} people"
        learned = (
            f"It has learned from {slices} slices of {who}; how well it does on other scanners, other diseases and other "
            "populations was not measured."
        )
    return learned, "It tells no cause of dementia, and no other disease.", DISCLAIMER
