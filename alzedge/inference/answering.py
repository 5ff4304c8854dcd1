"""Answer for chunks of items: read, decode, ask the model.

An `Answerer` lives where an interpreter is; `alzedge.inference.predict` deals the chunks out.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.file_types import IMAGE
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.inference.answer import Answer
from alzedge.inference.classifier import Classifier
from alzedge.inference.inputs import PROBLEM, Item, sentence
from alzedge.inference.sources import ItemReader
from alzedge.model_file.record import Record

if TYPE_CHECKING:  # slices need none of it
    from alzedge.preparation.quality import Quality


# Features of slices, (N, F).
Measure = Callable[[NDArray[np.uint8]], NDArray[np.float64]]


@dataclass(frozen=True)
class Workload:
    """Settings of a bulk prediction.

    Attributes:
        model: a file made by `alzedge export`; None is the bundled one.
        threads: of each interpreter.
        guarded: whether the model's guard is asked first.
        jobs: processes with an interpreter each; 1 is this process.
        on_ray: whether these are actors of Ray.
        prepared: whether volumes are brought into the frame first; if not, they are cut as they lie.
        age, sex: of the person asked about, for the percentile of the brain volume; see `Classifier.predict`.
        measure: measures features of slices, uint8 (N, 208, 176), to float64 (N, F), for a log; None leaves it. A function of
            a module, so that it travels to processes.
    """

    model: Path | None = None
    threads: int = 1
    guarded: bool = True
    jobs: int = 1
    on_ray: bool = False
    prepared: bool = True
    age: float | None = None
    sex: str | None = None
    measure: Measure | None = None


@dataclass(frozen=True)
class Result:
    """Result for one item.

    Attributes:
        name: the item's.
        answers: one per slice; none when the item could not be read.
        person: of a volume, the answer for all its slices together.
        positions: of a volume, the height of each slice in mm: in the frame, unless it was cut as it lies.
        error: the sentence why the item could not be read.
        notes: what is doubtful, was chosen or was left out, sentences without the item's name.
        names: of several items that are one person, the name of each slice.
        quality: figures on a volume's registration; None where there was none.
        features: float64 (n, F), of the slices as `Workload.measure` gives them; None without it, and of a picture of
            another size.
    """

    name: str
    answers: tuple[Answer, ...] = ()
    person: Answer | None = None
    positions: tuple[float, ...] = ()
    error: str | None = None
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    quality: "Quality | None" = None
    features: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)


@cache
def answerer(workload: Workload) -> "Answerer":
    """The one `Answerer` of this process for a workload: the model is loaded once."""
    classifier = Classifier.load(workload.model, workload.threads, workload.guarded)
    return Answerer(classifier, workload.prepared, workload.age, workload.sex, workload.measure)


class Answerer:
    """Reads chunks of items and answers for them.

    Args:
        classifier: of this process.
        prepared: whether volumes are brought into the frame first.
        age, sex, measure: see `Workload`.

    Attributes:
        on_share: called with the share of the work on a volume that is done.
    """

    def __init__(
        self,
        classifier: Classifier,
        prepared: bool = True,
        age: float | None = None,
        sex: str | None = None,
        measure: Measure | None = None,
    ) -> None:
        self._classifier, self._measure = classifier, measure
        self._age, self._sex = age, sex
        self.on_share: Callable[[float], None] = lambda share: None
        self._reader = ItemReader(classifier.levels if prepared else None, lambda share: self.on_share(share))

    @property
    def record(self) -> Record:
        """The model file's record."""
        return self._classifier.record

    def person(self, answers: Sequence[Answer]) -> Answer:
        """The answer for the person of whom all these slices are."""
        return self._classifier.person(answers, self._age, self._sex)

    def __call__(self, chunk: list[Item]) -> list[Result]:
        """One result per item, in order, and one for each damaged file of a series beside its volume."""
        if len(chunk) == 1 and chunk[0].kind not in (IMAGE, PROBLEM):
            return self._volume(chunk[0])
        results = [Result(item.name, error=item.problem) for item in chunk]
        pixels = np.empty((len(chunk), HEIGHT, WIDTH), np.uint8)
        slices: list[int] = []
        heights: list[float] = []
        for index, item in enumerate(chunk):
            if item.kind == PROBLEM:
                continue
            try:
                one = self._reader.read(item)
                pixels[len(slices)] = one.pixels[0]
                if one.problem is None:
                    slices.append(index)
                    heights += one.heights or (math.nan,)
                else:
                    results[index] = Result(item.name, (self._classifier.answer_misfit(one.pixels[0], one.problem),))
            except (UserError, OSError) as error:
                results[index] = _failed(item, error)
        read = pixels[: len(slices)]
        answers = self._classifier.answers(read, heights, self._age, self._sex)
        features = None if self._measure is None else self._measure(read)
        for number, (index, answer) in enumerate(zip(slices, answers, strict=True)):
            own = None if features is None else features[number : number + 1]
            results[index] = Result(chunk[index].name, (answer,), notes=answer.notes, features=own)
        return results

    def _volume(self, item: Item) -> list[Result]:
        try:
            volume = self._reader.read(item)
        except (UserError, OSError) as error:
            return [_failed(item, error)]
        answers = self._classifier.answers(volume.pixels, volume.heights, self._age, self._sex)
        person = self.person(answers) if len(answers) > 1 else None
        copies = () if person is None else person.notes
        notes = (*volume.notes, *(one.sentence for one in volume.left_out if not one.damaged), *copies)
        features = None if self._measure is None else self._measure(volume.pixels)
        answer = Result(item.name, tuple(answers), person, volume.positions, None, notes, (), volume.quality, features)
        return [answer, *(Result(item.name, error=one.sentence) for one in volume.left_out if one.damaged)]


def as_one_person(
    name: str, results: Iterable[Result], person: Callable[[Sequence[Answer]], Answer]
) -> Iterator[Result]:
    """Results of one person's items: what could not be read, then one answer for all the rest together.

    Args:
        name: of the person, such as the path of the folder.
        results: of the items.
        person: from answers for slices to one answer, such as `Answerer.person`.
    """
    answers: list[Answer] = []
    names: list[str] = []
    notes: list[str] = []
    features: list[NDArray[np.float64]] = []
    for result in results:
        if result.error is not None:
            yield result
        answers += result.answers
        features += [] if result.features is None else [result.features]
        notes += [f"{result.name}: {note}" for note in result.notes]
        many = len(result.answers) > 1
        names += [f"{result.name}:{n}" if many else result.name for n in range(1, 1 + len(result.answers))]
    if answers:
        measured = np.concatenate(features) if features else None
        together = person(answers)
        told = (*notes, *together.notes)
        yield Result(name, tuple(answers), together, names=tuple(names), notes=told, features=measured)


def _failed(item: Item, error: Exception) -> Result:
    return Result(item.name, error=sentence(error, item.name))
