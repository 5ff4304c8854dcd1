"""Models by the name of a Hub repository, from a local server that speaks what the Hub's client asks."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import assert_refused, run_cli
from PIL import Image

from alzedge.dataset import DataSet
from alzedge.runtime import bundled_model


class Hub(BaseHTTPRequestHandler):
    """One public repository with one model; one that is private."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        if self.path == "/clinic/alzedge/resolve/main/student_int8.tflite":
            data = bundled_model().read_bytes()
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
        else:
            data = b""
            codes = {"private": (401, "RepoNotFound"), "empty": (404, "EntryNotFound"), "broken": (500, "")}
            status, reason = codes[self.path.split("/")[2]]
            self.send_response(status)
            self.send_header("X-Error-Code", reason)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def predict(endpoint: str, phantoms: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Image.fromarray(phantoms.images[50]).save(tmp_path / "slice.png")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))

    def run(repository: str, address: str = endpoint):
        monkeypatch.setenv("HF_ENDPOINT", address)
        return run_cli("predict", "--json", "--model", repository, tmp_path / "slice.png")

    return run


def test_a_repository_answers_like_its_file_and_once_fetched_without_network(predict) -> None:
    from_hub = predict("clinic/alzedge")
    assert from_hub.returncode == 0, from_hub.stderr
    assert json.loads(from_hub.stdout) == json.loads(predict(str(bundled_model())).stdout)
    offline = predict("clinic/alzedge", address="http://127.0.0.1:9")
    assert offline.stdout == from_hub.stdout, offline.stderr


@pytest.mark.parametrize(
    "repository, words",
    [
        ("private", "hf auth login"),
        ("empty", "has no student_int8.tflite"),
        pytest.param("broken", "network", marks=pytest.mark.slow),  # the Hub's client tries six times
    ],
)
def test_what_cannot_be_fetched_is_one_sentence(predict, repository: str, words: str) -> None:
    assert_refused(predict(f"clinic/{repository}"), f"clinic/{repository}", words)


@pytest.mark.slow
def test_without_network_the_sentence_names_both_readings(predict) -> None:
    assert_refused(predict("clinic/alzedge", address="http://127.0.0.1:9"), "no file here", "network")
