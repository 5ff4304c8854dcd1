"""Serve the page, so that it can be left open on the internet."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI

from alzedge import __version__
from alzedge.demo.answering.evidence import find_evidence
from alzedge.demo.answering.uploads import LIMITS, Limits
from alzedge.demo.html.comparison import load_teacher
from alzedge.demo.page.labelling import LabelFolder
from alzedge.demo.page.page import build_page, launch_options
from alzedge.demo.serving.gate import Gate
from alzedge.inference.classifier import Classifier

# Questions waiting for their turn; the next one is told that the server is busy.
QUEUE_SIZE = 200
# Reading a volume takes seconds and leaves the interpreter alone: a few handlers run at a time.
CONCURRENCY = 4
# Visitors whose slices are kept to be looked at; Gradio's own 10,000 would be gigabytes.
SESSIONS = 200
# Uploads are deleted when they are answered; what was never asked about, and pictures shown, after this time.
KEPT_SECONDS = 600
_SWEEP_SECONDS = 60
# Gradio looks for questions a thousand times a second; a hundred are soon enough, and leave an idle server idle.
_IDLE_SECONDS = 0.01
# Whoever waits is told the place in the queue this often, not whenever anybody is answered.
_STATUS_SECONDS = 1
# Open pages hold a connection each, which is cut then.
_FAREWELL_SECONDS = 2


def make_app(
    model: Path | None, limits: Limits = LIMITS, teacher: Path | None = None, labels: Path | None = None
) -> FastAPI:
    """The web application around a `.tflite` file, or the bundled one.

    Uploads and outputs lie in the folder that the environment's GRADIO_TEMP_DIR names; it should
    hold nothing else. One is made where there is none.

    Args:
        model: the file; None for the bundled student.
        limits: on what one question may ask.
        teacher: an exported teacher, to answer beside it.
        labels: folder in which the operator keeps reviewers' labels.
    """
    if "GRADIO_TEMP_DIR" not in os.environ:
        os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="alzedge-demo-")
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    classifier = Classifier.load(model)
    evidence, beside = find_evidence(model, classifier), None if teacher is None else load_teacher(teacher)
    page = build_page(classifier, evidence, beside, None if labels is None else LabelFolder(labels), limits)
    page.queue(_STATUS_SECONDS, api_open=False, max_size=QUEUE_SIZE, default_concurrency_limit=CONCURRENCY)
    page._queue.sleep_when_free = _IDLE_SECONDS
    page.state_session_capacity = SESSIONS
    # Only then does Gradio check that a file which a question names was uploaded; `launch` would set it.
    page.has_launched = True
    app = FastAPI(title="AlzEdge", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_sweeping(folder))

    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        return {
            "status": "ok",
            "version": __version__,
            "model": classifier.record["sha256"],
            "waiting": len(page._queue),
        }

    # Mounted instead of launched: `launch` asks its own address with a short time-out and
    # gives up on a busy machine.
    options = {"show_error": False, "run_history": False, "ssr_mode": False, "mcp_server": False, "pwa": False}
    app = gr.mount_gradio_app(
        app,
        page,
        path="",
        max_file_size=limits.file_bytes,
        enable_monitoring=False,
        footer_links=["api"],
        **options,
        **launch_options(),
    )
    app.add_middleware(Gate, folder=folder, limits=limits)
    return app


def serve(model: Path | None, host: str, port: int, teacher: Path | None = None, labels: Path | None = None) -> None:
    """Serve until interrupted or terminated, which is how it is meant to end; nothing uploaded is left then."""
    signal.signal(signal.SIGTERM, _end)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="alzedge-demo-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        uvicorn.run(
            make_app(model, teacher=teacher, labels=labels),
            host=host,
            port=port,
            log_level="warning",
            timeout_graceful_shutdown=_FAREWELL_SECONDS,
            server_header=False,
        )


def _end(_signal: int, _frame: FrameType | None) -> None:
    """uvicorn raises the signal once more when it has shut down; before it starts, there is nothing to shut down."""
    sys.exit(0)


def _sweeping(folder: Path) -> Any:
    """A lifespan in which old files are deleted, whoever left them."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_sweep_often(folder))
        try:
            yield
        finally:
            task.cancel()

    return lifespan


async def _sweep_often(folder: Path) -> None:
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        await asyncio.to_thread(sweep, folder, KEPT_SECONDS)


def sweep(folder: Path, seconds: float) -> None:
    """Delete files below a folder that have not been written to for so many seconds, and folders as long empty."""
    before = time.time() - seconds
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(place, name)
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_mtime < before:
                    path.unlink()
        with contextlib.suppress(OSError):  # not empty, or gone
            if Path(place) != folder and Path(place).stat().st_mtime < before:
                Path(place).rmdir()
