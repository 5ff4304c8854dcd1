"""What a model is worth on labelled slices, per slice and per person, for each task, with intervals.

See `alzedge.metrics.tasks` for the tasks, `alzedge.metrics.bootstrap` for the intervals. The tests hold every
figure to scikit-learn's.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.metrics.bootstrap import Floats, draw_people, ratio, with_interval
from alzedge.metrics.scores import BY_CLASS, MIN_PEOPLE, TEACHER, Figures, Level, resample
from alzedge.metrics.tasks import TASKS, Task
from alzedge.stages import STAGES

Answers = NDArray[np.floating[Any]]


def evaluate(
    probabilities: Answers,
    labels: NDArray[np.int64],
    subject: NDArray[np.str_] | None,
    seed: int = 0,
    teacher: Answers | None = None,
) -> dict[str, Any]:
    """Figures of one model on one test set.

    Args:
        probabilities: (N, 4), rows sum to 1.
        labels: int64 (N,), index into `STAGES`.
        subject: str (N,), or None when people are unknown.
        seed: of the bootstrap.
        teacher: (N, 4), the teacher's answers for the same slices.

    Returns:
        `slice` and, where people are known, `person` (mean probability over a person's slices). Each has
        `n`, `people` (None when unknown), `interval_over` ('people' or 'slices') and, by the name of each of
        `alzedge.metrics.tasks.TASKS`, `n`, `people`, `classes`, `confusion` (true classes down, answers across), `notes`
        (sentences on what is missing and why) and the figures: `accuracy`, `balanced_accuracy`, `macro_f1`,
        `weighted_f1`, `ece`, `brier`, `log_loss`; of several classes `macro_roc_auc`, `micro_roc_auc`,
        `macro_pr_auc`, `micro_pr_auc` and `by_class`, each with `sensitivity`, `specificity`, `roc_auc` and
        `pr_auc` (average precision); of two classes these four for the second. With a teacher there
        is also `teacher`, of the four stages: `agreement`, the share of equal answers, and `kl`, the mean
        Kullback-Leibler divergence from the teacher in nats. A figure is `{value, low, high}` with the 95 % percentile
        bootstrap interval, or None where its classes are absent. Macro means are over the classes that occur.

    Raises:
        UserError: a probability is not a number, a label is no stage, or there are fewer than two people.
    """
    levels = make_levels(probabilities, labels, subject, teacher)
    return {name: describe(level, resample(level, seed)) for name, level in levels.items()}


def compare(
    before: Answers, after: Answers, labels: NDArray[np.int64], subject: NDArray[np.str_] | None, seed: int = 0
) -> dict[str, Any]:
    """What a change to a model costs, on the same slices.

    Args:
        before, after: (N, 4), rows sum to 1.
        labels, subject, seed: see `evaluate`.

    Returns:
        `slice` and, where people are known, `person`: by task for each figure of `evaluate` `before`,
        `after` and `loss`, before minus after, as `{value, low, high}`. Both are resampled alike, so the
        interval is of the difference. None as in `evaluate`.

    Raises:
        UserError: as in `evaluate`.
    """
    levels = zip(
        make_levels(before, labels, subject).items(), make_levels(after, labels, subject).values(), strict=True
    )
    return {name: losses(resample(old, seed), resample(new, seed)) for (name, old), new in levels}


def summary(levels: dict[str, Any]) -> dict[str, Any]:
    """What a model file carries of the result of `evaluate`: for each task `Task.summary`, to six decimals."""
    return {
        name: {key: level[key] for key in ("n", "people", "interval_over")}
        | {task.name: {figure: _rounded(level[task.name][figure]) for figure in task.summary} for task in TASKS}
        | ({TEACHER: {figure: _rounded(value) for figure, value in level[TEACHER].items()}} if TEACHER in level else {})
        for name, level in levels.items()
    }


def differences(reference: Figures, other: Figures) -> dict[str, Any]:
    """By task `Task.summary` of one model minus that of another, `{value, low, high}`, resampled alike."""
    names = [(task.name, figure) for task in TASKS for figure in task.summary]
    return _nested({name: with_interval(other[name] - reference[name]) for name in names})


def losses(before: Figures, after: Figures) -> dict[str, Any]:
    """`before`, `after` and `loss` of each figure but those of single classes; see `compare`."""
    found = {}
    for name, old in before.items():
        if BY_CLASS in name:
            continue
        loss = with_interval(old - after[name])
        found[name] = loss and {"before": float(old[0]), "after": float(after[name][0]), "loss": loss}
    return _nested(found)


def sensitivity_specificity(answers: NDArray[np.bool_], truth: NDArray[np.bool_], seed: int = 0) -> dict[str, Any]:
    """Share of the positive found, and of the negative left alone.

    Args:
        answers, truth: bool (N,), one a person (a slice when people are unknown).
        seed: of the bootstrap.

    Returns:
        `sensitivity` and `specificity`, each `{value, low, high}`, or None where there is no one to measure on.
    """
    weights = draw_people(len(truth), seed)
    return {
        "sensitivity": with_interval(ratio(weights @ (answers & truth), weights @ truth)),
        "specificity": with_interval(ratio(weights @ (~answers & ~truth), weights @ ~truth)),
    }


def make_levels(
    probabilities: Answers, labels: NDArray[np.int64], subject: NDArray[np.str_] | None, teacher: Answers | None = None
) -> dict[str, Level]:
    """`slice` and, where people are known, `person`; checks as in `evaluate`."""
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
        means = [_means(scores, person) for scores in given]
        levels["person"] = Level(means[0], labels[first], np.arange(len(who)), True, *means[1:])
    return levels


def _means(scores: Floats, person: NDArray[np.intp]) -> Floats:
    """Mean of each person's rows."""
    sums = np.stack([np.bincount(person, column) for column in scores.T], axis=1)
    means: Floats = sums / np.bincount(person)[:, np.newaxis]
    return means


def describe(level: Level, found: Figures) -> dict[str, Any]:
    """One level of the result of `evaluate`, from what `alzedge.metrics.scores.resample` found."""
    figures = _nested({name: with_interval(values) for name, values in found.items()})
    tasks = {task.name: _describe_task(task, level, figures[task.name]) for task in TASKS}
    return {
        "n": len(level.labels),
        "people": int(level.person.max()) + 1 if level.people_known else None,
        "interval_over": "people" if level.people_known else "slices",
        **tasks,
        **({TEACHER: figures[TEACHER]} if TEACHER in figures else {}),
    }


def _describe_task(task: Task, level: Level, figures: dict[str, Any]) -> dict[str, Any]:
    labels = task.labels(level.labels)
    chosen = labels >= 0
    answers = task.scores(level.probabilities).argmax(axis=1)
    count = len(task.classes)
    confusion = np.bincount(labels[chosen] * count + answers[chosen], minlength=count * count).reshape(count, count)
    people, notes = level.people_of(task), []
    for name, here, claimed in zip(task.classes, people, level.claimed(task), strict=True):
        if not claimed:
            notes.append(_note(name, here))
        if not claimed and not task.binary:
            figures[BY_CLASS][name] = dict.fromkeys(figures[BY_CLASS][name])
    return {
        "n": int(chosen.sum()),
        "people": dict(zip(task.classes, people, strict=True)) if level.people_known else None,
        "classes": list(task.classes),
        "confusion": confusion.tolist(),
        "notes": notes,
        **figures,
    }


def _note(name: str, people: int) -> str:
    if not people:
        return f"{name}: nobody here, so whatever needs this class has no figure and macro means leave it out."
    whom = "1 person" if people == 1 else f"{people} people"
    return f"{name}: {whom} here, fewer than {MIN_PEOPLE}, so nothing is claimed about this class alone."


def _rounded(figure: dict[str, float] | None) -> dict[str, float] | None:
    return figure and {key: round(value, 6) for key, value in figure.items()}


def _nested(flat: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        inside = nested
        for key in path[:-1]:
            inside = inside.setdefault(key, {})
        inside[path[-1]] = value
    return nested
