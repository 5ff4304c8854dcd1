"""Answers of a student for slices of people it was not trained on, beside what is known of these people."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.inference.measures.entry import Floats
from alzedge.inference.measures.readings import Readings


@dataclass(frozen=True, eq=False)
class SliceAnswers:
    """Cross-fitted answers of the exported file, one row a slice.

    Attributes:
        readings: outputs of a file that was made without the person.
        scan: str (N,), the acquisition.
        subject: str (N,), the person.
        fold: int64 (N,), the part of the people that the answering file was made without; one part a person.
        stage: int64 (N,), index into `STAGES`; `UNKNOWN_STAGE` where nobody examined the person.
        nwbv: float64 (N,), share; NaN where unknown.
        age: float64 (N,), years; NaN where unknown.
        sex: str (N,), 'F', 'M' or ''.
    """

    readings: Readings
    scan: NDArray[np.str_]
    subject: NDArray[np.str_]
    fold: NDArray[np.int64]
    stage: NDArray[np.int64]
    nwbv: Floats
    age: Floats
    sex: NDArray[np.str_]

    @classmethod
    def of(cls, dataset: DataSet, readings: Readings, fold: NDArray[np.int64]) -> "SliceAnswers":
        """Put readings beside the data set that they were read from.

        Args:
            dataset: whose people are known.
            readings: one a slice; their heights are replaced by the data set's.
            fold: int64 (N,), see `SliceAnswers`.
        """
        named = np.char.add(
            np.char.add(dataset.source, "/"), np.where(dataset.scan != "", dataset.scan, dataset.subject)
        )
        placed = Readings(readings.probabilities, dataset.height, readings.brain_volume, readings.age)
        truths = (dataset.labels, dataset.nwbv, dataset.age, dataset.sex)
        return cls(placed, named, dataset.subject, fold, *truths)

    def __len__(self) -> int:
        return len(self.scan)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> "SliceAnswers":
        """The slices at `index`."""
        return SliceAnswers(
            readings=self.readings.take(index),
            scan=self.scan[index],
            subject=self.subject[index],
            fold=self.fold[index],
            stage=self.stage[index],
            nwbv=self.nwbv[index],
            age=self.age[index],
            sex=self.sex[index],
        )

    @cached_property
    def scans(self) -> "Scans":
        """The scans that the slices are of."""
        _, first, row = np.unique(self.scan, return_index=True, return_inverse=True)
        slices = np.split(np.argsort(row, kind="stable"), np.cumsum(np.bincount(row))[:-1])
        _, person, times = np.unique(self.subject[first], return_inverse=True, return_counts=True)
        return Scans(
            slices=tuple(slices),
            subject=self.subject[first],
            person=person,
            person_of_slice=person[row],
            weight=1 / times[person],
            fold=self.fold[first],
            stage=self.stage[first],
            nwbv=self.nwbv[first],
            age=self.age[first],
            sex=self.sex[first],
        )


@dataclass(frozen=True, eq=False)
class Scans:
    """Scans of a `SliceAnswers`, one row each.

    Attributes:
        slices: of each scan, the rows of its slices.
        subject: str (S,).
        person: int (S,), number of the person.
        person_of_slice: int (N,), number of the person on each slice.
        weight: float64 (S,), 1 / scans of the person: people count alike.
        fold, stage, nwbv, age, sex: (S,), see `SliceAnswers`.
    """

    slices: tuple[NDArray[np.intp], ...]
    subject: NDArray[np.str_]
    person: NDArray[np.intp]
    person_of_slice: NDArray[np.intp]
    weight: Floats
    fold: NDArray[np.int64]
    stage: NDArray[np.int64]
    nwbv: Floats
    age: Floats
    sex: NDArray[np.str_]

    @property
    def examined(self) -> NDArray[np.bool_]:
        """True where the stage is known, bool (S,)."""
        examined: NDArray[np.bool_] = self.stage != UNKNOWN_STAGE
        return examined
