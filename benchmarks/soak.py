"""Hostile and honest load on one page for as long as told; `make soak` runs it.

    python benchmarks/soak.py [--minutes 60] [--honest 3] [--hostile 4] [--pause 0.2] [--seed 14]

Honest visitors upload slices and volumes and check that each gets the answer that the classifier gives. Hostile ones
upload files of the fuzzing campaign, stall with half a request, send bodies that are too large, hang up, hold hundreds
of parts half sent, leave answers unread, ask for a large file and do not read it, and ask for what is not there, each
from an address of its own. Every half minute the server's memory, descriptors (the most since, looked at twice a second)
and kept files are noted, with the slowest honest answer since. The exit code is 1 when an honest visitor got a wrong
answer or none, when the server ended, when memory grew over the second half by more than a tenth, or when the server had
more than 150 descriptors.
"""

import argparse
import collections
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import gradio
import httpx
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from fuzzing.campaign import item_of
from fuzzing.registry import parser_of
from helpers.asking import API, ask, file_data, likely_slices, upload
from helpers.images import encoded
from helpers.volumes import as_grid, save_nifti

from alzedge.inference.classifier import Classifier

EVERY = 30.0
MOST_DESCRIPTORS = 150
# Parsers whose changed files the hostile visitors upload, and the ends of their names.
HOSTILE = {
    "png": ".png",
    "jpeg": ".jpg",
    "tiff": ".tif",
    "webp": ".webp",
    "nifti": ".nii",
    "nifti_gz": ".nii.gz",
    "dicom": ".dcm",
}
UPLOAD = f"POST /{API}/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n".encode()
PART = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
ASSETS = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
LARGEST = max(ASSETS.iterdir(), key=lambda path: path.stat().st_size).name
PARSERS = {name: parser_of(name) for name in HOSTILE}


@dataclass
class Counts:
    """Results so far, and the slowest honest answer since the last line."""

    results: collections.Counter[str] = field(default_factory=collections.Counter)
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Honest:
    """Files of honest visitors, each with the probability of no dementia that its answer must hold."""

    files: tuple[tuple[str, bytes, float], ...]


def make_honest(classifier: Classifier) -> Honest:
    """Slices as PNG and JPEG, and a volume of them."""
    slices = likely_slices(classifier, 12)
    pictures = []
    for number, pixels in enumerate(slices):
        answer = classifier.answers(pixels[np.newaxis])[0]
        assert answer.probabilities is not None
        data = encoded(Image.fromarray(pixels), "PNG")
        pictures.append((f"{number}.png", data, next(iter(answer.probabilities.values()))))
    with tempfile.TemporaryDirectory() as folder:
        path = save_nifti(Path(folder) / "head.nii.gz", as_grid(slices[:6]))
        data, person = path.read_bytes(), classifier.predict(path, prepare=False).person.probabilities
    assert person is not None
    return Honest((*pictures, ("head.nii.gz", data, next(iter(person.values())))))


def client_of(address: str, visitor: int) -> httpx.Client:
    """A client with an address of its own on this machine."""
    transport = httpx.HTTPTransport(local_address=f"127.0.0.{2 + visitor}")
    return httpx.Client(base_url=address, timeout=120, transport=transport)


def ask_honestly(client: httpx.Client, honest: Honest, rng: random.Random, counts: Counts) -> None:
    """One question, whose answer is checked."""
    name, data, expected = rng.choice(honest.files)
    start = time.monotonic()
    try:
        event, told = ask(client, [(name, data)])
        right = event == "complete" and abs(told[0]["probabilities"]["NonDemented"] - expected) < 1e-4
        counts.results["honest answers" if right else "honest answers that are wrong"] += 1
        if not right:
            counts.wrong.append(f"{name}: {event} {str(told)[:300]}")
    except httpx.HTTPError as error:
        counts.results["honest questions unanswered"] += 1
        counts.wrong.append(f"{name}: {error!r}")
    counts.slowest = max(counts.slowest, time.monotonic() - start)


def harm(client: httpx.Client, rng: random.Random, counts: Counts) -> None:
    """One hostile act; whatever the server answers below 500, or 503, is right."""
    act = rng.choice((upload_changed, upload_changed, upload_changed, *OTHER_ACTS))
    try:
        status = act(client, rng)
    except (httpx.HTTPError, OSError):
        status = 0  # cut off, as it should be
    counts.results[f"hostile: {act.__name__}, {status or 'cut off'}"] += 1
    if status >= 500 and status != 503:
        counts.wrong.append(f"{act.__name__}: {status}")


def upload_changed(client: httpx.Client, rng: random.Random) -> int:
    """A changed file, asked about like any other."""
    name = rng.choice(list(HOSTILE))
    data = item_of(PARSERS[name], name, 14, rng.randrange(10**6))
    event, _ = ask(client, [(f"a{HOSTILE[name]}", data)], rng.choice(("predict", "predict_batch")))
    return 200 if event == "complete" else 422


def stall(client: httpx.Client, rng: random.Random) -> int:
    """Half a request, and silence for some seconds."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), 60) as connection:
        connection.sendall(f"POST /{API}/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n".encode())
        time.sleep(rng.uniform(1, 12))
    return 0


def hang_up(client: httpx.Client, rng: random.Random) -> int:
    """A megabyte announced, a part of it sent."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), 60) as connection:
        connection.sendall(UPLOAD + PART + rng.randbytes(rng.randrange(1, 300_000)))
    return 0


def hold_parts(client: httpx.Client, rng: random.Random) -> int:
    """Hundreds of files, each of them whole, and silence before the end of the form."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), 60) as connection:
        connection.sendall(UPLOAD + (PART + b"x\r\n") * rng.randrange(100, 599))
        time.sleep(rng.uniform(1, 25))
    return 0


def stop_reading(client: httpx.Client, rng: random.Random) -> int:
    """The largest file of the page, asked for and not read."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((client.base_url.host, client.base_url.port or 80))
        connection.sendall(f"GET /assets/{LARGEST} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(rng.uniform(1, 25))
    return 0


def too_large(client: httpx.Client, rng: random.Random) -> int:
    """A question of two megabytes, or a thousand files."""
    if rng.random() < 0.5:
        return client.post(f"{API}/call/predict", json={"data": ["x" * 2_000_000]}).status_code
    return client.post(f"{API}/upload", files=[("files", (f"{n}.png", b"x")) for n in range(1000)]).status_code


def leave_unread(client: httpx.Client, rng: random.Random) -> int:
    """A question whose answer nobody fetches."""
    paths = upload(client, [("a.png", item_of(PARSERS["png"], "png", 14, rng.randrange(10**6)))])
    return client.post(f"{API}/call/predict", json={"data": [[file_data(path) for path in paths]]}).status_code


def ask_for_files(client: httpx.Client, rng: random.Random) -> int:
    """Files of the server, and other servers through it."""
    paths = (
        "/file=/etc/passwd",
        f"/{API}/file=../../etc/passwd",
        f"/{API}/proxy=http://127.0.0.1:1/",
        "/%2e%2e/etc/passwd",
    )
    status = client.get(rng.choice(paths)).status_code
    return status if status >= 400 else 599


OTHER_ACTS = (stall, hang_up, hold_parts, too_large, leave_unread, stop_reading, ask_for_files)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The page on this machine, its temporary files in a folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "alzedge", "demo", "--no-prepare", "--port", str(port)]
    environment = os.environ | {"TMPDIR": str(folder)}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as server,
    ):
        try:
            assert server.stdout is not None and server.stdout.readline()
            yield server, f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def resident_mib(process: int) -> tuple[float, float]:
    """Memory of a process, and of its children together."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    own, *others = (
        int(Path(f"/proc/{one}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        for one in (str(process), *children)
        if Path(f"/proc/{one}/statm").exists()
    )
    return own, sum(others)


def most_descriptors(process: int, until: float) -> int:
    """The most descriptors that a process has until then."""
    most = 0
    while True:
        most = max(most, len(list(Path(f"/proc/{process}/fd").iterdir())))
        if (left := until - time.monotonic()) <= 0:
            return most
        time.sleep(min(0.5, left))


def visit(until: float, pause: float, act: Callable[[random.Random], None], seed: str) -> None:
    """Act again and again, with pauses."""
    rng = random.Random(seed)
    while time.monotonic() < until:
        act(rng)
        time.sleep(pause * rng.uniform(0.5, 1.5))


def main() -> None:
    """Read the options, load the page, print."""
    parser = argparse.ArgumentParser(description="Load the page for a long time.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--honest", type=int, default=3, help="honest visitors")
    parser.add_argument("--hostile", type=int, default=4, help="hostile visitors")
    parser.add_argument(
        "--pause", type=float, default=0.2, help="seconds that a visitor waits between two acts, on average"
    )
    parser.add_argument("--seed", type=int, default=14)
    options = parser.parse_args()
    honest, counts, memory, most = make_honest(Classifier.load()), Counts(), list[float](), 0
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as (server, address):
        until = time.monotonic() + 60 * options.minutes
        threads = []
        for number in range(options.honest + options.hostile):
            client = client_of(address, number)
            act = (
                (lambda rng, c=client: ask_honestly(c, honest, rng, counts))
                if number < options.honest
                else (lambda rng, c=client: harm(c, rng, counts))
            )
            threads.append(
                threading.Thread(
                    target=visit, args=(until, options.pause, act, f"{options.seed} {number}"), daemon=True
                )
            )
            threads[-1].start()
        print("minute  server MiB  workers MiB  descriptors  files  slowest s  honest answers  troubles")
        begin = time.monotonic()
        while time.monotonic() < until:
            try:
                descriptors = most_descriptors(server.pid, min(time.monotonic() + EVERY, until))
            except FileNotFoundError:
                raise SystemExit("the server has ended") from None
            own, others = resident_mib(server.pid)
            memory.append(own)
            most = max(most, descriptors)
            files = sum(len(names) for _, _, names in os.walk(name))  # folders come and go meanwhile
            row = f"{(time.monotonic() - begin) / 60:>6.1f}  {own:>10.0f}  {others:>11.0f}  {descriptors:>11}  {files:>5}  {counts.slowest:>9.2f}"
            print(f"{row}  {counts.results['honest answers']:>14}  {len(counts.wrong)}", flush=True)
            counts.slowest = 0.0
        for thread in threads:
            thread.join(150)
        with client_of(address, 0) as client:
            print("at the end:", client.get("/healthz").json())
            ask_honestly(client, honest, random.Random(0), counts)
        print("log of the server:", len((Path(name) / "log").read_text().splitlines()), "lines")
    half = memory[len(memory) // 2 :]
    print(json.dumps(dict(sorted(counts.results.items())), indent=1))
    print(f"{sum(counts.results.values())} acts; memory in the second half {min(half):.0f} to {max(half):.0f} MiB")
    print(f"{most} descriptors at most")
    for one in counts.wrong[:20]:
        print(one)
    sys.exit(1 if counts.wrong or half[-1] > 1.1 * half[0] or most > MOST_DESCRIPTORS else 0)


if __name__ == "__main__":
    main()
