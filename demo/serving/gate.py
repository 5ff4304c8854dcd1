"""The gate before Gradio on an open server: only the routes the page needs, bounded bodies, no foreign files.

Gradio answers on many more routes than one page uses, and several of them have had holes (its
file, proxy and component_server routes: CVE-2023-51449, CVE-2024-1561, CVE-2024-1728,
CVE-2024-4325, CVE-2024-47084, CVE-2025-23042). What the page does not need is not there.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alzedge.demo.answering.limits import Limits
from alzedge.demo.serving.first_page import address_of, own_page, script_hashes
from alzedge.demo.serving.questions import checked_question
from alzedge.demo.serving.storage import FULL, Storage
from alzedge.errors import UserError

_API = "/gradio_api"
_READ = re.compile(
    r"/|/(config|theme\.css|robots\.txt|favicon\.ico|manifest\.json|healthz)/?|/pwa_icon(/\d+)?|/(static|assets|svelte)/.+"
    r"|/alzedge/(page\.(js|css)|preview\.png)"
    rf"|{_API}/(info|openapi\.json|app_id|user|login_check|startup-events|upload_progress|theme\.css)/?"
    rf"|{_API}/queue/(data|status)|{_API}/heartbeat/\w+|{_API}/call/(v2/)?\w+/\w+"
)
_WRITE = re.compile(rf"{_API}/(upload|cancel|reset/?|queue/join|call/(v2/)?\w+/?)")
_FILE = f"{_API}/file="
_UPLOAD = f"{_API}/upload"
# Questions name their files; only comments and settings travel in them.
_QUESTION_BYTES = 2**20
# Boundaries and headers around uploaded files.
_WRAPPING_BYTES = 2**20
# Nothing from elsewhere, and no script within the page but Gradio's own, by their hashes. Gradio compiles the small scripts
# that components carry (`js`, `js_on_load`, HTML's templates) with `new Function`, which is 'unsafe-eval', and styles
# elements one by one. A Space is shown in a frame.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' blob: {scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self' https://huggingface.co https://*.hf.space"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Gate:
    """ASGI middleware.

    Args:
        app: what it stands before.
        folder: where uploads and outputs lie; the only files that can be asked for.
        limits: on bytes.
        storage: for uploads.
    """

    def __init__(self, app: ASGIApp, folder: Path, limits: Limits, storage: Storage) -> None:
        self._app, self._folder, self._limits, self._storage = app, os.path.realpath(folder), limits, storage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with safer headers."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return None  # the page needs no web sockets
        question: bytes | None = None
        refusal = self._refusal(scope) or await self._full(scope)
        if refusal is None and scope["method"] == "POST" and scope["path"] != _UPLOAD:
            question = await _body(receive)
            refusal = None if question is not None and not _names_addresses(question) else (400, "Bad request")
        try:
            question = None if refusal or question is None else checked_question(scope["path"], question)
        except UserError as error:
            refusal = 400, str(error)
        if refusal is not None:
            return await PlainTextResponse(refusal[1], refusal[0])(scope, receive, _safer(send))
        if scope["path"] == "/":
            return await self._first_page(scope, receive, send)
        return await self._app(scope, receive if question is None else _replayed(question, receive), _safer(send))

    async def _first_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Gradio's page with our own head, and a policy for the scripts within it."""
        page = _Collected()
        await self._app({**scope, "method": "GET", "headers": _without_encoding(scope)}, receive, page.take)
        headers = dict(scope["headers"])
        html = own_page(bytes(page.body), address_of(headers, scope["scheme"]))
        kept = [(name, value) for name, value in page.headers if name.lower() != b"content-length"]
        length = (b"content-length", str(len(html)).encode())
        await _safer(send, script_hashes(html))(
            {"type": "http.response.start", "status": page.status, "headers": [*kept, length]}
        )
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else html})

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        path, method = scope["path"], scope["method"]
        if method in ("GET", "HEAD"):
            return None if _READ.fullmatch(path) or self._is_own_file(path) else (404, "Not found")
        if method != "POST" or not _WRITE.fullmatch(path):
            return (404, "Not found") if method == "POST" else (405, "Method not allowed")
        length = dict(scope["headers"]).get(b"content-length", b"")
        if not length.isdigit():
            return 411, "Length required"
        if path != _UPLOAD:
            return (413, "Too large") if int(length) > _QUESTION_BYTES else None
        if int(length) > self._limits.bytes + _WRAPPING_BYTES:
            return 413, f"Too large: {self._limits.bytes // 2**20} MiB at once at most"
        return None

    async def _full(self, scope: Scope) -> tuple[int, str] | None:
        if scope["method"] != "POST" or scope["path"] != _UPLOAD:
            return None
        promised = int(dict(scope["headers"])[b"content-length"])
        return None if await self._storage.has_room(promised) else (503, FULL)

    def _is_own_file(self, path: str) -> bool:
        """A file is asked for, and one that was uploaded or made here."""
        if not path.startswith(_FILE) or "\0" in path:
            return False
        return os.path.realpath(path.removeprefix(_FILE)).startswith(self._folder + os.sep)


async def _body(receive: Receive) -> bytes | None:
    """The whole body, no longer than its header promised; None when the client has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _names_addresses(question: bytes) -> bool:
    """A file is named by an address, which Gradio would fetch, or the question is not JSON."""
    try:
        return any("://" in path or path.startswith("\\\\") for path in _named_files(json.loads(question)))
    except (ValueError, RecursionError):
        return True


def _named_files(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("path"), str):
                yield one["path"]
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


class _Collected:
    """A response that is kept instead of sent."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, list[tuple[bytes, bytes]](), bytearray()

    async def take(self, message: Message) -> None:
        """Keep a part."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


def _without_encoding(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Headers of a request that is answered as it stands, not compressed."""
    return [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]


def _safer(send: Send, scripts: Iterable[str] = ()) -> Send:
    policy = (b"content-security-policy", _POLICY.format(scripts=" ".join(scripts)).encode())

    async def send_safer(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), policy, *_HEADERS]
        await send(message)

    return send_safer
