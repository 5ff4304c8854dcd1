"""Run an exported student with numpy, Pillow and a LiteRT interpreter alone."""

from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.imaging.slices import HEIGHT, WIDTH, fit_slice, read_bytes
from alzedge.inference.guard import NOT_A_SLICE, Guard
from alzedge.inference.hub import fetch_model, is_repository
from alzedge.inference.interpreters import Network
from alzedge.inference.sandbox import load_network
from alzedge.model_file.read_write import Record

_Pixels = NDArray[np.uint8]


def bundled_model() -> Path:
    """Path of the int8 student that comes with the package."""
    return _bundled("student_int8.tflite")


def bundled_heat_map_model() -> Path:
    """Path of its companion, which gives the same probabilities and a heat map."""
    return _bundled("student_int8_heatmap.tflite")


def find_model(name: Path | str | None) -> Path:
    """The model file that is meant: a path, a Hub repository as 'owner/name', or None for the bundled one.

    Raises:
        UserError: a repository that cannot be read.
    """
    if name is None:
        return bundled_model()
    return fetch_model(str(name)) if is_repository(name) else Path(name)


def _bundled(name: str) -> Path:
    path = Path(str(resources.files("alzedge.inference").joinpath("bundled", name)))
    if not path.is_file():
        raise UserError(
            f"{path}: the bundled model is missing from this installation; reinstall alzedge or give --model."
        )
    return path


@dataclass(frozen=True)
class Answer:
    """What the model says of one slice, or of one person.

    Attributes:
        probabilities: of the stages, by name; None when refused.
        refused: the sentence why there is no answer; None when there is one.
        unlikeness: the guard's distance as a multiple of its threshold, above 1 is refused;
            None when the file carries no guard, and for a person.
    """

    probabilities: dict[str, float] | None
    refused: str | None = None
    unlikeness: float | None = None

    @cached_property
    def stage(self) -> str | None:
        """The most probable stage; None when refused."""
        return max(self.probabilities, key=self.probabilities.__getitem__) if self.probabilities else None


@dataclass(frozen=True)
class Prediction:
    """Answers to one question.

    Attributes:
        slices: one per slice, in order.
        person: of all slices together, the mean over those not refused.
    """

    slices: tuple[Answer, ...]
    person: Answer


class Classifier:
    """An exported student, ready to answer.

    Attributes:
        record: what the file says about itself; see `alzedge.model_file.read_write`.
        preprocessing: read from the file, the same code as in training.
        guard: read from the file; None where it carries none or was not wanted.
        network: the interpreter.
    """

    def __init__(self, network: Network, record: Record, guarded: bool = True) -> None:
        self.record = record
        self.preprocessing = Preprocessing.from_dict(record["preprocessing"])
        self.guard = Guard.from_dict(record["guard"]) if guarded and record.get("guard") else None
        self.network = network

    @classmethod
    def load(cls, path: Path | str | None = None, threads: int = 1, guarded: bool = True) -> "Classifier":
        """Load a `.tflite` or `.onnx` file made by `alzedge export`, or the bundled one.

        Args:
            path: the file, a Hub repository as 'owner/name', or None.
            threads: of the interpreter.
            guarded: whether the file's guard is asked before the network. Without it any
                picture of the right size gets four probabilities.

        Raises:
            UserError: no such file or repository, not ours, damaged, of no use to the runtime, or no runtime is
                installed.
        """
        chosen = find_model(path)
        return cls(*load_network(chosen, threads, trusted=chosen.parent == bundled_model().parent), guarded)

    @classmethod
    def from_pretrained(
        cls, repository: str, revision: str | None = None, threads: int = 1, guarded: bool = True
    ) -> "Classifier":
        """Load the student of a repository on the Hugging Face Hub (`pip install 'alzedge[hub]'`).

        It is downloaded once and kept in the Hub's own cache; private repositories need `hf auth login`.

        Args:
            repository: 'owner/name', as `alzedge push` filled it.
            revision: branch, tag or commit; the newest of the main branch where None. Name a commit to get the same
                file for ever.
            threads, guarded: see `load`.

        Raises:
            UserError: no such repository, revision or model in it, no access, no network; or as `load`.
        """
        return cls.load(fetch_model(repository, revision=revision), threads, guarded)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return tuple(self.record["labels"])

    def predict(self, source: "str | Path | _Pixels") -> Prediction:
        """Answer for one slice, several, or a volume, all of one person.

        Args:
            source: path of a JPEG or PNG slice, of a NIfTI volume, or of a DICOM file or
                series; or uint8 pixels (208, 176) or (N, 208, 176).

        Raises:
            UserError: a file that cannot be read, or pixels of another shape or type.
        """
        if isinstance(source, str | Path):
            return self._predict_file(Path(source))
        if source.dtype != np.uint8 or source.shape[-2:] != (HEIGHT, WIDTH) or source.ndim not in (2, 3):
            raise UserError(
                f"Expected uint8 slices of shape ({HEIGHT}, {WIDTH}) or (N, {HEIGHT}, {WIDTH}), got {source.dtype} "
                f"{source.shape}."
            )
        answers = self.answers(source.reshape(-1, HEIGHT, WIDTH))
        return Prediction(tuple(answers), together(answers))

    def _predict_file(self, path: Path) -> Prediction:
        from alzedge.imaging.volumes import is_volume, read_volume

        if is_volume(path):
            return self.predict(read_volume(path).slices)
        answer = self.answer_image(read_bytes(path), str(path))
        return Prediction((answer,), together([answer]))

    def answer_image(self, data: bytes, name: str) -> Answer:
        """Answer for the content of a JPEG or PNG file.

        A picture of another size or colour mode is only shown to the guard.

        Raises:
            UserError: not an image, or one that may be a slice but has not its size or mode.
        """
        pixels, problem = fit_slice(data, name)
        if problem is None:
            return self.answers(pixels[None])[0]
        unlikeness = self._unlikeness(pixels[None])[0]
        if unlikeness is None or unlikeness <= 1:
            raise UserError(problem)
        return Answer(None, NOT_A_SLICE, unlikeness)

    def answers(self, images: _Pixels) -> list[Answer]:
        """Answers for slices, uint8 (N, 208, 176); those the guard refuses are not shown to the network."""
        unlikeness = self._unlikeness(images)
        accepted = [row for row, value in enumerate(unlikeness) if value is None or value <= 1]
        answers = [Answer(None, NOT_A_SLICE, value) for value in unlikeness]
        shown = images if len(accepted) == len(images) else images[accepted]
        for row, probabilities in zip(accepted, self.probabilities(shown).tolist(), strict=True):
            answers[row] = Answer(dict(zip(self.labels, probabilities, strict=True)), None, unlikeness[row])
        return answers

    def _unlikeness(self, images: _Pixels) -> list[float] | list[None]:
        return [None] * len(images) if self.guard is None else self.guard.unlikeness(images).tolist()

    def probabilities(self, images: _Pixels) -> NDArray[np.float32]:
        """Probabilities of the stages, whatever the guard thinks of the slices.

        Args:
            images: uint8 (N, 208, 176), as `alzedge.imaging.slices.read_slice` returns them.

        Returns:
            float32 (N, 4), rows sum to 1.
        """
        return self.network(self.preprocessing(images))["probabilities"]

    def heat_maps(self, images: _Pixels) -> NDArray[np.float32]:
        """Evidence for each stage by place; needs a file exported with a heat map.

        Args:
            images: uint8 (N, 208, 176).

        Returns:
            float32 (N, h, w, 4) on a grid coarser than the image; above 0 speaks for the
            stage, below 0 against it.

        Raises:
            UserError: the file gives no heat map.
        """
        found = self.network(self.preprocessing(images))
        if "heat_map" not in found:
            raise UserError("The model file gives no heat map; use one made by `alzedge export --heat-map`.")
        return found["heat_map"]


def together(answers: list[Answer]) -> Answer:
    """The answer for a person: the mean over the slices that were not refused."""
    given = [answer.probabilities for answer in answers if answer.probabilities is not None]
    if not given:
        return Answer(None, "no slice looks like an axial brain MRI slice as the model knows them")
    return Answer({stage: float(np.mean([one[stage] for one in given])) for stage in given[0]})
