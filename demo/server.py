"""Serve the page."""

import contextlib
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI

from alzedge.demo.page import build_page, launch_options
from alzedge.runtime import Classifier


def make_app(model: Path | None) -> FastAPI:
    """The web application around a `.tflite` file, or the bundled one."""
    page = build_page(Classifier.load(model))
    # Mounted instead of launched: `launch` asks its own address with a short time-out and
    # gives up on a busy machine.
    return gr.mount_gradio_app(FastAPI(title="AlzEdge"), page, path="", **launch_options())


def serve(model: Path | None, host: str, port: int) -> None:
    """Serve until interrupted, which is how it is meant to end."""
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.run(make_app(model), host=host, port=port, log_level="warning")
