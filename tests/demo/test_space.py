"""The Space: a folder that runs with its own requirements alone."""

import importlib.metadata
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import httpx
import pytest
from helpers.asking import ask, likely_slices
from helpers.commands import assert_refused, run_cli
from helpers.images import encoded
from PIL import Image

import alzedge.demo
from alzedge.demo.space import build_space
from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier
from alzedge.model_file.bundled import bundled_model

ROOM = Path(alzedge.demo.__path__[0])


def wanted_packages() -> list[str]:
    """Requirements of the edge runtime and of the page, as the installed package or its checkout tells them."""
    try:
        wanted = importlib.metadata.requires("alzedge") or []
    except importlib.metadata.PackageNotFoundError:
        project = tomllib.loads((ROOM.parent / "pyproject.toml").read_text())["project"]
        extras = project["optional-dependencies"]
        return [*project["dependencies"], *extras["demo"], *extras["prepare"], *extras["medical"]]
    return [
        line
        for line in wanted
        if "extra ==" not in line or re.search(r"extra == ['\"](demo|prepare|medical)['\"]", line)
    ]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!; \[]", line, maxsplit=1)[0].lower() for line in requirements}


def test_a_space_holds_all_it_needs_and_replaces_an_earlier_one(tmp_path: Path) -> None:
    out = tmp_path / "space"
    build_space(out, bundled_model())
    assert (out / "model.tflite").read_bytes() == bundled_model().read_bytes()
    build_space(out, None)
    assert not (out / "model.tflite").exists()
    assert {"README.md", "requirements.txt", "app.py", "alzedge"} <= {path.name for path in out.iterdir()}
    assert (
        out / "alzedge" / "inference" / "bundled" / bundled_model().name
    ).read_bytes() == bundled_model().read_bytes()
    for kind in ("*.py", "*.html", "*.css", "*.js", "*.png", "NOTICE.txt"):
        there = {path.relative_to(ROOM) for path in ROOM.rglob(kind)}
        copied = {path.relative_to(out / "alzedge" / "demo") for path in (out / "alzedge" / "demo").rglob(kind)}
        assert there and there <= copied, kind
    assert not any(path.name == "__pycache__" or path.is_symlink() for path in out.rglob("*"))
    assert sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) < 10 * 2**20


def test_the_requirements_are_the_packages_of_the_edge_runtime_and_the_page(tmp_path: Path) -> None:
    told = (build_space(tmp_path / "space", None) / "requirements.txt").read_text().splitlines()
    assert names(told) == names(wanted_packages()) - {"alzedge"}


def test_the_front_matter_is_a_spaces(tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    out = build_space(tmp_path / "space", None)
    data = hub.RepoCard.load(out / "README.md").data.to_dict()
    assert data["sdk"] == "gradio" and (out / data["app_file"]).is_file()
    assert f"gradio=={data['sdk_version']}" in (out / "requirements.txt").read_text().splitlines()
    assert len(data["short_description"]) <= 60 and data["license"] == "apache-2.0"


def test_what_is_no_space_is_not_written_to_and_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        build_space(tmp_path, None)
    bad = tmp_path / "model.tflite"
    bad.write_bytes(b"no model")
    assert_refused(run_cli("space", "build", tmp_path / "out", "--model", bad), bad)
    assert not (tmp_path / "out" / "app.py").exists()


@pytest.mark.slow
def test_a_space_runs_with_its_own_requirements_alone(tmp_path: Path) -> None:
    out = tmp_path / "space"
    assert run_cli("space", "build", out).returncode == 0
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True, env=clean)
    command = [tmp_path / "venv/bin/pip", "install", "--quiet", "-r", out / "requirements.txt"]
    installed = subprocess.run(command, check=False, capture_output=True, text=True, env=clean)
    if installed.returncode != 0 and "No matching distribution" not in installed.stderr:
        pytest.skip(f"no package index here: {installed.stderr.strip().splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr
    assert_a_space_answers(tmp_path / "venv/bin/python", out, clean)


def assert_a_space_answers(python: Path, out: Path, environment: dict[str, str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    classifier = Classifier.load()
    pixels = likely_slices(classifier, 1)[0]
    with subprocess.Popen([python, "app.py"], cwd=out, env={**environment, "PORT": str(port)}) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
                wait_for(client, process)
                listed = client.get("healthz").json()
                event, (answer,) = ask(client, [("slice.png", encoded(Image.fromarray(pixels)))])
        finally:
            process.terminate()
        assert process.wait(60) == 0
    assert listed["model"] == classifier.record["sha256"]
    assert event == "complete"
    assert answer["probabilities"] == pytest.approx(classifier.answers(pixels[None])[0].probabilities, abs=1e-6)


def wait_for(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            client.get("healthz")
            return
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError("the Space did not start")
