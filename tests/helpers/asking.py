"""Asking a running page as a program does, with HTTP alone; for tests and benchmarks."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.inference.classifier import Classifier
from alzedge.inference.guard import BLOCK

API = "gradio_api"


def upload(client: httpx.Client, files: Sequence[tuple[str, bytes]]) -> list[str]:
    """Upload files; where the server has put them."""
    response = client.post(f"{API}/upload", files=[("files", file) for file in files])
    response.raise_for_status()
    return list(response.json())


def file_data(path: str) -> dict[str, Any]:
    """How a question names a file."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def question(client: httpx.Client, endpoint: str, paths: Sequence[str]) -> tuple[str, Any]:
    """The last event of an endpoint, `complete` or `error`, and its data."""
    asked = client.post(f"{API}/call/{endpoint}", json={"data": [[file_data(path) for path in paths]]})
    asked.raise_for_status()
    answered = client.get(f"{API}/call/{endpoint}/{asked.json()['event_id']}")
    answered.raise_for_status()
    event, data = answered.text.strip().split("\n\n")[-1].split("\n", 1)
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def ask(client: httpx.Client, files: Sequence[tuple[str, bytes]], endpoint: str = "predict") -> tuple[str, Any]:
    """Upload files and ask about them."""
    return question(client, endpoint, upload(client, files))


def likely_slices(classifier: Classifier, count: int) -> NDArray[np.uint8]:
    """Mosaics that the guard takes for slices, all different: its mean, and along its components. uint8 (N, 208, 176)."""
    guard = classifier.guard
    assert guard is not None
    shifts = np.linspace(-1, 1, count)[:, np.newaxis] * np.sqrt(guard.variance[0]) * guard.components[0]
    blocks = (guard.mean[0] + shifts).reshape(count, HEIGHT // BLOCK, WIDTH // BLOCK)
    mosaic = blocks.repeat(BLOCK, axis=1).repeat(BLOCK, axis=2)
    return np.rint(mosaic * 255).clip(0, 255).astype(np.uint8)


def read(path: Path) -> tuple[str, bytes]:
    """A file as `upload` takes it."""
    return path.name, path.read_bytes()
