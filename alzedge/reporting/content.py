"""The content of a report, whatever it is written as."""

from dataclasses import dataclass
from datetime import date

from alzedge.inference.answer import Answer
from alzedge.inference.measures.norm import NormativeCurve

TITLE = "AlzEdge: one person's slices, as the model sees them"


@dataclass(frozen=True)
class Tile:
    """One slice of the strip.

    Attributes:
        caption: its number and, of a volume, its height.
        slice: PNG file of it, 176 x 208.
        heat: PNG file of it under its heat map; None where there is no map.
    """

    caption: str
    slice: bytes
    heat: bytes | None


@dataclass(frozen=True)
class Registration:
    """The way a scan was brought into the frame.

    Attributes:
        verdict: `good` or `doubtful`.
        remarks: sentences without a full stop, why it is doubtful and what was unusual.
        picture: PNG file of three planes with the mask's outline; None where there is none.
    """

    verdict: str
    remarks: tuple[str, ...]
    picture: bytes | None


@dataclass(frozen=True)
class Model:
    """The model that answered.

    Attributes:
        kind: such as `student-int8`.
        sha256: of its file's network and record, in hexadecimal.
        version: of AlzEdge that made it.
    """

    kind: str
    sha256: str
    version: str


@dataclass(frozen=True)
class Told:
    """Facts on the person that the asker told.

    Attributes:
        age: in years; None where not told.
        sex: `F` or `M`; None where not told.
    """

    age: float | None = None
    sex: str | None = None


UNTOLD = Told()


@dataclass(frozen=True)
class Report:
    """One person's answers with all that belongs beside them. It names nobody: no file name, no value of a header.

    Attributes:
        person: the answer for all slices together.
        slices: one answer per slice, in order.
        tiles: chosen slices, from foot to head.
        legend: meaning of the heat map's colours; empty where there is none.
        registration: None where the slices were not prepared here.
        norm: the normative curve of the brain volume; None where the model measures none.
        operating, cannot: sentences on the operating point and on the stages.
        limits: further sentences on how far to trust it.
        model: that answered.
        images: SHA-256 of the slices' pixels, in hexadecimal.
        made: the day.
        told: age and sex.
        weighed: sentence on what a model that has age and sex as an input was told; empty for one of the image alone.
    """

    person: Answer
    slices: tuple[Answer, ...]
    tiles: tuple[Tile, ...]
    legend: str
    registration: Registration | None
    norm: NormativeCurve | None
    operating: str
    cannot: str
    limits: tuple[str, ...]
    model: Model
    images: str
    made: date
    told: Told = UNTOLD
    weighed: str = ""
