"""Load on the endpoints for programs: TensorFlow Serving's, KServe's, the page's, and the bare classifier beside them.

    python benchmarks/bench_serving.py [--requests 10000]

Everything is measured in one run on one machine, clients beside the server; processor time of the server tells what one
core can do. A request asks about one slice: as rows of numbers (`:predict`), as bytes (`infer`), as a PNG file (the others).
"""

import argparse
import base64
import contextlib
import http.client
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from bench_page import ALZEDGE, PAUSE, USERS, Asking, Server, load, page_users, serving
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from helpers.asking import likely_slices
from helpers.images import encoded

from alzedge.inference.classifier import Classifier

PREDICT, INFER = "/v1/models/alzedge:predict", "/v2/models/alzedge/infer"


def bodies_asking(path: str, bodies: list[bytes], headers: dict[str, str]) -> Asking:
    """Users who post ready-made bodies over a connection of their own; making them is not what is measured."""

    @contextlib.contextmanager
    def asking(server: Server, user: int) -> Iterator[Callable[[int], bool]]:
        connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=600)

        def one(number: int) -> bool:
            connection.request("POST", path, bodies[(user + number) % len(bodies)], headers)
            response = connection.getresponse()
            answer = response.read()
            return response.status == 200 and b"NonDemented" in answer

        with contextlib.closing(connection):
            yield one

    return asking


def endpoints(slices: NDArray[np.uint8]) -> dict[str, Asking]:
    """Users by the endpoint that they ask."""
    pictures = [encoded(Image.fromarray(pixels)) for pixels in slices]
    rows = [json.dumps({"instances": [pixels.tolist()]}).encode() for pixels in slices]
    files = [json.dumps({"instances": [{"b64": base64.b64encode(one).decode()}]}).encode() for one in pictures]
    size = slices[0].size
    tensor = {"name": "images", "shape": [1, 208, 176], "datatype": "UINT8", "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [tensor]}).encode()
    raw = [head + pixels.tobytes() for pixels in slices]
    return {
        "`:predict`, numbers": bodies_asking(PREDICT, rows, {}),
        "`infer`, bytes": bodies_asking(INFER, raw, {"Inference-Header-Content-Length": str(len(head))}),
        "`:predict`, PNG": bodies_asking(PREDICT, files, {}),
        "the page's, PNG": page_users(pictures),
    }


def bare(slices: NDArray[np.uint8], requests: int) -> None:
    """One row for `Classifier.answers` on a slice at a time, in this process."""
    classifier, seconds = Classifier.load(), []
    classifier.answers(slices[:1])
    spent = time.process_time()
    for number in range(requests):
        start = time.perf_counter()
        classifier.answers(slices[number % len(slices)][np.newaxis])
        seconds.append(time.perf_counter() - start)
    spent = time.process_time() - spent
    told = f"{requests / sum(seconds):.0f} | {1000 * statistics.median(seconds):.1f} | "
    told += f"{1000 * sorted(seconds)[int(0.95 * (requests - 1))]:.1f} | {requests / spent:.0f} | 0"
    print(f"| `Classifier.answers` | 1 | {requests} | {told} |", flush=True)


def row(name: str, users: int, found: dict[str, float]) -> None:
    """One row of the table."""
    told = (
        f"{found['rate']:.0f} | {found['p50']:.1f} | {found['p95']:.1f} | {1000 / found['cpu']:.0f} | {found['errors']}"
    )
    print(f"| {name} | {users} | {found['requests']} | {told} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="to `:predict`, over which memory is told")
    options = parser.parse_args()
    slices = likely_slices(Classifier.load(), 16)
    some, ratios = max(100, options.requests // 20), []
    print(
        f"{os.cpu_count()} cores\n\n| endpoint | users | requests | requests/s | p50 ms | p95 ms | per core and s | errors |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    bare(slices, some)
    with serving(ALZEDGE) as server:
        asked = endpoints(slices)
        for name, asking in asked.items():
            load(server, 4, some // 2, asking)
            p95 = {}
            for users in USERS:
                found = load(server, users, max(some, 2 * users), asking)
                p95[users] = found["p95"]
                row(name, users, found)
            one, ten = (load(server, users, 30 * users, asking, PAUSE)["p95"] for users in (1, 10))
            ratios.append(f"| {name} | {p95[10] / p95[1]:.1f} | {one:.1f} | {ten:.1f} | {ten / one:.1f} |")
        before = server.resident_mib
        found = load(server, 10, options.requests, asked["`:predict`, numbers"])
        row("`:predict`, numbers", 10, found)
        after = server.resident_mib
    print(f"\nmemory over these last {found['requests']}: {before:.0f} to {after:.0f} MiB, {after - before:+.1f} MiB")
    print(
        f"\n| p95 | 10 hurried users / 1 | one who pauses {PAUSE:g} s, ms | ten of them, ms | ratio |\n|---|---|---|---|---|"
    )
    print("\n".join(ratios))


if __name__ == "__main__":
    main()
