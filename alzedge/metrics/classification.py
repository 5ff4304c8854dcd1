"""Evaluation of answers on labelled slices, per slice and per person, for each task, with intervals.

See `alzedge.metrics.tasks` for the tasks, `alzedge.metrics.evaluation` for the results, `alzedge.metrics.bootstrap` for
the intervals. The tests hold every figure to scikit-learn's.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.metrics.bootstrap import REPLICATES, Floats, draw_people, ratio, with_interval
from alzedge.metrics.estimate import Estimate, Figures
from alzedge.metrics.evaluation import BY_CLASS, TEACHER, Evaluation, LevelFigures, TaskDetails
from alzedge.metrics.scores import MIN_PEOPLE, Level, Resamples, resample
from alzedge.metrics.tasks import TASKS, Task
from alzedge.stages import STAGES

Answers = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Loss:
    """Cost of a change to a model, in one figure.

    Attributes:
        before, after: the figure without and with the change.
        loss: before minus after. Both are resampled alike, so the interval is that of the difference.
    """

    before: float
    after: float
    loss: Estimate


def evaluate(
    probabilities: Answers,
    labels: NDArray[np.int64],
    subject: NDArray[np.str_] | None,
    seed: int = 0,
    teacher: Answers | None = None,
    replicates: int = REPLICATES,
) -> Evaluation:
    """Compute the figures of one model on one test set.

    A figure is None where its classes are absent. Macro means are over the classes that occur. PR AUC is average
    precision.

    Args:
        probabilities: (N, 4), rows sum to 1.
        labels: int64 (N,), index into `STAGES`.
        subject: str (N,), or None when people are unknown.
        seed: of the bootstrap.
        teacher: (N, 4), the teacher's answers for the same slices.
        replicates: resamples of the bootstrap.

    Returns:
        Figures per slice and, where people are known, per person: the mean probability over a person's slices.

    Raises:
        UserError: a probability is not a number, a label is not a stage, or there are fewer than two people.
    """
    levels = make_levels(probabilities, labels, subject, teacher)
    return evaluate_levels(levels, {name: resample(level, seed, replicates) for name, level in levels.items()})


def compare(
    before: Answers,
    after: Answers,
    labels: NDArray[np.int64],
    subject: NDArray[np.str_] | None,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> dict[str, dict[str, dict[str, Loss | None]]]:
    """Compute what a change to a model costs, on the same slices.

    Args:
        before, after: (N, 4), rows sum to 1.
        labels, subject, seed, replicates: see `evaluate`.

    Returns:
        By level ('slice' and, where people are known, 'person'), name of the task, and figure; None as in `evaluate`.

    Raises:
        UserError: as in `evaluate`.
    """
    levels = zip(
        make_levels(before, labels, subject).items(), make_levels(after, labels, subject).values(), strict=True
    )
    return {
        name: _losses(resample(old, seed, replicates), resample(new, seed, replicates)) for (name, old), new in levels
    }


def _losses(before: Resamples, after: Resamples) -> dict[str, dict[str, Loss | None]]:
    losses: dict[str, dict[str, Loss | None]] = {task.name: {} for task in TASKS}
    for name, old in before.items():
        if BY_CLASS in name:
            continue
        loss = with_interval(old - after[name])
        losses[name[0]][name[1]] = None if loss is None else Loss(float(old[0]), float(after[name][0]), loss)
    return losses


def differences(reference: Resamples, other: Resamples) -> dict[str, Figures]:
    """By task `Task.summary` of one model minus that of another, resampled alike."""
    return {
        task.name: {
            figure: with_interval(other[task.name, figure] - reference[task.name, figure]) for figure in task.summary
        }
        for task in TASKS
    }


def sensitivity_specificity(answers: NDArray[np.bool_], truth: NDArray[np.bool_], seed: int = 0) -> Figures:
    """Share of the positive that is found, and of the negative that is left alone.

    Args:
        answers, truth: bool (N,), one a person (a slice when people are unknown).
        seed: of the bootstrap.

    Returns:
        `sensitivity` and `specificity`, None where there is no one to measure on.
    """
    weights = draw_people(len(truth), seed)
    return {
        "sensitivity": with_interval(ratio(weights @ (answers & truth), weights @ truth)),
        "specificity": with_interval(ratio(weights @ (~answers & ~truth), weights @ ~truth)),
    }


def make_levels(
    probabilities: Answers, labels: NDArray[np.int64], subject: NDArray[np.str_] | None, teacher: Answers | None = None
) -> dict[str, Level]:
    """Arrange answers as the levels 'slice' and, where people are known, 'person'; checks as in `evaluate`."""
    given = [np.asarray(answers, np.float64) for answers in (probabilities, teacher) if answers is not None]
    if not all(np.isfinite(scores).all() for scores in given):
        raise UserError("The model answers NaN for some images, so no figure can be given; train or export it again.")
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(STAGES):
        raise UserError(f"A label is none of the four stages, 0 to {len(STAGES) - 1}, so no figure can be given.")
    own = np.arange(len(labels)) if subject is None else subject
    who, first, person = np.unique(own, return_index=True, return_inverse=True)
    if len(who) < 2:
        unit = "slice" if subject is None else "person"
        raise UserError(f"{len(who)} {unit} to test on, so no interval and no figure can be given; add people.")
    levels = {"slice": Level(given[0], labels, person, subject is not None, *given[1:])}
    if subject is not None:
        means = [mean_by_person(scores, person) for scores in given]
        levels["person"] = Level(means[0], labels[first], np.arange(len(who)), True, *means[1:])
    return levels


def mean_by_person(scores: Floats, person: NDArray[np.intp]) -> Floats:
    """Mean of each person's rows: (N, classes) -> (people, classes)."""
    sums = np.stack([np.bincount(person, column) for column in scores.T], axis=1)
    means: Floats = sums / np.bincount(person)[:, np.newaxis]
    return means


def evaluate_levels(levels: dict[str, Level], resamples: dict[str, Resamples]) -> Evaluation:
    """Put together an evaluation from levels and what `alzedge.metrics.scores.resample` computed of each."""
    figures = {name: level_figures(level, resamples[name]) for name, level in levels.items()}
    return Evaluation(figures["slice"], figures.get("person"))


def level_figures(level: Level, resamples: Resamples) -> LevelFigures:
    """Put together the figures of one level."""
    tasks: dict[str, Figures] = {name: {} for name in (*(task.name for task in TASKS), TEACHER)}
    by_class: dict[str, dict[str, Figures]] = {task.name: {} for task in TASKS}
    for (task, *place), values in resamples.items():
        if place[0] == BY_CLASS:
            by_class[task].setdefault(place[1], {})[place[2]] = with_interval(values)
        else:
            tasks[task][place[0]] = with_interval(values)
    teacher = tasks.pop(TEACHER)
    people = int(level.person.max()) + 1 if level.people_known else None
    details = {task.name: _details(task, level, by_class[task.name]) for task in TASKS}
    over = "people" if level.people_known else "slices"
    return LevelFigures(len(level.labels), people, over, tasks, teacher, details)


def _details(task: Task, level: Level, by_class: dict[str, Figures]) -> TaskDetails:
    labels = task.labels(level.labels)
    chosen = labels >= 0
    answers = task.scores(level.probabilities).argmax(axis=1)
    count = len(task.classes)
    confusion = np.bincount(labels[chosen] * count + answers[chosen], minlength=count * count).reshape(count, count)
    people = dict(zip(task.classes, level.people_of(task), strict=True))
    claimed = dict(zip(task.classes, level.claimed(task), strict=True))
    return TaskDetails(
        n=int(chosen.sum()),
        people=people if level.people_known else None,
        classes=task.classes,
        confusion=tuple(map(tuple, confusion.tolist())),
        notes=tuple(_note(name, people[name]) for name in task.classes if not claimed[name]),
        by_class={name: figures if claimed[name] else dict.fromkeys(figures) for name, figures in by_class.items()},
    )


def _note(name: str, people: int) -> str:
    if not people:
        return f"{name}: nobody here, so whatever needs this class has no figure and macro means leave it out."
    whom = "1 person" if people == 1 else f"{people} people"
    return f"{name}: {whom} here, fewer than {MIN_PEOPLE}, so nothing is claimed about this class alone."
