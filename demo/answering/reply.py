"""Questions that the page is asked and their answers: plain values, before any of it becomes HTML."""

import hashlib
import time
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alzedge.demo.answering.heads import Fit
from alzedge.demo.answering.told import NOTHING_TOLD, Told
from alzedge.demo.answering.uploads import Unread, Upload
from alzedge.imaging.phantoms import draw_anatomy, draw_slice
from alzedge.inference.answer import Answer, together
from alzedge.inference.classifier import Classifier
from alzedge.inference.measures.rule import Measures
from alzedge.stages import STAGES, TITLES

# A phantom head on the page: enough slices to scroll through, few enough to draw while somebody waits.
PHANTOM_SLICES = 12
_LOWEST, _HIGHEST = 0.2, 0.8


@dataclass(frozen=True, eq=False)
class Reply:
    """The answers to one upload, without its pixels.

    Attributes:
        names: of the slices; text from a stranger.
        hashes: SHA-256 of each slice's pixels, row by row, in hexadecimal.
        volume: the slices are in order from foot to head.
        answers: one per slice.
        one_person: all slices are of one person, so that their mean means something; None where nobody has said so.
        seconds: preprocessing, guard and network for all slices, measured around this very call.
        phantom: the slices were drawn from formulas.
        unread: uploaded files that could not be read.
        fit: of a scan that was brought into the frame.
        measures: the model's rule that makes one person's answer of several slices; None where it carries none.
    """

    names: tuple[str, ...]
    hashes: tuple[str, ...]
    volume: bool
    answers: tuple[Answer, ...]
    one_person: bool | None
    seconds: float
    phantom: bool = False
    unread: tuple[Unread, ...] = ()
    fit: Fit | None = None
    measures: Measures | None = None

    @cached_property
    def person(self) -> Answer:
        """The answer for the person of all slices that were not refused, as `alzedge predict` gives it."""
        return self.person_told(NOTHING_TOLD)

    def person_told(self, told: Told) -> Answer:
        """The same with the percentile for an age and sex, which are not kept."""
        return together(self.answers, self.measures, told.age, told.sex)

    @cached_property
    def given(self) -> tuple[int, ...]:
        """Rows of the slices that were answered."""
        return tuple(row for row, answer in enumerate(self.answers) if answer.probabilities is not None)

    @property
    def several(self) -> bool:
        """There is something to scroll through."""
        return len(self.answers) > 1

    @property
    def pictures(self) -> bool:
        """Several pictures, of one person or of several."""
        return self.several and not self.volume

    @property
    def first(self) -> int:
        """Row of the slice to show first: of a volume the middle one of those answered, else the first of them."""
        rows = self.given or tuple(range(len(self.answers)))
        return rows[len(rows) // 2] if self.volume else rows[0]


def ask(classifier: Classifier, upload: Upload, told: Told = NOTHING_TOLD) -> Reply:
    """Answers for uploaded slices; the guard refuses those that do not look like slices.

    Age and sex matter to a model that has them as an input; the percentile waits for `Reply.person_told`.
    """
    start = time.perf_counter()
    weighed = NOTHING_TOLD if classifier.demographics is None else told
    answers = tuple(classifier.answers(upload.slices, upload.heights, weighed.age, weighed.sex))
    return _reply(classifier, upload, answers, time.perf_counter() - start)


def ask_phantom(classifier: Classifier, upload: Upload, told: Told = NOTHING_TOLD) -> Reply:
    """Answers for phantoms, which the guard is not asked about: it knows them from real slices, and would refuse."""
    unguarded = Classifier(classifier.interpreter, classifier.record, guarded=False)
    return replace(ask(unguarded, upload, told), phantom=True)


def _reply(
    classifier: Classifier, upload: Upload, answers: tuple[Answer, ...], seconds: float, phantom: bool = False
) -> Reply:
    hashes = tuple(hashlib.sha256(pixels.tobytes()).hexdigest() for pixels in upload.slices)
    one_person = True if upload.volume and len(answers) > 1 else None
    return Reply(
        upload.names,
        hashes,
        upload.volume,
        answers,
        one_person,
        seconds,
        phantom,
        upload.unread,
        upload.fit,
        classifier.measures,
    )


def draw_phantom(label: int, volume: bool, rng: np.random.Generator) -> Upload:
    """A fresh phantom of stage `STAGES[label]`: one slice at the height of the ventricles, or a head from foot to head."""
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
