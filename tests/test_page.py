"""The page, driven in headless Chromium."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import assert_refused, run_cli, run_code
from PIL import Image

from alzedge.dataset import DataSet
from alzedge.stages import DISCLAIMER, TITLES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Nothing but the page itself may be asked for; Chromium's own background traffic is off.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(*options: object) -> Iterator[str]:
    """Address of a running `alzedge demo`."""
    port = free_port()
    command = [sys.executable, "-m", "alzedge", "demo", "--port", str(port), *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert "serving the page" in line
        yield f"http://127.0.0.1:{port}/"
        server.terminate()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The page of the bundled student."""
    with serving() as address:
        yield address


@contextlib.contextmanager
def browsing(address: str) -> Iterator[Any]:
    """A fresh browser page; whatever it asks of other hosts is collected in `page.foreign`."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with (
        sync_playwright() as playwright,
        contextlib.closing(playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)) as browser,
    ):
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(60_000)
        page.foreign = []  # type: ignore[attr-defined]
        page.on("request", lambda r: r.url.startswith((address, "data:", "blob:")) or page.foreign.append(r.url))
        page.goto(address)
        yield page
        if folder := os.environ.get("ALZEDGE_SCREENSHOTS"):
            name = os.environ["PYTEST_CURRENT_TEST"].split("::")[1].split(" ")[0]
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    with browsing(address) as page:
        yield page


def answer_of(page) -> str:
    page.locator(".bars").wait_for()
    return page.locator(".bars").locator("xpath=..").inner_text()


def test_a_drawn_phantom_is_answered(page) -> None:
    page.get_by_text(DISCLAIMER).first.wait_for()
    page.get_by_role("button", name="Draw a phantom").click()
    text = answer_of(page)
    assert all(title in text for title in TITLES)
    shares = [float(line[:-1]) for line in text.splitlines() if line.endswith("%") and line[0].isdigit()]
    assert len(shares) == 4 and abs(sum(shares) - 100) < 0.5
    assert "student-int8" in text and " ms" in text and DISCLAIMER in text
    assert "learned from real slices only" in text
    page.locator(".slice img").wait_for()
    assert page.foreign == []


def test_an_uploaded_slice_gets_the_answer_of_the_command(tiny_run: Path, phantoms: DataSet, tmp_path: Path) -> None:
    """With a student that has learned from phantoms, whose guard knows them."""
    path, model = tmp_path / "<b>slice.png", tiny_run / "student_int8.tflite"
    Image.fromarray(phantoms.images[50]).save(path)
    with serving("--model", model) as address, browsing(address) as page:
        page.set_input_files("input[type=file]", path)
        text = answer_of(page)
        assert page.locator(".bars").locator("xpath=..").locator("b").count() == 0
    told = json.loads(run_cli("predict", "--json", "--model", model, path).stdout)["predictions"][0]["probabilities"]
    for title, share in zip(TITLES, told.values(), strict=True):
        assert re.search(rf"{title}\s+{share:.1%}", text), text


def test_what_the_guard_refuses_gets_no_probabilities(page, phantoms: DataSet, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)).save(path)
    page.set_input_files("input[type=file]", path)
    alert = page.get_by_role("alert").filter(has_text="No answer")
    alert.wait_for()
    assert "cat.png: this does not look like an axial brain MRI slice" in alert.inner_text()
    assert page.locator(".bars").count() == 0


def test_what_is_no_slice_is_refused_kindly_and_the_page_goes_on(page, phantoms: DataSet, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_text("meow")
    page.set_input_files("input[type=file]", path)
    alert = page.get_by_role("alert").filter(has_text="No answer")
    alert.wait_for()
    assert "cat.jpg: not a JPEG or PNG image" in alert.inner_text()
    page.get_by_role("button", name="Draw a phantom").click()
    answer_of(page)


def test_the_page_fits_a_phone(page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("button", name="Draw a phantom").click()
    answer_of(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_page_needs_no_tensorflow(address: str) -> None:
    code = (
        "import sys; from alzedge.demo.server import make_app; make_app(None)\n"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    result = run_code(code)
    assert result.stdout.strip() == "[]", result.stderr
    with urllib.request.urlopen(address, timeout=30) as response:
        assert response.status == 200


def test_a_taken_port_is_one_sentence(address: str) -> None:
    port = address.rsplit(":", 1)[1].strip("/")
    assert_refused(run_cli("demo", "--port", port), port, "another --port")
