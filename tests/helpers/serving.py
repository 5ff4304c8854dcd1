"""A running `alzedge demo` that notes whom it connects to; for tests of its endpoints."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

# Hosts that the server connects to and heavy packages that it imports, as Python itself sees it.
WATCH = """
import os, sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        told = arguments[1] if event == "socket.connect" else arguments[0]
    elif event == "import" and arguments[0].partition(".")[0] in ("tensorflow", "keras", "torch"):
        told = arguments[0]
    else:
        return
    with open(os.environ["ALZEDGE_WATCHED"], "a") as log:
        print(event, told, file=log)
sys.addaudithook(watch)
"""


@dataclass(frozen=True)
class Served:
    """A running `alzedge demo`.

    Attributes:
        address: of its page, without a slash at the end.
        process: of the server.
        folder: where it makes its temporary files.
        watched: the file in which it notes its own connections and heavy imports.
        log: its standard error.
    """

    address: str
    process: subprocess.Popen[str]
    folder: Path
    watched: Path
    log: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=120)

    def files(self) -> list[Path]:
        """All files it keeps, while they come and go; Gradio makes an empty folder beside them."""
        found = (Path(place, name) for place, _, names in os.walk(self.folder) for name in names)
        return [path for path in found if path.is_file()]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """A server whose temporary files lie in a folder, until it is told to end; it must end well."""
    port = free_port()
    watching, temporary = folder / "watching", folder / "tmp"
    watching.mkdir()
    temporary.mkdir()
    (watching / "sitecustomize.py").write_text(WATCH)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(watching), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "TMPDIR": str(temporary),
        "ALZEDGE_WATCHED": str(folder / "watched"),
    }
    environment.pop("GRADIO_TEMP_DIR", None)
    environment["ALL_PROXY"] = "socks://127.0.0.1:7891/"  # of a kind that no HTTP client here knows; none is needed
    command = [sys.executable, "-m", "alzedge", "demo", "--no-prepare", "--port", str(port)]
    log = (folder / "log").open("w")
    with log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as process:
        try:
            assert process.stdout is not None and "serving the page" in process.stdout.readline()
            yield Served(f"http://127.0.0.1:{port}", process, temporary, folder / "watched", folder / "log")
        finally:
            process.terminate()


def run_program(language: str, program: str, folder: Path) -> str:
    """Standard output of a document's program, Python or bash, run in a folder."""
    command = [sys.executable, "-c", program] if language == "python" else ["bash", "-euo", "pipefail", "-c", program]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout
