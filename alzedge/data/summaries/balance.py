"""Balance of a data set's parts: who is in each side of a split, each fold and each source, in one table."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.data.folds import N_FOLDS, subject_folds
from alzedge.stages import CDR, STAGES

_NUMBERS = ("age", "education", "mmse", "etiv", "nwbv")


@dataclass(frozen=True)
class Spread:
    """A value over those people of whom it is known.

    Attributes:
        known: number of people.
        mean, deviation, low, high: NaN where nobody's is known; the standard deviation is that of a sample.
    """

    known: int
    mean: float
    deviation: float
    low: float
    high: float


@dataclass(frozen=True)
class Part:
    """People and slices of one part of a data set; values are those of each person's first slice.

    Attributes:
        name: 'all', 'train', 'fold 0', 'source kaggle' and so on.
        people, scans, slices: numbers of each; scans is 0 where they are unknown.
        stages: number of people of each of `STAGES`.
        unknown_stage: number of people whose stage is not known.
        women, men: the rest is of unknown sex.
        age, education, mmse, etiv, nwbv: over people.
    """

    name: str
    people: int
    scans: int
    slices: int
    stages: tuple[int, ...]
    unknown_stage: int
    women: int
    men: int
    age: Spread
    education: Spread
    mmse: Spread
    etiv: Spread
    nwbv: Spread

    def missing(self, value: str) -> int:
        """Number of people of whom a value, or the `sex`, is not known."""
        return self.people - (self.women + self.men if value == "sex" else getattr(self, value).known)


def balance(dataset: DataSet) -> list[Part]:
    """Describe the whole data set, each source, each side of the split it came with, and each fold by person.

    Folds are there from five people on.

    Raises:
        ValueError: the people are not known.
    """
    if not dataset.subjects_known:
        raise ValueError("balance: the people are not known")
    return [_part(name, dataset, chosen) for name, chosen in _parts(dataset)]


def _parts(dataset: DataSet) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    yield "all", np.ones(len(dataset), bool)
    sources = np.unique(dataset.source)
    if len(sources) > 1:
        yield from ((f"source {source}", dataset.source == source) for source in sources)
    if np.all(dataset.split != ""):
        yield from ((side, dataset.split == side) for side in ("train", "test"))
    if len(np.unique(dataset.subject)) >= N_FOLDS:
        folds = subject_folds(dataset.subject, dataset.labels)
        yield from ((f"fold {fold}", folds == fold) for fold in range(N_FOLDS))


def _part(name: str, dataset: DataSet, chosen: NDArray[np.bool_]) -> Part:
    slices = np.flatnonzero(chosen)
    people, first = np.unique(dataset.subject[slices], return_index=True)
    at = slices[first]
    scans = np.unique(dataset.scan[slices])
    labels, sex = dataset.labels[at], dataset.sex[at]
    return Part(
        name=name,
        people=len(people),
        scans=len(scans[scans != ""]),
        slices=len(slices),
        stages=tuple(int((labels == label).sum()) for label in range(len(STAGES))),
        unknown_stage=int((labels == UNKNOWN_STAGE).sum()),
        women=int((sex == "F").sum()),
        men=int((sex == "M").sum()),
        age=_spread(dataset.age[at]),
        education=_spread(dataset.education[at]),
        mmse=_spread(dataset.mmse[at]),
        etiv=_spread(dataset.etiv[at]),
        nwbv=_spread(dataset.nwbv[at]),
    )


def _spread(values: NDArray[np.float64]) -> Spread:
    known = values[~np.isnan(values)]
    if not len(known):
        return Spread(0, *4 * (float("nan"),))
    deviation = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
    return Spread(len(known), float(known.mean()), deviation, float(known.min()), float(known.max()))


def balance_text(parts: list[Part]) -> str:
    """Lay the parts out in columns."""
    stages = "/".join(f"{cdr:g}" for cdr in CDR)
    header = ["", "people", "scans", "slices", "age (range)", "F/M", f"CDR {stages}/unknown", "nWBV (SD)", "MMSE"]
    rows = [header, *map(_row, parts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    missing = ", ".join(f"{name} {count}" for name in ("sex", *_NUMBERS) if (count := parts[0].missing(name)))
    return "\n".join([*lines, f"unknown, of {parts[0].people} people: {missing or 'nothing'}"])


def _row(part: Part) -> list[str]:
    age, nwbv, mmse = part.age, part.nwbv, part.mmse
    return [
        part.name,
        str(part.people),
        str(part.scans) if part.scans else "-",
        str(part.slices),
        f"{age.mean:.1f} ({age.low:.0f}-{age.high:.0f})" if age.known else "-",
        f"{part.women}/{part.men}" if part.women + part.men else "-",
        "/".join(map(str, (*part.stages, part.unknown_stage))),
        f"{nwbv.mean:.3f} ({nwbv.deviation:.3f})" if nwbv.known else "-",
        f"{mmse.mean:.1f}" if mmse.known else "-",
    ]
