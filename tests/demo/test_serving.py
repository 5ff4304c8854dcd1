"""What keeps an open server serving: turns, workers with limits, patience with connections, a short log, upkeep."""

import asyncio
import contextlib
import io
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import uvicorn
from helpers.called import add, burn, strange, swallow
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from alzedge.demo.answering.limits import Limits
from alzedge.demo.answering.turns import Turns
from alzedge.demo.answering.uploads import NotASlice, read_picture
from alzedge.demo.serving import patience
from alzedge.demo.serving.calls import Calls
from alzedge.demo.serving.first_page import address_of, own_page, script_hashes
from alzedge.demo.serving.log_lines import ShortLines
from alzedge.demo.serving.storage import Full, Storage
from alzedge.demo.serving.upkeep import UnreadAnswers, forget_sessions, sweep
from alzedge.demo.serving.workers import Workers, working
from alzedge.errors import UserError


def test_nobody_takes_every_place_and_turns_alternate() -> None:
    async def scenario() -> list[str]:
        turns, told = Turns(places=3, waiting=20), list[str]()
        go_on = asyncio.Event()

        async def ask(visitor: str) -> None:
            async with turns.turn(visitor):
                told.append(visitor)
                await go_on.wait()

        greedy = [asyncio.create_task(ask("greedy")) for _ in range(6)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert told == ["greedy"] * 2 and len(turns) == 4, "one place stays free"
        other = asyncio.create_task(ask("other"))
        late = asyncio.create_task(ask("late"))
        await asyncio.sleep(0.01)
        assert told == ["greedy", "greedy", "other"]
        late_too = asyncio.create_task(ask("late"))
        await asyncio.sleep(0)
        late_too.cancel()
        go_on.set()
        await asyncio.gather(*greedy, other, late)
        with contextlib.suppress(asyncio.CancelledError):
            await late_too
        assert len(turns) == 0 and not turns._running
        return told

    told = asyncio.run(scenario())
    assert told.count("late") == 1 and told.index("late") < 5 and len(told) == 8


def test_a_full_room_says_so() -> None:
    async def scenario() -> None:
        turns = Turns(places=1, waiting=4)
        async with turns.turn("a"):
            waiting = []
            for visitor in "aabb":
                waiting.append(asyncio.create_task(turns.turn(visitor).__aenter__()))
                await asyncio.sleep(0)
            for visitor in "ac":
                with pytest.raises(UserError, match="busy"):
                    async with turns.turn(visitor):
                        pass
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        assert len(turns) == 0 and not turns._running

    asyncio.run(scenario())


def test_who_hangs_up_in_the_middle_of_a_body_leaves_no_traceback() -> None:
    async def cut_off() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def read(scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()

    scope = {"type": "http", "method": "POST", "headers": []}
    asyncio.run(patience.TimedBodies(read)(scope, cut_off, None))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with working(1, seconds=1) as workers:
        yield workers


def test_a_worker_that_takes_too_much_is_replaced(workers: Workers) -> None:
    assert workers(add, 1, 2) == 3
    with pytest.raises(UserError, match="more than 1 s or too much memory"):
        workers(burn)
    assert workers(add, 3, 4) == 7


def test_a_worker_killed_while_idle_is_replaced() -> None:
    with working(2, seconds=5) as workers:
        killed = set[int]()
        for _ in range(4):
            worker = workers(os.getpid)
            assert worker not in killed
            os.kill(worker, signal.SIGKILL)
            killed.add(worker)
            time.sleep(0.3)  # long enough for the pool to see it
        assert workers(add, 1, 2) == 3
    with pytest.raises(UserError, match="about to end"):
        workers(add, 1, 2)


def test_memory_and_errors_of_a_worker_come_back_as_sentences(tmp_path: Path) -> None:
    small = Workers(1, 5, memory=2**28)
    try:
        with pytest.raises(UserError, match="too much memory"):
            small(swallow)
        (tmp_path / "cat.jpg").write_bytes(b"meow")
        with pytest.raises(UserError, match=r"^cat\.jpg: not a JPEG"):
            small(read_picture, tmp_path / "cat.jpg", Limits(), None)
        guard = SimpleNamespace(unlikeness=strange)
        Image.new("L", (10, 10)).save(tmp_path / "cat.png")
        with pytest.raises(NotASlice, match=r"^cat\.png: this does not look like"):
            small(read_picture, tmp_path / "cat.png", Limits(), guard)
    finally:
        start = time.monotonic()
        small.stop()
        assert time.monotonic() - start < 2


# Bytes of an answer, and parts.
SIZES = {"/parts": (2**20, 16), "/end": (48 * 2**10, 1)}


async def measured(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body; two paths with a MB in parts, and 48 KiB at once."""
    if scope["type"] == "lifespan":
        return
    if scope["path"] in SIZES:
        size, parts = SIZES[scope["path"]]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
        for left in range(parts - 1, -1, -1):
            await send({"type": "http.response.body", "body": bytes(size // parts), "more_body": left > 0})
        return
    length = len(await Request(scope, receive).body())
    await PlainTextResponse(str(length))(scope, receive, send)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Port of a server that waits for 0.4 s only, and for at most 5 connections, 3 of one address."""
    monkeypatch.setattr(patience, "HEADER_SECONDS", 0.4)
    monkeypatch.setattr(patience, "READ_SECONDS", 0.4)
    monkeypatch.setattr(patience, "BODY_SECONDS", 0.4)
    config = uvicorn.Config(
        patience.TimedBodies(measured), port=0, http=patience.PatientProtocol, ws="none", limit_concurrency=6,
        log_level="critical", lifespan="off", backlog=patience.BACKLOG,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    listening = server.servers[0].sockets[0]
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # of its connections: little waits in the system
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(5)


def connected(port: int, data: bytes, visitor: int = 1, buffer: int = 0) -> socket.socket:
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(5)
    connection.bind((f"127.0.0.{visitor}", 0))
    connection.connect(("127.0.0.1", port))
    connection.sendall(data)
    return connection


def answered(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    arrived = b""
    with connection, contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            arrived += part
    return arrived


def test_silent_connections_are_closed_and_honest_ones_served(impatient: int) -> None:
    silent = [connected(impatient, data, 2) for data in (b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\n")]
    slow = connected(impatient, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
    good = connected(impatient, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxx")
    assert good.recv(4096).startswith(b"HTTP/1.1 200")
    start = time.monotonic()
    assert [answered(one) for one in silent] == [b"", b"", b""] and b"408" in answered(slow)
    assert time.monotonic() - start < 3
    # The same connection may ask again.
    good.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxxx")
    assert answered(good).endswith(b"3")


def test_connections_beyond_the_limit_are_closed_at_once(impatient: int) -> None:
    held = [connected(impatient, b"GET / HTTP/1.1\r\n", visitor) for visitor in (1, 1, 1, 2, 2)]
    start = time.monotonic()
    beyond = [answered(connected(impatient, b"", 3)) for _ in range(3)]
    assert beyond == [b""] * 3 and time.monotonic() - start < 0.35, "before those held are given up"
    for one in held:
        assert answered(one) == b""
    closing = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert answered(connected(impatient, closing)).endswith(b"0")


def test_one_address_cannot_take_all_connections(impatient: int) -> None:
    held = [connected(impatient, b"GET / HTTP/1.1\r\n") for _ in range(3)]
    start = time.monotonic()
    assert answered(connected(impatient, b"")) == b"" and time.monotonic() - start < 0.35
    closing = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert answered(connected(impatient, closing, 2)).endswith(b"0")
    assert [answered(one) for one in held] == [b""] * 3


@pytest.mark.parametrize("path", SIZES)
def test_answers_that_are_not_read_end_their_connections(impatient: int, path: str) -> None:
    """While an answer is sent, and when so little is left of it that nothing waits for its reader any more."""
    ask = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    silent = connected(impatient, ask, buffer=4096)
    time.sleep(1)
    assert len(answered(silent)) < SIZES[path][0]
    assert len(answered(connected(impatient, ask))) > SIZES[path][0], "whoever reads gets all"


def test_descriptors_bound_connections() -> None:
    assert 16 <= patience.most_connections() <= 1000


def test_the_log_is_short() -> None:
    stream = io.StringIO()
    log = ShortLines(stream, lines=3, seconds=0.05)
    log.write("x" * 900_000 + "\nsecond\nthi")
    log.write("rd\n" + "more\n" * 1000)
    time.sleep(0.06)
    log.write("later\n")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "x" * 300 + "..." and lines[1:] == ["second", "third", "... and 1000 more lines", "later"]


def messages(*outputs: str) -> Any:
    told = deque(SimpleNamespace(output={"data": [output]}) for output in outputs)
    return SimpleNamespace(_queue=told, empty=lambda: not told)


def test_answers_that_nobody_fetches_are_dropped() -> None:
    queue = SimpleNamespace(
        pending_messages_per_session={"old": messages("x" * 10), "asked": messages(), "fetched": messages()},
        pending_event_ids_session={"old": {"1"}, "asked": {"2"}, "fetched": set()},
    )
    answers = UnreadAnswers(SimpleNamespace(_queue=queue))  # type: ignore[arg-type]
    answers.drop(0.0)
    assert len(answers) == 1 and len(queue.pending_messages_per_session) == 3
    queue.pending_messages_per_session |= {"new": messages("y" * 10), "large": messages("z" * 5000)}
    answers.drop(61.0)
    assert set(queue.pending_messages_per_session) == {"asked", "new", "large"}, "a question is not an answer"
    answers.drop(62.0, most_bytes=6000)
    assert set(queue.pending_messages_per_session) == {"asked", "large"}, "the oldest first"
    assert set(queue.pending_event_ids_session) == {"asked"}


def test_a_call_is_answered_once_and_not_kept_for_long() -> None:
    """The endpoints' simple form, without a page: order of events, limits, and a fault of ours."""
    go_on = asyncio.Event()

    async def predict(data: list[Any], visitor: str) -> Any:
        if data[0] == "wait":
            await go_on.wait()
        if data[0] == "bad":
            raise gr.Error("a.png: not a JPEG.", print_exception=False)
        if data[0] == "fault":
            raise KeyError("secret")
        return {"told": data, "visitor": visitor}

    calls = Calls({"predict": predict}, most=2)
    path = "/gradio_api/call/predict"
    with TestClient(Starlette(routes=calls.routes)) as client:

        def ask(*data: Any) -> str:
            return str(client.post(path, json={"data": data}).json()["event_id"])

        def told(event: str) -> str:
            return client.get(f"{path}/{event}").text

        event = ask("files", 71)
        assert told(event) == 'event: complete\ndata: [{"told": ["files", 71], "visitor": "testclient"}]\n\n'
        assert client.get(f"{path}/{event}").status_code == 404, "an answer is told once"
        assert told(ask("bad")).startswith('event: error\ndata: {"error": "a.png: not a JPEG."')
        assert told(ask("fault")) == 'event: error\ndata: {"error": null}\n\n'
        assert client.post(path, json={"data": []}).status_code == client.post(path, json=7).status_code == 422
        assert client.post("/gradio_api/call/other", json={"data": [1]}).status_code == 404
        waiting = [ask("wait"), ask("wait")]
        assert client.post(path, json={"data": ["files"]}).status_code == 503 and len(calls) == 0
        assert client.portal is not None
        client.portal.call(go_on.set)
        assert all("complete" in told(one) for one in waiting) and not calls._calls
        for _ in range(3):
            ask("files")
        while len(calls) < 3:
            time.sleep(0.01)
        calls.drop(time.monotonic(), most_bytes=150)
        assert len(calls) == 2, "the oldest goes where all are too many bytes"
        calls.drop(time.monotonic() + 61)
        assert not calls._calls


def test_idle_sessions_are_forgotten() -> None:
    now = datetime.now()
    sessions = {name: SimpleNamespace(state_data=kept) for name, kept in
                (("page", {1: "told"}), ("program", {}), ("fresh", {}))}  # fmt: skip
    used = {"page": now - timedelta(hours=1), "program": now - timedelta(hours=1), "fresh": now}
    page: Any = SimpleNamespace(state_holder=SimpleNamespace(session_data=sessions, time_last_used=used))
    forget_sessions(page, 120)
    assert set(sessions) == set(used) == {"page", "fresh"}


def test_old_files_are_swept_and_new_ones_stay(tmp_path: Path) -> None:
    old, new = tmp_path / "a" / "old.png", tmp_path / "b" / "new.png"
    for path in (old, new):
        path.parent.mkdir()
        path.write_bytes(b"pixels")
    os.utime(old, (time.time() - 700,) * 2)
    sweep(tmp_path, 600)
    assert not old.exists() and new.exists()
    os.utime(old.parent, (time.time() - 700,) * 2)
    sweep(tmp_path, 600)
    assert not old.parent.exists() and new.exists()
    sweep(tmp_path, -1)
    assert tmp_path.exists() and not list(tmp_path.iterdir())


def test_uploads_of_everybody_are_bounded_while_they_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        storage = Storage(tmp_path, Limits(stored_bytes=100, stored_files=3))
        (tmp_path / "kept").write_bytes(bytes(40))
        assert await storage.has_room(60) and not await storage.has_room(61)
        storage.count(50, files=2)
        assert await storage.has_room(10) is False, "three files"
        for more in ({"size": 11}, {"files": 1}):
            with pytest.raises(Full):
                storage.count(**more)
        storage.count(10)
        (tmp_path / "kept").unlink()
        assert not await storage.has_room(1), "until the folder is looked through again"
        monkeypatch.setattr(storage, "_measured", -1e9)
        assert await storage.has_room(100)
        storage.count(100, files=1)

    asyncio.run(scenario())


def test_the_first_page_names_itself_and_its_scripts() -> None:
    html = (
        b'<html><head>\n<meta property="og:title" content="Gradio" />\n<meta name="twitter:creator" content="@Gradio" />'
        b"<script>one()</script><script src='x.js'></script></head></html>"
    )
    page = own_page(html, 'http://a"b')
    assert b"Gradio" not in page and page.count(b"og:title") == 1 and b'content="AlzEdge"' in page
    assert b'http://a&#34;b/alzedge/preview.png"' in page
    assert script_hashes(page) == ("'sha256-HR7iaask9daLMRRskMI++QeJtjWDOjyPA6lGzYGzKW4='",)
    headers = {b"host": b"inside:7860", b"x-forwarded-host": b"example.org", b"x-forwarded-proto": b"https, http"}
    assert address_of(headers, "http") == "https://example.org"
    assert address_of({b"host": b'a"><script>'}, "http") == "http://localhost"
