"""Connections that keep nobody else waiting: how many, and how long each may take to ask and to read the answer.

uvicorn waits for a request's first line, and for an answer to be read, as long as the client likes. A few hundred silent
clients then take every connection there is ("slowloris"), and a file that is being sent holds a descriptor more.
"""

import asyncio
import contextlib
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

# For the whole head of a request, from when the connection is open or the head's first byte has arrived.
HEADER_SECONDS = 10.0
# For a client to read on when more than 64 KiB wait to be sent, and to read the last of them.
READ_SECONDS = 20.0
# For a body: so many seconds, and more as it arrives at this rate.
BODY_SECONDS, BYTES_PER_SECOND = 20.0, 4096
# Files, pipes to workers and the listening socket, beside connections.
_OTHER_DESCRIPTORS = 96
_MOST_CONNECTIONS = 1000
# Of all connections those that one address may have: a half, since behind a proxy all visitors have one.
_SHARE = 2
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
    """uvicorn's protocol, with limits on connections (`Config.limit_concurrency`) and on the time to ask and to read."""

    _waiting_for_head: asyncio.TimerHandle | None = None
    _waiting_for_reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Close the connection at once where there are too many, of all or of its address, else wait for a head."""
        super().connection_made(transport)
        if self.limit_concurrency is not None and self._is_one_too_many(self.limit_concurrency):
            transport.abort()
            return
        self._wait_for_head()

    def handle_events(self) -> None:
        """Take what has arrived; a request whose head is complete has been in time."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            _stop(self._waiting_for_head)
            self._waiting_for_head = None
            if not self.flow.write_paused:  # its answer has a clock of its own
                self._forget_reader()

    def data_received(self, data: bytes) -> None:
        """Start the clock anew for the next request on a connection that is kept open."""
        if self.cycle is not None and self.cycle.response_complete:
            self._wait_for_head()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Start a clock for the answer's last bytes, which no pause of writing tells of."""
        self._wait_for_reader()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Start a clock: the client does not read."""
        super().pause_writing()
        self._forget_reader()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """Start the clock anew, or stop it where more is to come: the client has read."""
        super().resume_writing()
        self._forget_reader()
        if self.cycle is not None and self.cycle.response_complete:
            self._wait_for_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clocks."""
        _stop(self._waiting_for_head)
        _stop(self._waiting_for_reader)
        super().connection_lost(exc)

    def _is_one_too_many(self, most: int) -> bool:
        if len(self.connections) >= most:
            return True
        address = self.client and self.client[0]
        ours: int = sum(bool(other.client) and other.client[0] == address for other in self.connections)
        return ours > max(1, most // _SHARE)

    def _wait_for_head(self) -> None:
        if self._waiting_for_head is None:
            self._waiting_for_head = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _wait_for_reader(self) -> None:
        if self._waiting_for_reader is None:
            self._waiting_for_reader = self.loop.call_later(READ_SECONDS, self._give_up_on_reader)

    def _forget_reader(self) -> None:
        _stop(self._waiting_for_reader)
        self._waiting_for_reader = None

    def _give_up(self) -> None:
        self._waiting_for_head = None
        self.transport.abort()

    def _give_up_on_reader(self) -> None:
        self._waiting_for_reader = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # where it has been closed, too: `close` waits until everything has been read


def _stop(clock: asyncio.TimerHandle | None) -> None:
    if clock is not None:
        clock.cancel()


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
