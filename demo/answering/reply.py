"""What the page is asked, and what is answered: plain values, before any of it becomes HTML."""

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alzedge.demo.answering.uploads import Upload
from alzedge.imaging.phantoms import draw_anatomy, draw_slice
from alzedge.inference.classifier import Answer, Classifier, together
from alzedge.stages import STAGES, TITLES

# A phantom head on the page: enough slices to scroll through, few enough to draw while somebody waits.
PHANTOM_SLICES = 12
_LOWEST, _HIGHEST = 0.2, 0.8


@dataclass(frozen=True, eq=False)
class Reply:
    """The answers to one upload, without its pixels.

    Attributes:
        names: how to call each slice; text from a stranger.
        volume: whether the slices are in order from foot to head.
        answers: one per slice.
        one_person: whether all slices are of one person, so that their mean means something.
        seconds: preprocessing, guard and network for all slices, measured around this very call.
        phantom: whether the slices were drawn from formulas.
    """

    names: tuple[str, ...]
    volume: bool
    answers: tuple[Answer, ...]
    one_person: bool
    seconds: float
    phantom: bool = False

    @cached_property
    def person(self) -> Answer:
        """The mean over the slices that were not refused, as `alzedge predict` takes it."""
        return together(list(self.answers))

    @cached_property
    def given(self) -> tuple[int, ...]:
        """Rows of the slices that were answered."""
        return tuple(row for row, answer in enumerate(self.answers) if answer.probabilities is not None)

    @property
    def several(self) -> bool:
        """Whether there is anything to scroll through."""
        return len(self.answers) > 1

    @property
    def first(self) -> int:
        """Row of the slice to show first: the middle one of those answered, or of all."""
        rows = self.given or tuple(range(len(self.answers)))
        return rows[len(rows) // 2]


def ask(classifier: Classifier, upload: Upload, one_person: bool) -> Reply:
    """Answers for what was uploaded; the guard refuses what does not look like a slice."""
    start = time.perf_counter()
    answers = tuple(classifier.answers(upload.slices))
    seconds = time.perf_counter() - start
    return Reply(upload.names, upload.volume, answers, (one_person or upload.volume) and len(answers) > 1, seconds)


def ask_phantom(classifier: Classifier, upload: Upload) -> Reply:
    """Answers for phantoms, which the guard is not asked about: it knows them from real slices, and would refuse."""
    start = time.perf_counter()
    rows = classifier.probabilities(upload.slices).tolist()
    seconds = time.perf_counter() - start
    answers = tuple(Answer(dict(zip(classifier.labels, row, strict=True))) for row in rows)
    return Reply(upload.names, upload.volume, answers, upload.volume, seconds, phantom=True)


def draw_phantom(label: int, volume: bool, rng: np.random.Generator) -> Upload:
    """A fresh phantom of stage `STAGES[label]`: one slice where the ventricles show, or a head from foot to head."""
    anatomy = draw_anatomy(label, rng)
    name = f"phantom drawn with {TITLES[label].lower()}"
    heights: NDArray[np.float64] = (
        np.linspace(_LOWEST, _HIGHEST, PHANTOM_SLICES) if volume else rng.uniform(0.4, 0.6, 1)
    )
    slices = np.stack([draw_slice(anatomy, float(height), rng) for height in heights])
    names = tuple(f"{name}, slice {number}" for number in range(1, len(slices) + 1)) if volume else (name,)
    return Upload(slices, names, volume)


def shares(answer: Answer) -> list[float]:
    """Probabilities of an answer in order of the stages.

    Raises:
        ValueError: the answer was refused.
    """
    if answer.probabilities is None:
        raise ValueError("a refused slice has no probabilities")
    return [answer.probabilities[stage] for stage in STAGES]


def best(answer: Answer) -> int:
    """Index of the most probable stage."""
    values = shares(answer)
    return values.index(max(values))
