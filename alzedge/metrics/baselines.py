"""Floors with intervals, of methods that train no network, on slices too many to hold.

The nearest neighbour only finds the same person again; the histogram knows brightness; the share of fluid, the
dark pixels of the brain, grows with atrophy. The last two fit one logistic regression for each task.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split
from alzedge.metrics.nearest_neighbour import EVERY, nearest
from alzedge.stages import STAGES

_BINS = 64
# Grey values of fluid in skull-stripped T1 slices stretched to 0..255; below them is background.
_BACKGROUND = 6
_FLUID = (34, 59)
_COMPONENTS = 10
METHODS = {
    "nearest_neighbour": "1-nearest neighbour on shrunken pixels",
    "histogram": "64-bin histogram + logistic regression",
    "fluid": "share of fluid + logistic regression",
}
# Train and test sides, as numbers of images.
Sides = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


@dataclass(frozen=True, eq=False)
class Features:
    """What the floors know of N slices, 2.4 KB each.

    Attributes:
        pixels: uint8 (N, 52, 44), every fourth pixel of every fourth row.
        histogram: uint16 (N, 64), number of pixels by brightness.
        fluid: float32 (N, 2), share of the brain's pixels with value 6 to 34, and 6 to 59.
    """

    pixels: NDArray[np.uint8]
    histogram: NDArray[np.uint16]
    fluid: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class People:
    """Who is on N slices, as the floors need it.

    Attributes:
        labels: int64 (N,), index into `STAGES`.
        subject: str (N,), or None when people are unknown.
        slice: int64 (N,), position in the volume; 0 when unknown.
    """

    labels: NDArray[np.int64]
    subject: NDArray[np.str_] | None
    slice: NDArray[np.int64]


def features_of(images: NDArray[np.uint8]) -> Features:
    """Features of slices, uint8 (N, 208, 176)."""
    bins = images.reshape(len(images), -1) // (256 // _BINS)
    histogram = np.stack([np.bincount(row, minlength=_BINS) for row in bins]).astype(np.uint16)
    brain = np.maximum((images >= _BACKGROUND).sum(axis=(1, 2)), 1)
    dark = [((images >= _BACKGROUND) & (images <= top)).sum(axis=(1, 2)) for top in _FLUID]
    fluid = (np.stack(dark, axis=1) / brain[:, None]).astype(np.float32)
    return Features(images[:, ::EVERY, ::EVERY].copy(), histogram, fluid)


def join_features(parts: list[Features]) -> Features:
    """The features of all parts in their order."""
    return Features(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.histogram for part in parts]),
        np.concatenate([part.fluid for part in parts]),
    )


def split_floor_figures(dataset: DataSet, split: Split, seed: int = 0) -> dict[str, Any]:
    """`floor_figures` on the two sides of a split of a data set in memory."""
    people = People(dataset.labels, dataset.subject if dataset.subjects_known else None, dataset.slice)
    return floor_figures(features_of(dataset.images), people, [(split.train, split.test)], seed)


def floor_figures(features: Features, people: People, sides: Sides, seed: int = 0) -> dict[str, Any]:
    """What each method of `METHODS` reaches, with intervals.

    The fluid of a person who is on one side with all slices, each at the same places as
    everybody else's, is one vector over the places (principal components 10); otherwise each
    slice is judged on its own.

    Args:
        features, people: of the same N slices.
        sides: of one split, or of folds, whose answers are pooled.
        seed: of the bootstrap over people, over slices when they are unknown.

    Returns:
        By method `per`, 'slice' or 'person', what was judged, and by the name of each of `alzedge.metrics.tasks.TASKS` the
        levels `slice` and `person` of `alzedge.metrics.classification.evaluate` for that task alone; a task is None where a training side lacks one of its classes.
    """
    rows = np.concatenate([test for _, test in sides])
    found: dict[str, Any] = {"nearest_neighbour": {"per": "slice"}, "histogram": {"per": "slice"}}
    answers = _nearest_neighbour_answers(features.pixels, people.labels, sides)
    subject = None if people.subject is None else people.subject[rows]
    found["nearest_neighbour"] |= _figures(dict.fromkeys(_tasks(), answers), people.labels[rows], subject, seed)
    shares = features.histogram / features.histogram.sum(axis=1, keepdims=True)
    answered = _regressions(shares, people.labels, sides, {})
    found["histogram"] |= _figures(answered, people.labels[rows], subject, seed)
    found["fluid"] = _fluid_figures(features.fluid, people, sides, seed)
    return found


def _fluid_figures(fluid: NDArray[np.float32], people: People, sides: Sides, seed: int) -> dict[str, Any]:
    settings = {"C": 0.1, "class_weight": "balanced"}
    whole = _volumes(people, sides)
    if whole is None:
        rows = np.concatenate([test for _, test in sides])
        subject = None if people.subject is None else people.subject[rows]
        answered = _regressions(fluid, people.labels, sides, settings)
        return {"per": "slice"} | _figures(answered, people.labels[rows], subject, seed)
    order, of_people = whole
    count = len(order)
    labels = people.labels[order[:, 0]]
    answered = _regressions(fluid[order].reshape(count, -1), labels, of_people, settings)
    rows = np.concatenate([test for _, test in of_people])
    names = np.arange(count).astype(str)
    return {"per": "person"} | _figures(answered, labels[rows], names[rows], seed)


def _volumes(people: People, sides: Sides) -> tuple[NDArray[np.intp], Sides] | None:
    """Slices of each person in order (people, places), and the sides in people; None where they cannot be compared."""
    if people.subject is None:
        return None
    names, person, counts = np.unique(people.subject, return_inverse=True, return_counts=True)
    order = np.lexsort((people.slice, person))
    if counts.min() < 2 or counts.min() != counts.max() or people.slice.min() < 1:
        return None
    by_person = order.reshape(len(names), -1)
    if (people.slice[by_person] != people.slice[by_person[0]]).any():
        return None
    of_people = [(np.unique(person[train]), np.unique(person[test])) for train, test in sides]
    if any(len(np.intersect1d(train, test)) for train, test in of_people):
        return None
    return by_person, of_people


def _tasks() -> dict[str, Any]:
    from alzedge.metrics.tasks import TASKS

    return {task.name: task for task in TASKS}


def _nearest_neighbour_answers(
    pixels: NDArray[np.uint8], labels: NDArray[np.int64], sides: Sides
) -> NDArray[np.float64]:
    stages = [labels[train[nearest(pixels[train], pixels[test])]] for train, test in sides]
    return np.eye(len(STAGES))[np.concatenate(stages)]


def _regressions(
    values: NDArray[Any], labels: NDArray[np.int64], sides: Sides, settings: dict[str, Any]
) -> dict[str, NDArray[np.float64] | None]:
    """Answers (rows, 4) of one logistic regression for each task, on the test sides one after the other."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    answered: dict[str, NDArray[np.float64] | None] = {}
    for name, task in _tasks().items():
        classes = task.labels(labels)
        parts = []
        for train, test in sides:
            known = train[classes[train] >= 0]
            if len(np.unique(classes[known])) < len(task.groups):
                break
            steps: list[Any] = [StandardScaler()]
            if settings:
                steps.append(PCA(min(_COMPONENTS, values.shape[1], len(known)), random_state=0))
            model = make_pipeline(*steps, LogisticRegression(solver="newton-cholesky", **settings))
            found = model.fit(values[known], classes[known]).predict_proba(values[test])
            parts.append(_as_stages(found, task.groups))
        answered[name] = np.concatenate(parts) if len(parts) == len(sides) else None
    return answered


def _as_stages(found: NDArray[np.float64], groups: tuple[tuple[int, ...], ...]) -> NDArray[np.float64]:
    """Probabilities of a task's classes as probabilities of stages that add up to them: (rows, 4)."""
    spread = np.zeros((len(found), len(STAGES)))
    for index, group in enumerate(groups):
        spread[:, list(group)] = found[:, [index]] / len(group)
    return spread


def _figures(
    answered: dict[str, NDArray[np.float64] | None],
    labels: NDArray[np.int64],
    subject: NDArray[np.str_] | None,
    seed: int,
) -> dict[str, Any]:
    from alzedge.metrics.classification import evaluate

    figures: dict[str, Any] = {}
    whole = {id(answers): answers for answers in answered.values() if answers is not None}
    # Of a task of its own a person's answer is enough, and a hundredth of the work of all slices'.
    found = {
        key: evaluate(answers, labels, subject, seed)
        if subject is None or answers is answered["stages4"]
        else _by_person(answers, labels, subject, seed)
        for key, answers in whole.items()
    }
    for name, answers in answered.items():
        levels = None if answers is None else found[id(answers)]
        figures[name] = levels and {level: of_level[name] for level, of_level in levels.items()}
    return figures


def _by_person(
    answers: NDArray[np.float64], labels: NDArray[np.int64], subject: NDArray[np.str_], seed: int
) -> dict[str, Any]:
    """The level `person` of `evaluate`."""
    from alzedge.metrics.classification import evaluate

    names, first, person = np.unique(subject, return_index=True, return_inverse=True)
    sums = np.stack([np.bincount(person, column) for column in answers.T], axis=1)
    means = sums / np.bincount(person)[:, None]
    return {"person": evaluate(means, labels[first], names, seed)["person"]}
