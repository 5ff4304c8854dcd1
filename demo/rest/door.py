"""The way in for questions of programs: paths, bounded bodies, JSON; whatever goes wrong is told as `{"error": ...}`.

It stands before Gradio and its gate, so that a question costs no more than its own work.
"""

import re
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alzedge.demo.rest import kserve, tensorflow_serving
from alzedge.demo.rest.answering import Answering
from alzedge.demo.rest.failure import Refusal
from alzedge.demo.rest.model import NAME, Served
from alzedge.stages import DISCLAIMER

_V1 = re.compile(r"/v1/models/([^/:]+)(?:/versions/([^/:]+))?(/metadata|:\w+)?")
_V2 = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(/ready|/infer)?")
_OURS = re.compile(r"/v1/models/|/v2(/|$)")
_BODY_BYTES = 16 * 2**20
# Bodies that arrive at the same time.
_ALL_BYTES = 256 * 2**20
# An empty list takes two characters in JSON, and forty times as much in memory. A hundred slices have 21,000.
_MOST_LISTS = 400_000
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-disclaimer", DISCLAIMER.encode("ascii")),
]
_JSON_LENGTH = b"inference-header-content-length"


@dataclass(frozen=True)
class _Asked:
    """A request for one model.

    Attributes:
        method, path: of HTTP.
        model, version: that it names.
        what: the part behind them, such as ':predict'.
    """

    method: str
    path: str
    model: str
    version: str | None
    what: str

    @classmethod
    def read(cls, pattern: re.Pattern[str], method: str, path: str) -> "_Asked":
        """Read a path.

        Raises:
            Refusal: 404, no such path.
        """
        found = pattern.fullmatch(path)
        if found is None:
            raise malformed(method, path)
        return cls(method, path, found[1][:80], found[2] and found[2][:80], found[3] or "")


class Door:
    """ASGI middleware: answers the paths of the two protocols, passes on all others.

    Args:
        app: what it stands before.
        served: the model.
        answering: answers for it.
    """

    def __init__(self, app: ASGIApp, served: Served, answering: Answering) -> None:
        self._app, self._served, self._answering = app, served, answering
        self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http" or not _OURS.match(scope["path"]):
            return await self._app(scope, receive, send)
        try:
            respond = self._v1 if scope["path"].startswith("/v1") else self._v2
            status, told = 200, await respond(scope, receive)
        except Refusal as refusal:
            status, told = refusal.status, {"error": refusal.sentence}
        except _Gone:
            return None
        body = orjson.dumps(told)
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*_HEADERS, length]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _v1(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        asked = _Asked.read(_V1, scope["method"], scope["path"])
        self._served.check(asked.model, asked.version)
        if asked.method in ("GET", "HEAD") and not asked.what.startswith(":"):
            return tensorflow_serving.metadata(self._served) if asked.what else tensorflow_serving.status()
        if (asked.method, asked.what) != ("POST", ":predict"):
            raise malformed(asked.method, asked.path)
        body, _ = await self._question(scope, receive)
        instances, by_columns = tensorflow_serving.read_question(body)
        del body
        return tensorflow_serving.reply(await self._answering(instances, _visitor(scope)), by_columns)

    async def _v2(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        method, path = scope["method"], scope["path"].rstrip("/")
        if method in ("GET", "HEAD") and path in ("/v2", "/v2/health/live", "/v2/health/ready"):
            return kserve.server_metadata() if path == "/v2" else {path.rpartition("/")[2]: True}
        asked = _Asked.read(_V2, method, path)
        self._served.check(asked.model, asked.version)
        if method in ("GET", "HEAD") and asked.what != "/infer":
            return {"name": NAME, "ready": True} if asked.what else kserve.metadata(self._served)
        if (method, asked.what) != ("POST", "/infer"):
            raise malformed(method, path)
        body, raw = await self._question(scope, receive)
        instances = kserve.read_question(body, raw)
        kserve.wanted_outputs(body)
        return kserve.reply(body, await self._answering(instances, _visitor(scope)), self._served)

    async def _question(self, scope: Scope, receive: Receive) -> tuple[Any, bytes]:
        """The JSON of a body, and what follows it in binary form."""
        headers = dict(scope["headers"])
        promised = _promised(headers)
        if self._arriving + promised > _ALL_BYTES:
            raise Refusal(503, "The server is busy; ask again in a minute")
        self._arriving += promised
        try:
            body = await _body(receive)
        finally:
            self._arriving -= promised
        length = headers.get(_JSON_LENGTH)
        if length is None:
            return parsed(body), b""
        if not length.isdigit() or int(length[:9]) > len(body):
            raise Refusal(400, "Inference-Header-Content-Length is not a number of bytes within the body")
        return parsed(body[: int(length)]), body[int(length) :]


def parsed(text: bytes) -> Any:
    """Parse JSON.

    Raises:
        Refusal: 400, not JSON (a NaN is none); 413, more lists than any question needs.
    """
    if len(text) > _MOST_LISTS and text.count(b"[") + text.count(b"{") > _MOST_LISTS:
        raise Refusal(413, f"More than {_MOST_LISTS} lists are too many; send slices as rows of numbers, fewer at once")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"JSON Parse error: {error.msg}, at character {error.pos}") from error
    # Looked for in the text first, and there by one letter, which costs nothing.
    if (b"r" in text and b"true" in text) or (b"f" in text and b"false" in text):
        _refuse_truths(value)
    return value


def _refuse_truths(value: Any) -> None:
    """Refuse truth values in lists, which Python would take for 0 and 1; a tensor's parameters may hold some."""
    waiting = [value] if isinstance(value, dict | list) else []
    while waiting:
        one = waiting.pop()
        if isinstance(one, list) and any(type(item) is bool for item in one):
            raise Refusal(400, "A truth value where a number belongs; slices are whole numbers from 0 to 255")
        inside = one.values() if isinstance(one, dict) else one
        waiting.extend(item for item in inside if isinstance(item, dict | list))


def malformed(method: str, path: str) -> Refusal:
    """The refusal of a path or method that is not there, in TensorFlow Serving's words."""
    return Refusal(404 if method in ("GET", "HEAD", "POST") else 405, f"Malformed request: {method} {path[:80]}")


def _promised(headers: dict[bytes, bytes]) -> int:
    """Length of a body by its header.

    Raises:
        Refusal: 411 for none, 413 for too much, 415 for a compressed one.
    """
    length = headers.get(b"content-length", b"")
    if not length.isdigit():
        raise Refusal(411, "Length required: send a Content-Length")
    if len(length) > 9 or int(length) > _BODY_BYTES:
        raise Refusal(413, f"Too large: {_BODY_BYTES // 2**20} MiB at once at most; send fewer instances")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Refusal(415, "Compressed bodies are not read; send it as it is")
    return int(length)


async def _body(receive: Receive) -> bytes:
    """A whole body, which the server keeps to the length that its header promised."""
    parts: list[bytes] = []
    while True:
        message: Message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


class _Gone(Exception):
    """The client has hung up."""


def _visitor(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
