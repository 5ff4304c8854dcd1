"""Requests counted and timed from outside, and the endpoint `/metrics`."""

import re
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alzedge.demo.rest.metrics import Metrics
from alzedge.inference.answer import Answer
from alzedge.inference.classifier import Classifier
from alzedge.model_file.read_write import Record

PATH = "/metrics"
_TYPE = "text/plain; version=0.0.4"
_ABSENT = (
    "Figures for Prometheus need prometheus-client; run `pip install 'alzedge[mlops]'` and start the server again.\n"
)
# Whatever a path holds, its name is one of these.
_ROUTES = (
    ("tensorflow_serving", re.compile(r"/v1/models/")),
    ("kserve", re.compile(r"/v2(/|$)")),
    ("upload", re.compile(r"/gradio_api/upload$")),
    ("endpoint", re.compile(r"/gradio_api/call/")),
    ("stream", re.compile(r"/gradio_api/(queue/data|heartbeat/|upload_progress)")),
    ("page", re.compile(r"/gradio_api/|/$")),
)
_STREAM, _OTHER = "stream", "other"


def find_metrics(record: Record, waiting: Callable[[], int]) -> Metrics | None:
    """Figures for a server, see `Metrics`; None where prometheus-client is not installed."""
    try:
        return Metrics(record, waiting)
    except ImportError:
        return None


class Watched(Classifier):
    """A classifier whose answers somebody is told of, whoever asked for them.

    Args:
        classifier: a loaded one.
        tell: is called with slices, uint8 (N, 208, 176), and their answers.
    """

    def __init__(self, classifier: Classifier, tell: Callable[[NDArray[np.uint8], Sequence[Answer]], None]) -> None:
        super().__init__(classifier.interpreter, classifier.record, classifier.guard is not None)
        self._tell = tell

    def answers(
        self, images: NDArray[np.uint8], heights: Sequence[float] = (), age: float | None = None, sex: str | None = None
    ) -> list[Answer]:
        """See `Classifier.answers`."""
        answers = super().answers(images, heights, age, sex)
        self._tell(images, answers)
        return answers


class Counting:
    """ASGI middleware, the outermost one.

    Args:
        app: what it stands before.
        metrics: take the figures; None answers `/metrics` with the way to get them.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics | None) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell the figures, or pass on and count."""
        metrics = self._metrics
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] in ("GET", "HEAD"):
            told = PlainTextResponse(_ABSENT, 501)
            if metrics is not None:
                told = PlainTextResponse(metrics.text(), media_type=_TYPE)
            return await told(scope, receive, send)
        if metrics is None or scope["type"] != "http":
            return await self._app(scope, receive, send)
        start, status = time.perf_counter(), 500

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        finally:
            route = route_of(scope["path"])
            metrics.count_request(route, status, None if route == _STREAM else time.perf_counter() - start)


def route_of(path: str) -> str:
    """One of a few names for a path."""
    return next((name for name, pattern in _ROUTES if pattern.match(path)), _OTHER)
