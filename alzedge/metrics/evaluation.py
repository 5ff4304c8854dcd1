"""Results of an evaluation as frozen objects, and their form in `metrics.json` and in the records of model files.

Every `from_json` here reads what the `to_json` beside it wrote, and raises KeyError, TypeError, ValueError or
AttributeError for anything else; `alzedge.metrics.split_evaluation` turns these into a sentence that names the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alzedge.metrics.estimate import Estimate, Figures, figures_from_json, figures_to_json, rounded
from alzedge.metrics.tasks import TASKS, Task

TEACHER = "teacher"
BY_CLASS = "by_class"
# The figures that a file lists before those of single classes.
_BEFORE_CLASSES = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1")


@dataclass(frozen=True)
class TaskDetails:
    """Counts and notes of one task at one level, beside its figures.

    Attributes:
        n: slices or people evaluated.
        people: people of each class; None when people are unknown.
        classes: names.
        confusion: counts, true classes down, answers across.
        notes: sentences on what is missing and why.
        by_class: of several classes each one's figures against the rest; empty for two classes.
    """

    n: int
    people: dict[str, int] | None
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...]
    by_class: dict[str, Figures] = field(default_factory=dict)


@dataclass(frozen=True)
class LevelSummary:
    """The figures that a model file carries of one level: of each task `Task.summary`, to six decimals.

    Attributes:
        n: slices or people evaluated.
        people: how many; None when unknown.
        interval_over: 'people' or 'slices', what the bootstrap drew.
        tasks: figures by name of the task, see `alzedge.metrics.tasks.FIGURES`.
        teacher: `agreement`, the share of answers equal to the teacher's, and `kl`, the mean Kullback-Leibler
            divergence from the teacher in nats; empty where there was no teacher to compare with.
    """

    n: int
    people: int | None
    interval_over: str
    tasks: dict[str, Figures]
    teacher: Figures

    def figure(self, task: Task, name: str) -> Estimate | None:
        """One figure of one task; None where its classes are absent."""
        return self.tasks[task.name][name]

    def to_json(self) -> dict[str, Any]:
        """Tasks beside the counts."""
        tasks = {name: self._task_to_json(name) for name in self.tasks}
        counts = {"n": self.n, "people": self.people, "interval_over": self.interval_over}
        return counts | tasks | ({TEACHER: figures_to_json(self.teacher)} if self.teacher else {})

    def _task_to_json(self, name: str) -> dict[str, Any]:
        return figures_to_json(self.tasks[name])

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "LevelSummary":
        """A level of a record."""
        tasks = {task.name: figures_from_json(content[task.name]) for task in TASKS}
        return LevelSummary(*_counts(content), tasks, figures_from_json(content.get(TEACHER, {})))


@dataclass(frozen=True)
class LevelFigures(LevelSummary):
    """All figures of one model at one level, unrounded.

    Attributes:
        details: by name of the task.
    """

    details: dict[str, TaskDetails]

    def summary(self) -> LevelSummary:
        """The figures that model files carry."""
        tasks = {task.name: rounded({name: self.figure(task, name) for name in task.summary}) for task in TASKS}
        return LevelSummary(self.n, self.people, self.interval_over, tasks, rounded(self.teacher))

    def _task_to_json(self, name: str) -> dict[str, Any]:
        return task_to_json(self.tasks[name], self.details[name])

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "LevelFigures":
        """A level of `metrics.json`."""
        parsed = {task.name: task_from_json(content[task.name]) for task in TASKS}
        tasks, details = ({name: both[part] for name, both in parsed.items()} for part in (0, 1))
        teacher = figures_from_json(content.get(TEACHER, {}))
        return LevelFigures(*_counts(content), tasks, teacher, details)  # type: ignore[arg-type]


def task_to_json(figures: Figures, details: TaskDetails) -> dict[str, Any]:
    """One task of a level of `metrics.json`."""
    content = figures_to_json(figures)
    before = {name: content.pop(name) for name in _BEFORE_CLASSES}
    by_class = {name: figures_to_json(of_class) for name, of_class in details.by_class.items()}
    return {
        "n": details.n,
        "people": details.people,
        "classes": list(details.classes),
        "confusion": [list(row) for row in details.confusion],
        "notes": list(details.notes),
        **before,
        **({BY_CLASS: by_class} if by_class else {}),
        **content,
    }


def task_from_json(content: Mapping[str, Any]) -> tuple[Figures, TaskDetails]:
    """Read what `task_to_json` wrote."""
    rest = dict(content)
    n, people, classes, confusion, notes = (rest.pop(key) for key in ("n", "people", "classes", "confusion", "notes"))
    by_class = {name: figures_from_json(of_class) for name, of_class in rest.pop(BY_CLASS, {}).items()}
    matrix = tuple(tuple(int(count) for count in row) for row in confusion)
    details = TaskDetails(int(n), people and dict(people), tuple(classes), matrix, tuple(notes), by_class)
    return figures_from_json(rest), details


def _counts(content: Mapping[str, Any]) -> tuple[int, int | None, str]:
    people = content["people"]
    return int(content["n"]), None if people is None else int(people), str(content["interval_over"])


@dataclass(frozen=True)
class Summary:
    """The figures of an `Evaluation` that a model file carries.

    Attributes:
        slice: per slice.
        person: per person, whose answer is the mean over the person's slices; None when people are unknown.
    """

    slice: LevelSummary
    person: LevelSummary | None

    @property
    def levels(self) -> dict[str, LevelSummary]:
        """The levels there are, by their names 'slice' and 'person'."""
        return {"slice": self.slice} | ({"person": self.person} if self.person else {})

    @property
    def by_person(self) -> LevelSummary:
        """Per person where people are known, else per slice."""
        return self.person or self.slice

    def to_json(self) -> dict[str, Any]:
        """By level."""
        return {name: level.to_json() for name, level in self.levels.items()}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Summary":
        """The levels in a split of a record's `metrics`."""
        person = content.get("person")
        return Summary(LevelSummary.from_json(content["slice"]), person and LevelSummary.from_json(person))


@dataclass(frozen=True)
class Evaluation(Summary):
    """All figures of one model on one test set; attributes as of `Summary`."""

    slice: LevelFigures
    person: LevelFigures | None

    @property
    def levels(self) -> dict[str, LevelFigures]:  # type: ignore[override]
        """The levels there are, by their names 'slice' and 'person'."""
        return {"slice": self.slice} | ({"person": self.person} if self.person else {})

    @property
    def by_person(self) -> LevelFigures:
        """Per person where people are known, else per slice."""
        return self.person or self.slice

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Evaluation":
        """A model in `metrics.json`."""
        person = content.get("person")
        return Evaluation(LevelFigures.from_json(content["slice"]), person and LevelFigures.from_json(person))

    def summary(self) -> Summary:
        """The figures that model files carry."""
        return Summary(self.slice.summary(), self.person and self.person.summary())
