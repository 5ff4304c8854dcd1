"""The page's JSON endpoints, asked of a running server: every answer is below 500, short and without a traceback."""

import atexit
import json
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from fuzzing.campaign import Parser
from fuzzing.mutators import json_of
from helpers.asking import API, file_data, likely_slices, upload
from helpers.images import encoded
from PIL import Image

from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier

_ENDPOINTS = ("predict", "predict_batch")


def parsers() -> dict[str, Parser]:
    """Parsers by name."""
    starts = [{"data": [[file_data("PATH")], 74, "F"]}, {"data": [[file_data("PATH"), file_data("PATH")]]}]
    return {"rest": Parser(tuple(json.dumps(start).encode() for start in starts), json_of, _ask, 0.1)}


@cache
def _client() -> httpx.Client:
    """A client of a server that ends with this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "alzedge", "demo", "--no-prepare", "--port", str(port)]
    # Bodies are sent whole; ours is the only visitor, so the server needs one thread.
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    atexit.register(server.kill)
    assert server.stdout is not None and server.stdout.readline()
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)


@cache
def _picture() -> bytes:
    return encoded(Image.fromarray(likely_slices(Classifier.load(), 1)[0]))


def _ask(_: Path, data: bytes) -> Any:
    client = _client()
    (path,) = upload(client, [("a.png", _picture())])
    body = data.replace(b"PATH", path.encode())
    endpoint = _ENDPOINTS[len(data) % 2]
    asked = client.post(f"{API}/call/{endpoint}", content=body, headers={"Content-Type": "application/json"})
    _check(asked)
    if asked.status_code != 200:
        raise UserError(f"refused with {asked.status_code}.")
    answered = client.get(f"{API}/call/{endpoint}/{asked.json()['event_id']}")
    _check(answered)
    event, told = answered.text.strip().split("\n\n")[-1].split("\n", 1)
    if event == "event: error":
        raise UserError("an error event.")
    assert event == "event: complete" and json.loads(told.removeprefix("data: "))


def _check(response: httpx.Response) -> None:
    assert response.status_code < 500 or response.status_code == 503, f"{response.status_code} {response.text[:200]}"
    assert "Traceback" not in response.text and len(response.text) < 20_000, response.text[:200]
