"""Slices and people as columns of numbers: features of the picture, answers of the model, what is known of the person."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import PERSONAL, UNKNOWN_STAGE, DataSet
from alzedge.inference.answer import Answer
from alzedge.inference.classifier import Classifier
from alzedge.monitoring.features import FEATURES, image_features
from alzedge.monitoring.quantities import LOGGED, TEXTS
from alzedge.stages import STAGES

Floats = NDArray[np.float64]
# Wraps a list in a progress bar; `iter` shows none.
Progress = Callable[[list[Any]], Iterable[Any]]
_ABOUT = ("height", *(name for name in PERSONAL if name not in TEXTS))


@dataclass(frozen=True, eq=False)
class Sample:
    """Slices, or people, as columns.

    Attributes:
        numbers: by name of `alzedge.monitoring.quantities.NUMBERS`, float64 (N,); NaN where unknown.
        texts: by name of `TEXTS`, str (N,); '' where unknown.
    """

    numbers: Mapping[str, Floats]
    texts: Mapping[str, NDArray[np.str_]]

    def __len__(self) -> int:
        return len(next(iter(self.numbers.values()), ()))


@dataclass(frozen=True, eq=False)
class Measured:
    """A data set, or a log, as columns.

    Attributes:
        name: how reports call it.
        slices: a row per slice; None of a log, which holds people only.
        people: a row per person; None where nobody knows who is on the slices.
        model: SHA-256 of the model that answered; None without one.
    """

    name: str
    slices: Sample | None
    people: Sample | None
    model: str | None


def measure(dataset: DataSet, classifier: Classifier | None = None, progress: Progress = iter) -> Measured:
    """Measure a data set slice by slice, and person by person where these are known.

    A person's value is the mean over their slices; a person's answers are the model's for all of them together.

    Args:
        dataset: N slices.
        classifier: answers; None leaves its columns out.
        progress: wraps the list of people, or of slices taken sixteen at a time.
    """
    features = image_features(dataset.images).values
    rows = np.full((len(dataset), len(LOGGED)), np.nan)
    rows[:, : len(FEATURES)] = features
    people = []
    for own in progress(_groups(dataset)):
        answers = [] if classifier is None else classifier.answers(dataset.images[own], dataset.height[own])
        for row, answer in zip(own, answers, strict=False):
            rows[row] = person_row(features[row : row + 1], [answer], answer, dataset.height[row : row + 1])
        person = None if classifier is None else classifier.person(answers)
        people.append(person_row(features[own], answers, person, dataset.height[own]))
    known, model = dataset.subjects_known, None if classifier is None else str(classifier.record["sha256"])
    slices = Sample(_numbers(rows) | _about(dataset), _texts(dataset))
    return Measured(dataset.name, slices, _people(dataset, np.array(people)) if known else None, model)


def person_row(features: Floats, answers: Sequence[Answer], person: Answer | None, heights: Iterable[Any]) -> Floats:
    """One person as a row, in the order of `LOGGED`; NaN where something is unknown.

    Args:
        features: (n, 9), of the person's slices; see `alzedge.monitoring.features`.
        answers: of the slices; none without a model.
        person: of all of them together.
        heights: of the slices, mm in the frame; NaN or None where unknown.
    """
    unlikeness = [answer.unlikeness for answer in answers if answer.unlikeness is not None]
    values = dict(zip(FEATURES, map(_mean, features.T), strict=True))
    values["height"] = _mean(np.array([np.nan if one is None else one for one in heights], np.float64))
    values["unlikeness"] = _mean(np.array(unlikeness))
    values["refused"] = _mean(np.array([float(answer.refused is not None) for answer in answers]))
    if person is not None and person.probabilities is not None:
        values |= person.probabilities | {"any_dementia": 1 - person.probabilities[STAGES[0]]}
        values["brain_volume"] = person.brain_volume.value if person.brain_volume else np.nan
        values["apparent_age"] = person.apparent_age.value if person.apparent_age else np.nan
    return np.array([values.get(name, np.nan) for name in LOGGED])


def _groups(dataset: DataSet) -> list[NDArray[np.intp]]:
    """Rows of each person in the order of their names; sixteen at a time where people are unknown."""
    if not dataset.subjects_known:
        return list(np.split(np.arange(len(dataset)), range(16, len(dataset), 16)))
    _, person = np.unique(dataset.subject, return_inverse=True)
    order = np.argsort(person, kind="stable")
    return list(np.split(order, np.flatnonzero(np.diff(person[order])) + 1))


def _people(dataset: DataSet, rows: Floats) -> Sample:
    groups = _groups(dataset)
    about = {name: np.array([_mean(values[own]) for own in groups]) for name, values in _about(dataset).items()}
    counted = {"slices": np.array([float(len(own)) for own in groups])}
    texts = {name: np.array([values[own[0]] for own in groups]) for name, values in _texts(dataset).items()}
    return Sample(_numbers(rows) | about | counted, texts)


def _numbers(rows: Floats) -> dict[str, Floats]:
    return dict(zip(LOGGED, rows.T, strict=True))


def _about(dataset: DataSet) -> dict[str, Floats]:
    return {name: getattr(dataset, name) for name in _ABOUT}


def _texts(dataset: DataSet) -> dict[str, NDArray[np.str_]]:
    names = np.array([*STAGES, ""])
    labels = np.where(dataset.labels == UNKNOWN_STAGE, len(STAGES), dataset.labels)
    return {"stage": names[labels], "sex": dataset.sex, "source": dataset.source}


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
