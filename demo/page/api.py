"""The documented endpoints `predict` and `predict_batch`: the page's answers as JSON, for programs."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from alzedge.demo.answering.limits import LIMITS, Limits
from alzedge.demo.answering.told import NOTHING_TOLD, Told, read_told
from alzedge.demo.answering.turns import Turns
from alzedge.demo.answering.uploads import Call, call_here, discard
from alzedge.demo.page.asking import Json, as_json, ask_model
from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier
from alzedge.monitoring.log import Keep

_PREDICT = (
    "Answer for one question: a list of one slice (JPEG, PNG), several slices of one person, one NIfTI volume, or "
    "the files of one DICOM series. Optional: the person's age in years and sex, 'F' or 'M', for the percentile of the "
    "brain volume, and for score and stages of a model that weighs them; neither is kept."
)
_BATCH = "Answer for each file by itself: a list of slices, volumes and single DICOM files gives a list of answers."


# Answers for the list of values that a program sent, files first, and for a visitor's address.
Ask = Callable[[list[Any], str], Awaitable[Any]]


def endpoints(
    classifier: Classifier, limits: Limits, call: Call, turns: Turns, prepared: bool = True, keep: Keep | None = None
) -> dict[str, Ask]:
    """The endpoints by name; both take the files that were uploaded, and delete them when they have answered.

    They raise `gr.Error` with the sentence that tells why there is no answer.

    Args:
        classifier: answers.
        limits: on what is uploaded.
        call: what decodes uploads.
        turns: give visitors their turns.
        prepared: whether volumes are brought into the frame first.
        keep: takes each question's slices and answers for a log; None without one.
    """

    async def respond(files: Any, visitor: str, question: Callable[[list[Path]], Any]) -> Any:
        with _uploaded(files) as paths:
            async with turns.turn(visitor):
                return await asyncio.to_thread(question, paths)

    async def predict(data: list[Any], visitor: str) -> Json:
        files, age, sex = [*data, None, None][:3]

        def question(paths: list[Path]) -> Json:
            return answer(classifier, paths, limits, call, prepared, read_told(age, sex), keep)

        answered: Json = await respond(files, visitor, question)
        return answered

    async def predict_batch(data: list[Any], visitor: str) -> list[Json]:

        def question(paths: list[Path]) -> list[Json]:
            return answer_each(classifier, paths, limits, call, prepared, keep)

        answered: list[Json] = await respond(data[0], visitor, question)
        return answered

    return {"predict": predict, "predict_batch": predict_batch}


def add_api(asked: dict[str, Ask]) -> None:
    """Add `endpoints` to the `gr.Blocks` that is being built."""

    async def predict(
        files: list[gr.FileData], request: gr.Request, age: float | None = None, sex: str | None = None
    ) -> Json:
        answered: Json = await asked["predict"]([files, age, sex], _visitor_of(request))
        return answered

    async def predict_batch(files: list[gr.FileData], request: gr.Request) -> list[Json]:
        answered: list[Json] = await asked["predict_batch"]([files], _visitor_of(request))
        return answered

    gr.api(predict, api_name="predict", api_description=_PREDICT, concurrency_limit=None)
    gr.api(predict_batch, api_name="predict_batch", api_description=_BATCH, concurrency_limit=None)


def _visitor_of(request: gr.Request) -> str:
    return str(request.client.host) if request.client else ""


def answer(
    classifier: Classifier,
    paths: Sequence[Path],
    limits: Limits = LIMITS,
    call: Call = call_here,
    prepared: bool = True,
    told: Told = NOTHING_TOLD,
    keep: Keep | None = None,
) -> Json:
    """Answer for one slice, or for one person's slices or volume.

    Returns:
        `any_dementia` with the score, the file's operating threshold and which side of it the score lies on;
        `brain_volume`, `apparent_age`, `stage`, `probabilities`, `stage_set`, `refused` and `unlikeness` as
        `alzedge predict --json` tells them; `name`, `volume`, the same per slice in `slices`, `notes` and `quality` of a
        scan's registration, files that could not be read in `unread`, `labels`, the milliseconds spent on reading and
        on answering, the model's kind and SHA-256, and the disclaimer.

    Raises:
        UserError: not to be read; see `alzedge.demo.answering.uploads`.
    """
    return as_json(classifier, ask_model(classifier, paths, limits, call, prepared, told, keep))


def answer_each(
    classifier: Classifier,
    paths: Sequence[Path],
    limits: Limits = LIMITS,
    call: Call = call_here,
    prepared: bool = True,
    keep: Keep | None = None,
) -> list[Json]:
    """Answer for files that have nothing to do with each other; one that cannot be read gives `name` and `error`.

    Raises:
        UserError: nothing, or too much for one question.
    """
    if len(paths) > limits.pictures:
        raise UserError(f"{len(paths)} files at once are too many, {limits.pictures} at most; send several batches.")
    answers: list[Json] = []
    for path in paths:
        try:
            answers.append(answer(classifier, [path], limits, call, prepared, keep=keep))
        except UserError as error:
            answers.append({"name": path.name, "error": str(error)})
    return answers


@contextlib.contextmanager
def _uploaded(files: Any) -> Iterator[list[Path]]:
    """Paths of uploaded files, which are deleted at the end; their faults become the client's error."""
    paths = _paths(files)
    try:
        yield paths
    except UserError as error:
        raise gr.Error(str(error), print_exception=False) from error
    finally:
        discard(paths)


def _paths(files: Any) -> list[Path]:
    """Paths of files that were uploaded to this server; nobody else's file is opened.

    Raises:
        gr.Error: anything else.
    """
    if not isinstance(files, list) or not files:
        raise gr.Error("Expected a list of uploaded files.", print_exception=False)
    folder = os.path.realpath(os.environ["GRADIO_TEMP_DIR"])
    return [_path(file, folder) for file in files]


def _path(file: Any, folder: str) -> Path:
    path = file.get("path") if isinstance(file, dict) else getattr(file, "path", None)
    if isinstance(path, str) and "\0" not in path:
        real = os.path.realpath(path)
        if real.startswith(folder + os.sep) and Path(real).is_file():
            return Path(real)
    raise gr.Error(
        "Not a file that was uploaded here, or it was answered before; upload it again.", print_exception=False
    )
