"""Connections that keep nobody else waiting: how many, and how long each may take to say what it wants.

uvicorn waits for a request's first line as long as the client likes. A few hundred silent clients then take every
connection there is ("slowloris").
"""

import asyncio
import contextlib
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

# For the whole head of a request, from when the connection is open or the answer before has been sent.
HEADER_SECONDS = 10.0
# For a body: so many seconds, and more as it arrives at this rate.
BODY_SECONDS, BYTES_PER_SECOND = 20.0, 4096
# Files, pipes to workers and the listening socket, beside connections.
_OTHER_DESCRIPTORS = 96
_MOST_CONNECTIONS = 1000
# Accepted at once, before the first of them can be closed again.
BACKLOG = 64


def most_connections() -> int:
    """Connections that may be open at a time: what descriptors allow, after asking for as many as there may be."""
    try:
        import resource
    except ImportError:  # Windows
        return _MOST_CONNECTIONS // 4
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_CONNECTIONS + BACKLOG + _OTHER_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    free = wanted if soft == resource.RLIM_INFINITY else soft
    return max(16, min(_MOST_CONNECTIONS, free - BACKLOG - _OTHER_DESCRIPTORS))


class PatientProtocol(H11Protocol):
    """uvicorn's protocol, with a limit on connections (`Config.limit_concurrency`) and on the time for a head."""

    _waiting_for_head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Close the connection at once where there are too many, else wait for a head."""
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            transport.abort()
            return
        self._waiting_for_head = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def handle_events(self) -> None:
        """Take what has arrived; a request whose head is complete has been in time."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before and self._waiting_for_head is not None:
            self._waiting_for_head.cancel()
            self._waiting_for_head = None

    def data_received(self, data: bytes) -> None:
        """Start the clock anew for the next request on a connection that is kept open."""
        idle = self.cycle is not None and self.cycle.response_complete
        if idle and self._waiting_for_head is None:
            self._waiting_for_head = self.loop.call_later(HEADER_SECONDS, self._give_up)
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        if self._waiting_for_head is not None:
            self._waiting_for_head.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        self._waiting_for_head = None
        if not self.transport.is_closing():
            self.transport.abort()


class TimedBodies:
    """ASGI middleware: a body that arrives too slowly is refused, and its connection closed; one cut off is forgotten."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with a clock beside the body."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            return await self._app(scope, receive, send)
        clock, started = _Clock(receive), False

        async def send_on(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, clock.receive, send_on)
        except ClientDisconnect:  # nobody is there to be told, and it is no failure of ours
            return
        except TooSlow:
            if not started:
                headers = {"connection": "close"}
                await PlainTextResponse("Too slow", 408, headers=headers)(scope, receive, send)


class TooSlow(Exception):
    """A body arrives too slowly."""


class _Clock:
    """A body's deadline, which moves on with what has arrived."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        self._over = False

    async def receive(self) -> Message:
        """The next part of the body; once it is whole, whatever comes, for as long as it takes."""
        if self._over:
            return await self._receive()
        left = self._deadline - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(max(0.0, left)):  # unlike `wait_for` it makes no task, for every part of a body
                message = await self._receive()
        except TimeoutError as error:
            raise TooSlow from error
        self._deadline += len(message.get("body", b"")) / BYTES_PER_SECOND
        self._over = not message.get("more_body", False)
        return message
