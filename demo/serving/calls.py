"""The endpoints `predict` and `predict_batch` in Gradio's simple form, `/call/NAME`, without Gradio's queue.

Gradio's own takes most of the time of a short question: sessions, events and a look for news every 50 ms. Its other ways in,
which the page and `gradio_client` take, stay; all of them wait for the same turns.
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from alzedge.demo.page.api import Ask
from alzedge.demo.serving.upkeep import ANSWER_BYTES, ANSWER_SECONDS

# A client that waits longer is told that somebody is there, and again after as long.
_PATIENCE = 15.0
_EVENTS = "text/event-stream"
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Call:
    """A question, and its answer once it is there.

    Attributes:
        task: gives the last event as it is sent.
        since: when it was answered, by a clock that never goes back; None before.
    """

    task: asyncio.Task[bytes]
    since: float | None = None


class Calls:
    """Questions asked through `/call/NAME`.

    Args:
        ask: endpoints by name.
        most: questions at a time, those that wait included.
    """

    def __init__(self, ask: dict[str, Ask], most: int) -> None:
        self._ask, self._most = ask, most
        self._calls: dict[str, _Call] = {}

    def __len__(self) -> int:
        """Answers that nobody has fetched."""
        return sum(call.since is not None for call in self._calls.values())

    @property
    def routes(self) -> list[Route]:
        """To be added before Gradio's."""
        asked = [f"/gradio_api/call/{name}" for name in self._ask]
        ask = [Route(path + slash, self._asked(path), methods=["POST"]) for path in asked for slash in ("", "/")]
        return [*ask, *(Route(f"{path}/{{event:str}}", self._fetched, methods=["GET"]) for path in asked)]

    def drop(self, now: float, seconds: float = ANSWER_SECONDS, most_bytes: int = ANSWER_BYTES) -> None:
        """Drop answers that have waited too long, and the oldest while all of them are too many bytes.

        Args:
            now: of a clock that never goes back.
            seconds: that an answer may wait.
            most_bytes: of all answers together.
        """
        answered = {event: call for event, call in self._calls.items() if call.since is not None}
        total = sum(len(call.task.result()) for call in answered.values())
        for event, call in sorted(answered.items(), key=lambda item: item[1].since or 0.0):
            if now - (call.since or 0.0) > seconds or total > most_bytes:
                total -= len(call.task.result())
                del self._calls[event]

    def _asked(self, path: str) -> Callable[[Request], Awaitable[Response]]:
        ask = self._ask[path.rpartition("/")[2]]

        async def asked(request: Request) -> Response:
            body = await request.json()
            data = body.get("data") if isinstance(body, dict) else None
            if not isinstance(data, list) or not data:
                return JSONResponse({"detail": "'data' is not a list with the uploaded files"}, 422)
            if sum(call.since is None for call in self._calls.values()) >= self._most:
                return JSONResponse({"detail": "The server is busy; ask again in a minute."}, 503)
            event = secrets.token_hex(16)
            visitor = request.client.host if request.client else ""
            call = self._calls[event] = _Call(asyncio.create_task(_last_event(ask, data, visitor)))
            call.task.add_done_callback(lambda _: self._done(event))
            return JSONResponse({"event_id": event})

        return asked

    def _done(self, event: str) -> None:
        if event in self._calls:
            self._calls[event].since = time.monotonic()

    async def _fetched(self, request: Request) -> Response:
        event = request.path_params["event"]
        call = self._calls.get(event)
        if call is None:
            return PlainTextResponse("Not found", 404)
        await asyncio.wait([call.task], timeout=_PATIENCE)
        if not call.task.done():
            return StreamingResponse(self._with_patience(event, call), media_type=_EVENTS)
        self._calls.pop(event, None)
        return Response(call.task.result(), media_type=_EVENTS)

    async def _with_patience(self, event: str, call: _Call) -> AsyncIterator[bytes]:
        while not call.task.done():
            yield _event("heartbeat", None)
            await asyncio.wait([call.task], timeout=_PATIENCE)
        self._calls.pop(event, None)
        yield call.task.result()


async def _last_event(ask: Ask, data: list[Any], visitor: str) -> bytes:
    """Answer, as the event `complete`, or `error` with its sentence."""
    try:
        return _event("complete", [await ask(data, visitor)])
    except gr.Error as error:
        return _event("error", {"error": error.message, "title": error.title, "visible": True, "duration": None})
    except Exception:  # noqa: BLE001 - a fault of ours: the client must hear something, and the log what
        _log.exception("a question failed")
        return _event("error", {"error": None})


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
