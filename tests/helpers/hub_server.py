"""A local server that speaks the Hugging Face Hub's API as far as its client 2.4 needs to create, upload and download.

`HF_ENDPOINT` names it, and `HF_HUB_DISABLE_XET=1` keeps to the protocol of Git LFS. It knows two tokens, one of which may
only read, keeps everything in memory, writes down what it was asked, and can fail on command.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

WRITER, READER = "hf_WriterSecret", "hf_ReaderSecret"
_LFS = (".tflite", ".keras", ".onnx", ".png", ".whl")


@dataclass
class Repository:
    """By commit the files; the newest commit last."""

    private: bool
    sdk: str | None = None
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    def commit(self, files: dict[str, bytes]) -> str:
        oid = hashlib.sha1(f"{len(self.commits)} {sorted(files)}".encode()).hexdigest()
        self.commits[oid] = files
        return oid


@dataclass
class Fault:
    """What goes wrong with requests whose line matches.

    Attributes:
        line: regular expression for 'METHOD /path'.
        what: a status code; 'drop' breaks the connection at once, 'drop after' when the work is done.
        times: how often.
    """

    line: str
    what: int | str
    times: int = 1_000_000


class Hub(ThreadingHTTPServer):
    """The server and what it holds: repositories by 'models/owner/name' or 'spaces/...', contents by SHA-256."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = {}
        self.contents: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, name: str, files: dict[str, bytes], private: bool = False) -> Repository:
        repository = self.repositories[name] = Repository(private)
        repository.commit(files)
        return repository

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what the tests are about."""


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    yield hub
    hub.shutdown()
    hub.server_close()


class Refusal(Exception):
    """A status, with the Hub's own code for the reason."""

    def __init__(self, status: int, code: str = "", message: str = "", **told: str) -> None:
        super().__init__(status)
        self.status, self.code, self.message, self.told = status, code, message, told


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_GET(self) -> None:
        self._handle()

    do_HEAD = do_POST = do_PUT = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _handle(self) -> None:
        path = unquote(urlsplit(self.path).path)
        line = f"{self.command} {path}"
        with self.server.lock:
            self.server.asked.append(line)
            fault = next((f for f in self.server.faults if f.times > 0 and re.search(f.line, line)), None)
            if fault is not None:
                fault.times -= 1
        what = None if fault is None else fault.what
        length = int(self.headers.get("Content-Length", 0))
        if what == "drop":
            self.rfile.read(length // 2)
            return self._break()
        body = self.rfile.read(length)
        try:
            if isinstance(what, int):
                raise Refusal(what, message="a fault of the tests")
            status, headers, answer = self._answer(path, body)
        except Refusal as refusal:
            status, answer = refusal.status, json.dumps({"error": refusal.message, **refusal.told}).encode()
            headers = {"X-Error-Code": refusal.code, "X-Error-Message": refusal.message}
        if what == "drop after":
            return self._break()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _break(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _answer(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        for pattern, method in _ROUTES.items():
            match = re.fullmatch(pattern, f"{self.command} {path}")
            if match:
                found = getattr(self, method)(body, **match.groupdict())
                return found if isinstance(found, tuple) else (200, {}, json.dumps(found).encode())
        raise Refusal(404, "", f"no such route: {path}")

    def _may_write(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token == READER:
            raise Refusal(403, "", "you must use a token with write permission")
        if token != WRITER:
            raise Refusal(401, "", "Invalid credentials in Authorization header")

    def _repository(self, name: str) -> Repository:
        found = self.server.repositories.get(name)
        known = self.headers.get("Authorization", "").removeprefix("Bearer ") in (WRITER, READER)
        if found is None or (found.private and not known):
            raise Refusal(404 if known else 401, "RepoNotFound", "Repository not found")
        return found

    def create(self, body: bytes) -> Any:
        self._may_write()
        told = json.loads(body)
        kind = told.get("type", "model")
        name = f"{kind}s/{told['organization']}/{told['name']}"
        prefix = "" if kind == "model" else f"{kind}s/"
        url = f"{self.server.address}/{prefix}{told['organization']}/{told['name']}"
        if name in self.server.repositories:
            raise Refusal(409, "", "You already created this repo", url=url)
        repository = self.server.add(name, {".gitattributes": b""}, told.get("visibility") == "private")
        repository.sdk = told.get("sdk")
        return {"url": url}

    def info(self, body: bytes, name: str) -> Any:
        repository = self._repository(name)
        files = [{"rfilename": path} for path in repository.commits[repository.head]]
        identity = name.split("/", 1)[1]
        return {"_id": "0", "id": identity, "sha": repository.head, "private": repository.private, "siblings": files,
                "tags": [], "downloads": 0, "likes": 0}  # fmt: skip

    def validate(self, body: bytes) -> Any:
        text = json.loads(body)["content"]
        matter = text.split("---")[1] if text.startswith("---") else ""
        try:
            found = yaml.safe_load(matter)
        except yaml.YAMLError as error:
            raise Refusal(400, "", "Invalid YAML") from error
        return {"errors": [], "warnings": [] if found else [{"message": "empty or missing yaml metadata"}]}

    def preupload(self, body: bytes, name: str) -> Any:
        self._may_write()
        repository = self._repository(name)
        there = repository.commits[repository.head]
        return {"files": [self._mode(file["path"], there) for file in json.loads(body)["files"]]}

    def _mode(self, path: str, there: dict[str, bytes]) -> dict[str, Any]:
        lfs = path.endswith(_LFS)
        told = {"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False}
        if path in there:
            data = there[path]
            git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            told["oid"] = hashlib.sha256(data).hexdigest() if lfs else git
        return told

    def batch(self, body: bytes, name: str) -> Any:
        self._may_write()
        objects = []
        for wanted in json.loads(body)["objects"]:
            told = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.server.contents:
                told["actions"] = {
                    "upload": {"href": f"{self.server.address}/lfs/{wanted['oid']}", "header": {}},
                    "verify": {"href": f"{self.server.address}/lfs-verify", "header": {}},
                }
            objects.append(told)
        return {"transfer": "basic", "objects": objects}

    def store(self, body: bytes, oid: str) -> Any:
        if hashlib.sha256(body).hexdigest() != oid:
            raise Refusal(400, "", "content does not have this SHA-256")
        self.server.contents[oid] = body
        return {}

    def verify(self, body: bytes) -> Any:
        if json.loads(body)["oid"] not in self.server.contents:
            raise Refusal(404, "", "no such content")
        return {}

    def commit(self, body: bytes, name: str) -> Any:
        self._may_write()
        repository = self._repository(name)
        files = dict(repository.commits[repository.head])
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                if value["oid"] not in self.server.contents:
                    raise Refusal(400, "", "an LFS content is missing")
                files[value["path"]] = self.server.contents[value["oid"]]
        oid = repository.commit(files)
        return {"commitUrl": f"{self.server.address}/{name}/commit/{oid}", "commitOid": oid}

    def resolve(self, body: bytes, name: str, revision: str, file: str) -> Any:
        repository = self._repository(f"models/{name}")
        commit = repository.head if revision == "main" else revision
        if commit not in repository.commits:
            raise Refusal(404, "RevisionNotFound", "Invalid rev id")
        if file not in repository.commits[commit]:
            raise Refusal(404, "EntryNotFound", "Entry not found")
        data = repository.commits[commit][file]
        return 200, {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": commit}, data


_NAME = r"(?P<name>(models|spaces)/[^/]+/[^/]+)"
_ROUTES = {
    "POST /api/repos/create": "create",
    "POST /api/validate-yaml": "validate",
    f"POST /api/{_NAME}/preupload/main": "preupload",
    f"POST /api/{_NAME}/commit/main": "commit",
    f"GET /api/{_NAME}(/revision/main)?": "info",
    r"POST /(?P<name>.+)\.git/info/lfs/objects/batch": "batch",
    "PUT /lfs/(?P<oid>[0-9a-f]{64})": "store",
    "POST /lfs-verify": "verify",
    r"(GET|HEAD) /(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)": "resolve",
}
