"""Serve the page, so that it can be left open on the internet."""

import asyncio
import contextlib
import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio.routes import App

from alzedge.demo.answering.evidence import find_evidence
from alzedge.demo.answering.limits import LIMITS, Limits
from alzedge.demo.answering.turns import Turns
from alzedge.demo.answering.uploads import Call, call_here
from alzedge.demo.html.comparison import load_teacher
from alzedge.demo.page.api import endpoints
from alzedge.demo.page.labelling import LabelFolder
from alzedge.demo.page.page import build_page, launch_options
from alzedge.demo.rest.answering import Answering
from alzedge.demo.rest.counting import Counting, Watched, find_metrics
from alzedge.demo.rest.door import Door
from alzedge.demo.rest.model import Served
from alzedge.demo.serving.calls import Calls
from alzedge.demo.serving.gate import Gate
from alzedge.demo.serving.log_lines import ShortLines
from alzedge.demo.serving.own_routes import add_own_routes
from alzedge.demo.serving.patience import BACKLOG, PatientProtocol, TimedBodies, most_connections
from alzedge.demo.serving.sessions import keep_lean
from alzedge.demo.serving.storage import Storage
from alzedge.demo.serving.upkeep import Answers, UnreadAnswers, keep_up
from alzedge.demo.serving.uploading import upload_router
from alzedge.demo.serving.workers import working
from alzedge.inference.classifier import Classifier
from alzedge.monitoring.log import AnswerLog, Keep

# Questions waiting for their turn; the next one is told that the server is busy.
QUEUE_SIZE = 200
# Questions answered at a time, each with a process that decodes for it.
PLACES = 3
# Visitors whose answers are kept to be labelled; Gradio's own 10,000 would be gigabytes.
SESSIONS = 200
# Gradio looks for questions a thousand times a second; a hundred are soon enough, and leave an idle server idle.
_IDLE_SECONDS = 0.01
# Past questions of which Gradio keeps times, instead of 10,000.
_EVENTS = 100
# Whoever waits is told the place in the queue this often, not whenever anybody is answered.
_STATUS_SECONDS = 1
# Open pages hold a connection each, which is cut then; after the second time the process ends, whatever it does.
_FAREWELL_SECONDS, _LAST_SECONDS = 1, 1.5


def make_app(
    model: Path | None,
    limits: Limits = LIMITS,
    teacher: Path | None = None,
    labels: Path | None = None,
    call: Call = call_here,
    prepared: bool = True,
    log: Path | None = None,
) -> FastAPI:
    """The web application around a `.tflite` file, or the bundled one.

    Uploads and outputs lie in the folder that the environment's GRADIO_TEMP_DIR names; it should
    hold nothing else. One is made where there is none.

    Args:
        model: the file; None for the bundled student.
        limits: on what one question may ask.
        teacher: an exported teacher, to answer beside it.
        labels: folder in which the operator keeps reviewers' labels.
        call: what decodes uploads.
        prepared: whether volumes are brought into the frame first.
        log: file that every answered upload adds a line of numbers to; see `alzedge.monitoring.log`.

    Raises:
        UserError: the model cannot be loaded, or the log is something else.
    """
    if "GRADIO_TEMP_DIR" not in os.environ:
        os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="alzedge-demo-")
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    classifier, turns = Classifier.load(model), Turns(PLACES, QUEUE_SIZE)
    metrics = find_metrics(classifier.record, turns.__len__)
    if metrics is not None:
        classifier = Watched(classifier, metrics.count_answers)
    evidence, beside = find_evidence(model, classifier), None if teacher is None else load_teacher(teacher)
    kept = None if labels is None else LabelFolder(labels)
    keep = _keep(classifier, log)
    page = build_page(classifier, evidence, beside, kept, limits, call, turns, prepared, keep)
    page.max_threads = QUEUE_SIZE  # of questions at a time in Gradio's eyes; `turns` lets a few of them in
    page.queue(_STATUS_SECONDS, api_open=False, max_size=QUEUE_SIZE)
    page._queue.sleep_when_free = _IDLE_SECONDS
    page._queue.ANALYTICS_MAX_EVENTS = _EVENTS
    page.state_session_capacity = SESSIONS
    # Only then does Gradio check that a file which a question names was uploaded; `launch` would set it.
    page.has_launched = True
    calls = Calls(endpoints(classifier, limits, call, turns, prepared, keep), QUEUE_SIZE)
    answers = (UnreadAnswers(page), calls)
    lifespan = _upkeep(page, answers, folder)
    app = FastAPI(title="AlzEdge", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    add_own_routes(app, classifier, turns, answers)
    storage = Storage(folder, limits)
    app.include_router(upload_router(folder, limits, storage))
    app.router.routes.extend(calls.routes)
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
    keep_lean(next(route.app for route in app.routes if isinstance(getattr(route, "app", None), App)), page)
    app.add_middleware(Gate, folder=folder, limits=limits, storage=storage)
    app.add_middleware(Door, served=Served.of(classifier), answering=Answering(classifier, limits, call, turns, keep))
    app.add_middleware(TimedBodies)
    app.add_middleware(Counting, metrics=metrics)
    return app


def _keep(classifier: Classifier, path: Path | None) -> Keep | None:
    """Keep answers in a log; a full disk costs lines of the log and no answer."""
    if path is None:
        return None
    log = AnswerLog(path, classifier.record["sha256"])

    def keep(*line: Any) -> None:
        try:
            log.keep(*line)
        except OSError as error:
            sys.stderr.write(f"{path}: a line of the log could not be written ({error.strerror})\n")

    return keep


def serve(
    model: Path | None,
    host: str,
    port: int,
    teacher: Path | None = None,
    labels: Path | None = None,
    prepared: bool = True,
    log: Path | None = None,
) -> None:
    """Serve until interrupted or terminated, which ends this process; nothing uploaded is left then."""
    signal.signal(signal.SIGTERM, _end)
    with contextlib.suppress(KeyboardInterrupt), _upload_folder() as folder, working(PLACES, LIMITS.seconds) as workers:
        os.environ["GRADIO_TEMP_DIR"] = str(folder)
        app = make_app(model, teacher=teacher, labels=labels, call=workers, prepared=prepared, log=log)
        workers.start()
        sys.stderr = ShortLines(sys.stderr)
        gc.freeze()  # what is there now stays: hundreds of thousands of objects that no later collection need look at
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http=PatientProtocol,
            ws="none",
            loop="asyncio",
            backlog=BACKLOG,
            limit_concurrency=most_connections(),
            log_level="warning",
            timeout_graceful_shutdown=_FAREWELL_SECONDS,
            server_header=False,
        )
        with contextlib.suppress(SystemExit):
            _Server(config, folder).run()
    sys.stdout.flush()
    os._exit(0)  # the interpreter's own way out, through thousands of modules, takes longer than all before


class _Server(uvicorn.Server):
    """uvicorn's server, which ends in time even when a thread does not.

    Args:
        config: its settings.
        folder: of uploads, deleted at the end.
    """

    def __init__(self, config: uvicorn.Config, folder: Path) -> None:
        super().__init__(config)
        self._folder = folder

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end, and see to it that it comes about."""
        super().handle_exit(sig, frame)
        threading.Thread(target=self._end_for_sure, daemon=True).start()

    def _end_for_sure(self) -> None:
        time.sleep(_LAST_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(0)


@contextlib.contextmanager
def _upload_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="alzedge-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _end(_signal: int, _frame: FrameType | None) -> None:
    """uvicorn raises the signal once more when it has shut down; before it starts, there is nothing to shut down."""
    sys.exit(0)


def _upkeep(page: gr.Blocks, answers: Sequence[Answers], folder: Path) -> Any:
    """A lifespan in which a page is looked after."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(keep_up(page, answers, folder))
        try:
            yield
        finally:
            task.cancel()

    return lifespan
