"""Answer for chunks of items: read, decode, ask the model.

An `Answerer` lives where an interpreter is; `alzedge.inference.predict` deals the chunks out.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from alzedge.errors import UserError
from alzedge.imaging.file_types import IMAGE, open_file
from alzedge.imaging.slices import HEIGHT, WIDTH, fit_slice, read_bytes
from alzedge.inference.classifier import Answer, Classifier, together
from alzedge.inference.inputs import PROBLEM, Item, sentence
from alzedge.model_file.record import Record
from alzedge.utils.archives import MAX_BYTES, FileTree, open_tree

# An entry of an archive is unpacked in memory: one volume at most.
_LARGEST_ENTRY = 2**30


@dataclass(frozen=True)
class Workload:
    """How to answer.

    Attributes:
        model: a file made by `alzedge export`; None is the bundled one.
        threads: of each interpreter.
        guarded: whether the model's guard is asked first.
        jobs: processes with an interpreter each; 1 is this process.
        on_ray: whether these are actors of Ray.
    """

    model: Path | None = None
    threads: int = 1
    guarded: bool = True
    jobs: int = 1
    on_ray: bool = False


@dataclass(frozen=True)
class Result:
    """What came of one item.

    Attributes:
        name: the item's.
        answers: one per slice; none when the item could not be read.
        person: of a volume, the answer for all its slices together.
        positions: of a volume, the height of each slice in mm.
        error: the sentence why the item could not be read.
    """

    name: str
    answers: tuple[Answer, ...] = ()
    person: Answer | None = None
    positions: tuple[float, ...] = ()
    error: str | None = None


@cache
def answerer(workload: Workload) -> "Answerer":
    """The one `Answerer` of this process for a workload: the model is loaded once."""
    return Answerer(Classifier.load(workload.model, workload.threads, workload.guarded))


class Answerer:
    """Reads chunks of items and answers for them.

    Args:
        classifier: of this process.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._archive: FileTree | None = None

    @property
    def record(self) -> Record:
        """What the model file says about itself."""
        return self._classifier.record

    def __call__(self, chunk: list[Item]) -> list[Result]:
        """One result per item, in order."""
        if len(chunk) == 1 and chunk[0].kind not in (IMAGE, PROBLEM):
            return [self._volume(chunk[0])]
        results = [Result(item.name, error=item.problem) for item in chunk]
        pixels = np.empty((len(chunk), HEIGHT, WIDTH), np.uint8)
        readable: list[tuple[int, str | None]] = []
        for index, item in enumerate(chunk):
            if item.kind == IMAGE:
                try:
                    pixels[len(readable)], problem = fit_slice(self._bytes(item), item.name)
                    readable.append((index, problem))
                except (UserError, OSError) as error:
                    results[index] = _failed(item, error)
        answers = self._classifier.answers(pixels[: len(readable)])
        for (index, problem), answer in zip(readable, answers, strict=True):
            # What the guard refuses is no slice, whatever its size; anything else must have a slice's.
            wrong = problem if answer.refused is None else None
            results[index] = Result(chunk[index].name, () if wrong else (answer,), error=wrong)
        return results

    def _volume(self, item: Item) -> Result:
        from alzedge.imaging.volumes import volume_of

        try:
            volume = volume_of(
                item.kind, [(self._called(item, file), self._opener(item, file)) for file in item.files], item.name
            )
        except (UserError, OSError) as error:
            return _failed(item, error)
        except MemoryError:
            return Result(item.name, error=f"{item.name}: not enough memory for it; resample it to 1 mm.")
        answers = self._classifier.answers(volume.slices)
        person = together(answers) if len(answers) > 1 else None
        return Result(item.name, tuple(answers), person, tuple(volume.positions.tolist()))

    def _bytes(self, item: Item) -> bytes:
        (file,) = item.files
        return self._entry(item, file, MAX_BYTES) if item.archive else read_bytes(Path(file))

    def _called(self, item: Item, file: str) -> str:
        return f"{item.archive}/{file}" if item.archive else file

    def _opener(self, item: Item, file: str) -> Callable[[], BinaryIO]:
        if item.archive is None:
            return partial(open_file, file)
        return lambda: io.BytesIO(self._entry(item, file, _LARGEST_ENTRY))

    def _entry(self, item: Item, file: str, limit: int) -> bytes:
        source = Path(item.archive or "")
        if self._archive is None or self._archive.source != source:
            self._archive = open_tree(source)  # the last one stays open: its table of contents may be long
        return self._archive.read(file, limit)


def _failed(item: Item, error: Exception) -> Result:
    return Result(item.name, error=sentence(error, item.name))
