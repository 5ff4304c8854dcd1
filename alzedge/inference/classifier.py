"""Run an exported student with numpy, Pillow and a LiteRT interpreter alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.imaging.slices import fit_slice
from alzedge.inference.answer import Answer, Prediction, of_each, together
from alzedge.inference.guard import NOT_A_SLICE, Guard, unlikeness_of_misfit
from alzedge.inference.hub import fetch_model, is_repository
from alzedge.inference.interpreters import Interpreter
from alzedge.inference.measures.demographics import Coding
from alzedge.inference.measures.operating_point import OperatingPoint
from alzedge.inference.measures.person import check_person
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.rule import Measures
from alzedge.inference.measures.single import SingleSlices
from alzedge.inference.sandbox import load_interpreter
from alzedge.inference.sources import Source, read_source
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import Record
from alzedge.model_file.registry.location import is_registered
from alzedge.model_file.registry.versions import fetch_registered
from alzedge.preparation.frame import levels_of
from alzedge.preparation.upright import TURNED, WayUp, cure_for, turned_upright, way_of_landscape, way_up

_Pixels = NDArray[np.uint8]
_Heights = NDArray[np.float64]


def find_model(name: Path | str | None) -> Path:
    """The model file that is meant: a path, 'models:/NAME@ALIAS' of a registry, a Hub's 'owner/name', None for the bundled one.

    Raises:
        UserError: a repository or a registry that cannot be read.
    """
    if name is None:
        return bundled_model()
    fetch = fetch_registered if is_registered(name) else fetch_model if is_repository(name) else Path
    return fetch(str(name))


class Classifier:
    """An exported student, ready to answer.

    Attributes:
        record: what the file says about itself; see `alzedge.model_file.read_write`.
        preprocessing: read from the file, the same code as in training.
        guard: read from the file; None where it carries none or was not wanted.
        operating_point: threshold for any dementia, sensitivity and specificity; None where the file carries none.
        measures: rule from slices to a person, intervals and normative curve; None where the file carries none.
        demographics: coding of age and sex, which the stages then depend on; None for a file of the image alone.
        interpreter: of the file.
    """

    def __init__(self, interpreter: Interpreter, record: Record, guarded: bool = True) -> None:
        self.record = record
        self.preprocessing = Preprocessing.from_dict(record["preprocessing"])
        self.guard = Guard.from_dict(record["guard"]) if guarded and record.get("guard") else None
        self.operating_point = OperatingPoint.read(record)
        self.measures = Measures.read(record)
        self.demographics = Coding.read(record)
        self._single = None if self.measures is None else SingleSlices(self.measures)
        self.interpreter = interpreter

    @classmethod
    def load(cls, path: Path | str | None = None, threads: int = 1, guarded: bool = True) -> "Classifier":
        """Load a `.tflite` or `.onnx` file made by `alzedge export`, or the bundled one.

        Args:
            path: the file, 'models:/alzedge@champion' of a registry, a Hub repository as 'owner/name', or None.
            threads: of the interpreter.
            guarded: whether the guard is asked first; without it any picture of the right size gets an answer.

        Raises:
            UserError: no such file or repository, not ours, damaged, of no use to the runtime, or there is no runtime.
        """
        chosen = find_model(path)
        return cls(*load_interpreter(chosen, threads, trusted=chosen.parent == bundled_model().parent), guarded)

    @classmethod
    def from_pretrained(
        cls, repository: str, revision: str | None = None, threads: int = 1, guarded: bool = True
    ) -> "Classifier":
        """Load the student of a repository on the Hugging Face Hub (`pip install 'alzedge[hub]'`).

        It is downloaded once and kept in the Hub's own cache; private repositories need `hf auth login`.

        Args:
            repository: 'owner/name', as `alzedge push` filled it.
            revision: branch, tag or commit (the same file for ever); the newest of the main branch where None.
            threads, guarded: see `load`.

        Raises:
            UserError: no such repository, revision or model in it, no access, no network; or as `load`.
        """
        return cls.load(fetch_model(repository, revision=revision), threads, guarded)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return tuple(self.record["labels"])

    @property
    def threshold(self) -> float | None:
        """The file's operating threshold on the score for any dementia; None where it carries none."""
        return None if self.operating_point is None else self.operating_point.threshold

    def __repr__(self) -> str:
        """Kind, hash, threshold and guard, on one line."""
        point = "no threshold" if self.threshold is None else f"threshold {self.threshold:.3f}"
        guard = "no guard" if self.guard is None else "guarded"
        return f"<Classifier {self.record['kind']} {self.record['sha256'][:12]}, {point}, {guard}>"

    @property
    def levels(self) -> tuple[float, ...]:
        """Heights z in mm in the frame at which volumes are cut; see `alzedge.preparation.frame.levels_of`."""
        return levels_of(self.record)

    def predict(
        self, source: Source, prepare: bool = True, age: float | None = None, sex: str | None = None
    ) -> Prediction:
        """Answer for one slice, several, or a volume, all of one person.

        Args:
            source: path of a slice (JPEG, PNG), volume (NIfTI, Analyze, DICOM), archive or folder of these; content of a
                JPEG or PNG file; a Pillow image; uint8 pixels (208, 176) or (N, 208, 176); or a list of these.
            prepare: whether volumes are brought into the frame first (`pip install 'alzedge[prepare]'`), about 10 s; if
                not, they are cut as they lie. One that lies in the frame already costs nothing either way.
            age: years of the person, for the percentile, and for the stages where the file weighs age and sex; not stored.
            sex: 'F' or 'M', for the same.

        Raises:
            UserError: something in it cannot be read or brought into the frame, pixels are of another shape or type,
                there is nothing, or an age or sex cannot be.
        """
        check_person(age, sex)
        answers: list[Answer] = []
        notes: list[str] = []
        heights: list[float | None] = []
        for one in read_source(source, self.levels if prepare else None):
            notes += one.notes
            heights.extend(one.heights or [None] * len(one.pixels))
            if one.problem is None:
                answers += self.answers(one.pixels, one.heights, age, sex)
            else:
                answers.append(self.answer_misfit(one.pixels[0], one.problem))
        if not answers:
            raise UserError("Nothing was given to answer for; give at least one slice.")
        return Prediction(tuple(answers), self.person(answers, age, sex), tuple(notes), tuple(heights))

    def person(self, answers: Sequence[Answer], age: float | None = None, sex: str | None = None) -> Answer:
        """Answer for a person, from `answers` for slices of theirs by this file; see `predict` for the others."""
        return together(answers, self.measures, age, sex)

    def answer_image(self, data: bytes, name: str, age: float | None = None, sex: str | None = None) -> Answer:
        """Answer for the content of a picture file; one of another size or colour mode is only shown to the guard.

        Raises:
            UserError: not an image, or one that may be a slice but has not its size or mode.
        """
        pixels, problem = fit_slice(data, name)
        return self.answers(pixels[None], (), age, sex)[0] if problem is None else self.answer_misfit(pixels, problem)

    def answer_misfit(self, pixels: _Pixels, problem: str) -> Answer:
        """The refusal of a picture of another size or mode, or its `problem` as an error.

        See `alzedge.inference.guard.unlikeness_of_misfit` for the arguments and the decision.
        """
        unlikeness = unlikeness_of_misfit(self.guard, pixels, problem)
        return Answer(None, NOT_A_SLICE + cure_for(way_of_landscape(pixels)), unlikeness, self.threshold)

    def answers(
        self, images: _Pixels, heights: Sequence[float] = (), age: float | None = None, sex: str | None = None
    ) -> list[Answer]:
        """Answers for slices; those the guard refuses are not shown to the network.

        A slice that the guard takes only when it is turned, as it has anterior at the top, is turned, and its answer
        notes it (`alzedge.preparation.upright.TURNED`). One that lies on its side is refused with the cure.

        Args:
            images: uint8 (N, 208, 176).
            heights: N heights z in mm in the frame, NaN where unknown; nothing where all are.
            age, sex: see `predict`.
        """
        known = np.asarray(heights, np.float64) if len(heights) else np.full(len(images), np.nan)
        answers = self._as_they_lie(images, known, age, sex)
        ways = {row: way_up(images[row]) for row, answer in enumerate(answers) if answer.refused is not None}
        if not ways:
            return answers
        down = [row for row, way in ways.items() if way is WayUp.ANTERIOR]
        turned = self._as_they_lie(turned_upright(images[down]), known[down], age, sex)
        for row, again in zip(down, turned, strict=True):
            if again.refused is None:
                answers[row] = replace(again, notes=(*again.notes, TURNED))
        for row in ways.keys() - down:
            answers[row] = replace(answers[row], refused=NOT_A_SLICE + cure_for(ways[row]))
        return answers

    def _as_they_lie(self, images: _Pixels, heights: _Heights, age: float | None, sex: str | None) -> list[Answer]:
        unlikeness = [None] * len(images) if self.guard is None else self.guard.unlikeness(images).tolist()
        accepted = [row for row, value in enumerate(unlikeness) if value is None or value <= 1]
        answers = [Answer(None, NOT_A_SLICE, value, self.threshold) for value in unlikeness]
        shown = images if len(accepted) == len(images) else images[accepted]
        readings = Readings.of(self._outputs(shown, age, sex), heights[accepted])
        strange = [unlikeness[row] for row in accepted]
        digests = [hashlib.sha256(pixels.tobytes()).digest() for pixels in shown]
        given = of_each(readings, self._single, strange, digests, self.threshold, age, sex)
        for row, answer in zip(accepted, given, strict=True):
            answers[row] = answer
        return answers

    def _outputs(self, images: _Pixels, age: float | None, sex: str | None) -> dict[str, NDArray[np.float32]]:
        told = [self.demographics.of_one(age, sex, len(images))] if self.demographics else []
        return self.interpreter(self.preprocessing(images), *told)

    def probabilities(self, images: _Pixels, age: float | None = None, sex: str | None = None) -> NDArray[np.float32]:
        """The network's own probabilities (N, 4) for slices, uint8 (N, 208, 176), unguarded; the rest as in `predict`."""
        return self._outputs(images, age, sex)["probabilities"]

    def heat_maps(self, images: _Pixels, age: float | None = None, sex: str | None = None) -> NDArray[np.float32]:
        """Evidence for each stage by place, of a file exported with a heat map; age and sex as in `predict`.

        Takes uint8 (N, 208, 176), returns float32 (N, h, w, 4): above 0 speaks for the stage, below 0 against it.

        Raises:
            UserError: the file gives no heat map.
        """
        found = self._outputs(images, age, sex).get("heat_map")
        if found is None:
            raise UserError("The model file gives no heat map; use one made by `alzedge export --heat-map`.")
        return found
