"""Facts that answers are shown with, read from the record in its file into typed values.

Anybody can write a model file and its record, so nothing here is taken on trust: an entry of another type than it
should have counts as missing.
"""

from dataclasses import dataclass
from typing import Any

from alzedge.inference.answer import Answer
from alzedge.inference.measures.operating_point import Estimate
from alzedge.metrics.tasks import TASKS, Task
from alzedge.model_file.read_write import Record
from alzedge.model_file.record_entries import count, entry_of, number

_LEVELS = ("slice", "person")


@dataclass(frozen=True)
class LevelFigures:
    """Figures on slices or on people.

    Attributes:
        level: "slice" or "person".
        n: number of them.
        people: they belong to; None where unknown.
        figures: by task's and figure's name; None where a class is missing.
    """

    level: str
    n: int
    people: int | None
    figures: dict[tuple[str, str], Estimate | None]

    def of(self, task: Task, figure: str) -> Estimate | None:
        """One figure of a task."""
        return self.figures.get((task.name, figure))


@dataclass(frozen=True)
class Measurement:
    """One test of a model or of models made like it.

    Attributes:
        description: of the test side.
        unseen_people: True for people that the model had not seen, False for people it had, None where unknown.
        measured_on: the model, or its sisters.
        majority, nearest_neighbour: accuracy of two baselines; None where not measured.
        levels: figures per slice and, where people are known, per person.
        agreement: with the teacher's stages on the test slices; None where not measured.
    """

    description: str
    unseen_people: bool | None
    measured_on: str
    majority: float | None
    nearest_neighbour: float | None
    levels: tuple[LevelFigures, ...]
    agreement: Estimate | None

    @property
    def itself(self) -> bool:
        """The model in the file was tested, not one made like it."""
        return self.measured_on == "this model"

    def level(self, person: bool) -> LevelFigures:
        """Figures per person where asked for and known, else per slice."""
        return self.levels[-1] if person else self.levels[0]


def read_measurements(record: Record) -> tuple[Measurement, ...]:
    """All tests that a record tells of, those on unseen people first."""
    entries = record.get("metrics")
    found = [_measurement(entry) for entry in entries.values()] if isinstance(entries, dict) else []
    return tuple(sorted((one for one in found if one), key=lambda one: not one.unseen_people))


def largest_unseen(record: Record) -> Measurement | None:
    """The test on the most slices of unseen people: a cross-validation, where there is one."""
    unseen = [one for one in read_measurements(record) if one.unseen_people]
    return max(unseen, key=lambda one: one.levels[0].n) if unseen else None


def is_synthetic(record: Record) -> bool:
    """Phantoms trained the model, not people."""
    return bool(entry_of(record.get("dataset"), "synthetic"))


def is_calibrated(record: Record) -> bool:
    """The answers that the model was taught with were calibrated, see `alzedge.student.cross_fit`."""
    return bool(entry_of(record.get("soft_targets"), "cross_fit"))


def file_bytes(record: Record) -> int | None:
    """Size of the model file in bytes; None where the record does not tell."""
    return count(entry_of(record.get("verdict"), "bytes"))


def any_dementia(answer: Answer) -> float:
    """Score for any dementia, 1 - P(no dementia), 0 to 1.

    Raises:
        ValueError: the answer was refused.
    """
    if answer.any_dementia is None:
        raise ValueError("a refused slice has no score")
    return answer.any_dementia.value


def _measurement(entry: Any) -> Measurement | None:
    levels = tuple(level for level in (_level(entry, name) for name in _LEVELS) if level)
    if not levels or levels[0].level != "slice":
        return None
    unseen = entry_of(entry, "unseen_people")
    baselines = entry_of(entry, "floors")
    return Measurement(
        str(entry_of(entry, "description")),
        unseen if isinstance(unseen, bool) else None,
        str(entry_of(entry, "measured_on")),
        number(entry_of(baselines, "majority")),
        number(entry_of(baselines, "nearest_neighbour")),
        levels,
        Estimate.read(entry_of(entry_of(entry_of(entry, "slice"), "teacher"), "agreement")),
    )


def _level(entry: Any, name: str) -> LevelFigures | None:
    figures = entry_of(entry, name)
    n = count(entry_of(figures, "n"))
    if n is None:
        return None
    read = {
        (task.name, figure): Estimate.read(entry_of(entry_of(figures, task.name), figure))
        for task in TASKS
        for figure in task.summary
    }
    return LevelFigures(name, n, count(entry_of(figures, "people")), read)
