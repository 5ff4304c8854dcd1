"""Load on the running page: users at once, memory after a thousand requests, first page of a cold server.

    python benchmarks/bench_page.py [--requests 1000] [--starts 2]

Everything is measured in one run on one machine, clients beside the server; ratios say more than times.
"""

import argparse
import contextlib
import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from helpers.asking import ask, likely_slices
from helpers.images import encoded
from PIL import Image

from alzedge.inference.classifier import Classifier

ALZEDGE = "from alzedge.demo.serving.server import serve; serve(None, '127.0.0.1', {port})"
EMPTY = """
import gradio as gr, uvicorn
from fastapi import FastAPI
with gr.Blocks(analytics_enabled=False) as page:
    pass
uvicorn.run(gr.mount_gradio_app(FastAPI(), page, path=""), host="127.0.0.1", port={port}, log_level="warning")
"""
USERS = (1, 10, 50)
PAUSE = 0.5


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[bytes]
    address: str

    @property
    def resident_mib(self) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024

    @property
    def processor_seconds(self) -> float:
        """Spent so far; unlike the clock's, they do not grow when others use the machine."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(code: str) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", code.format(port=port)], env={**os.environ})
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Server(process, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


def first_page(code: str) -> float:
    """Seconds for the page and every file it names, asked of a server that has answered nothing yet."""
    with serving(code) as server, httpx.Client(base_url=server.address, timeout=600) as client:
        start = time.perf_counter()
        page = client.get("/").text
        for name in sorted(set(re.findall(r'(?:src|href)="(\.?/?(?:assets|static|theme)[^"]+)"', page))):
            client.get(name.removeprefix("."))
        return time.perf_counter() - start


Asking = Callable[[Server, int], contextlib.AbstractContextManager[Callable[[int], bool]]]


def page_users(pictures: list[bytes]) -> Asking:
    """Users of the page's endpoint: upload, question, answer."""

    @contextlib.contextmanager
    def asking(server: Server, user: int) -> Iterator[Callable[[int], bool]]:
        def one(number: int) -> bool:
            event, data = ask(client, [(f"{user}.png", pictures[(user + number) % len(pictures)])])
            return event == "complete" and data[0]["probabilities"] is not None

        with httpx.Client(base_url=server.address, timeout=600) as client:
            yield one

    return asking


def load(server: Server, users: int, requests: int, asking: Asking, pause: float = 0) -> dict[str, float]:
    """Requests of users who each wait for one answer, and perhaps a while more, before they ask again."""

    def use(user: int) -> tuple[list[float], int]:
        seconds, errors = [], 0
        with asking(server, user) as one:
            time.sleep(pause * user / users)
            for number in range(requests // users):
                start = time.perf_counter()
                try:
                    errors += not one(number)
                except (httpx.HTTPError, OSError, http.client.HTTPException):
                    errors += 1
                seconds.append(time.perf_counter() - start)
                time.sleep(pause)
        return seconds, errors

    start, before = time.perf_counter(), server.processor_seconds
    with ThreadPoolExecutor(users) as pool:
        results = list(pool.map(use, range(users)))
    elapsed = time.perf_counter() - start
    spent = server.processor_seconds - before
    seconds = sorted(second for result in results for second in result[0])
    return {
        "requests": len(seconds),
        "rate": len(seconds) / elapsed,
        "p50": 1000 * statistics.median(seconds),
        "p95": 1000 * seconds[int(0.95 * (len(seconds) - 1))],
        "cpu": 1000 * spent / len(seconds),
        "errors": sum(result[1] for result in results),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000, help="in all, of which memory is told")
    parser.add_argument("--starts", type=int, default=2, help="cold servers of each kind")
    options = parser.parse_args()
    pictures = [encoded(Image.fromarray(pixels)) for pixels in likely_slices(Classifier.load(), 16)]
    with serving(ALZEDGE) as server:
        asking = page_users(pictures)
        load(server, 1, 20, asking)
        before = server.resident_mib
        print(
            "| users | requests | requests/s | p50 ms | p95 ms | processor ms each | errors |\n|---|---|---|---|---|---|---|"
        )
        p95 = {}
        shares = {1: 0.1, 10: 0.4, 50: 0.5}
        for users in USERS:
            found = load(server, users, max(users, int(options.requests * shares[users])), asking)
            p95[users] = found["p95"]
            row = f"{found['rate']:.1f} | {found['p50']:.0f} | {found['p95']:.0f} | {found['cpu']:.1f} | {found['errors']}"
            print(f"| {users} | {found['requests']} | {row} |", flush=True)
        after = server.resident_mib
        unhurried = {users: load(server, users, 30 * users, asking, PAUSE)["p95"] for users in (1, 10)}
    print(f"p95 at 10 users: {p95[10] / p95[1]:.1f} times the single user's")
    one, ten = unhurried.values()
    print(f"the same when each reads for {PAUSE} s: {one:.0f} and {ten:.0f} ms, {ten / one:.1f} times")
    print(f"memory: {before:.0f} MiB, {after:.0f} MiB after these requests: {after - before:+.1f} MiB", flush=True)
    pairs = [(first_page(ALZEDGE), first_page(EMPTY)) for _ in range(options.starts)]
    if pairs:
        ours, empty = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"first page of a cold server: {ours:.2f} s, empty Gradio page {empty:.2f} s: {ours / empty:.1f} times")


if __name__ == "__main__":
    main()
