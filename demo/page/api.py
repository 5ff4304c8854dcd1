"""The documented endpoints `predict` and `predict_batch`: the page's answers as JSON, for programs."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from alzedge.demo.answering.uploads import LIMITS, Limits, NotASlice, Upload, discard, read_uploads
from alzedge.errors import UserError
from alzedge.inference.classifier import Answer, Classifier, together
from alzedge.inference.guard import NOT_A_SLICE
from alzedge.inference.writers import entries
from alzedge.stages import DISCLAIMER

_PREDICT = (
    "Answer for one question: a list of one slice (JPEG, PNG), several slices of one person, one NIfTI volume, or "
    "the files of one DICOM series."
)
_BATCH = "Answer for each file by itself: a list of slices, volumes and single DICOM files gives a list of answers."


def add_api(classifier: Classifier, limits: Limits = LIMITS) -> None:
    """Add the endpoints to the `gr.Blocks` that is being built.

    Both take the files that were uploaded, and delete them when they have answered.
    """

    def predict(files: list[gr.FileData]) -> dict[str, Any]:
        with _uploaded(files) as paths:
            return answer(classifier, paths, limits)

    def predict_batch(files: list[gr.FileData]) -> list[dict[str, Any]]:
        with _uploaded(files) as paths:
            return answer_each(classifier, paths, limits)

    gr.api(predict, api_name="predict", api_description=_PREDICT)
    gr.api(predict_batch, api_name="predict_batch", api_description=_BATCH)


def answer(classifier: Classifier, paths: Sequence[Path], limits: Limits = LIMITS) -> dict[str, Any]:
    """What the model says of one slice, or of one person's slices or volume.

    Returns:
        `stage`, `probabilities`, `refused` and `unlikeness` as `alzedge predict --json` tells
        them; `name`, `volume`, the same per slice in `slices`, `labels`, the milliseconds spent
        on reading and on answering, the model's kind and SHA-256, and the disclaimer.

    Raises:
        UserError: not to be read; see `alzedge.demo.answering.uploads`.
    """
    start = time.perf_counter()
    upload: Upload | None = None
    try:
        upload = read_uploads(paths, limits, classifier.guard)
    except NotASlice:
        if len(paths) > 1:
            raise
    read = time.perf_counter()
    answers = [Answer(None, NOT_A_SLICE)] if upload is None else classifier.answers(upload.slices)
    done = time.perf_counter()
    names = (paths[0].name,) if upload is None else upload.names
    return {
        "name": paths[0].name if len(paths) == 1 else f"{len(paths)} files",
        "volume": upload is not None and upload.volume,
        **entries(answers[0] if len(answers) == 1 else together(answers)),
        "slices": [{"name": name, **entries(one)} for name, one in zip(names, answers, strict=True)],
        "labels": list(classifier.labels),
        "latency_ms": {"reading": round(1000 * (read - start), 3), "answering": round(1000 * (done - read), 3)},
        "model": {"kind": classifier.record["kind"], "sha256": classifier.record["sha256"]},
        "disclaimer": DISCLAIMER,
    }


def answer_each(classifier: Classifier, paths: Sequence[Path], limits: Limits = LIMITS) -> list[dict[str, Any]]:
    """Answers for files that have nothing to do with each other; one that cannot be read gives `name` and `error`.

    Raises:
        UserError: nothing, or too much for one question.
    """
    if len(paths) > limits.pictures:
        raise UserError(f"{len(paths)} files at once are too many, {limits.pictures} at most; send several batches.")
    answers: list[dict[str, Any]] = []
    for path in paths:
        try:
            answers.append(answer(classifier, [path], limits))
        except UserError as error:
            answers.append({"name": path.name, "error": str(error)})
    return answers


@contextlib.contextmanager
def _uploaded(files: Any) -> Iterator[list[Path]]:
    """Paths of uploaded files, which are deleted at the end; what is wrong with them becomes the client's error."""
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
