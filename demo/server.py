"""Serve the page."""

import contextlib
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI

from alzedge.demo.comparison import load_teacher
from alzedge.demo.heat import find_evidence
from alzedge.demo.labelling import LabelFolder
from alzedge.demo.page import build_page, launch_options
from alzedge.runtime import Classifier


def make_app(model: Path | None, teacher: Path | None = None, labels: Path | None = None) -> FastAPI:
    """The web application around a `.tflite` file, or the bundled one.

    Args:
        model: the file; None for the bundled student.
        teacher: an exported teacher, to answer beside it.
        labels: folder in which the operator keeps reviewers' labels.
    """
    classifier = Classifier.load(model)
    page = build_page(
        classifier,
        find_evidence(model, classifier),
        None if teacher is None else load_teacher(teacher),
        None if labels is None else LabelFolder(labels),
    )
    # Mounted instead of launched: `launch` asks its own address with a short time-out and
    # gives up on a busy machine.
    return gr.mount_gradio_app(FastAPI(title="AlzEdge"), page, path="", **launch_options())


def serve(model: Path | None, host: str, port: int, teacher: Path | None = None, labels: Path | None = None) -> None:
    """Serve until interrupted, which is how it is meant to end."""
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.run(make_app(model, teacher, labels), host=host, port=port, log_level="warning")
