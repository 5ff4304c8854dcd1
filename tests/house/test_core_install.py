"""The wheel with the core extra alone, in an environment of its own, and the programs of docs/raspberry-pi.md in it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.asking import likely_slices
from PIL import Image

from alzedge.inference.classifier import Classifier
from alzedge.stages import DISCLAIMER, STAGES

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "teacher").is_dir(), reason="needs the checkout to build the wheel from"),
]

Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command in a folder with `slice.png` and `venv`, where the wheel alone is installed."""
    folder = tmp_path_factory.mktemp("core")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*command: object, expect: int = 0) -> str:
        done = subprocess.run(
            list(map(str, command)), check=False, capture_output=True, text=True, timeout=900, cwd=folder, env=clean
        )
        assert done.returncode == expect, done.stderr
        return done.stdout if expect == 0 else done.stderr

    run(sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT)
    run(sys.executable, "-m", "venv", "venv")
    run("venv/bin/pip", "install", "--quiet", next((folder / "dist").glob("*.whl")))
    Image.fromarray(likely_slices(Classifier.load(), 12)[3]).save(folder / "slice.png")
    return run


def test_core_install_holds_no_tensorflow(run: Run) -> None:
    installed = run("venv/bin/pip", "list", "--format", "freeze").lower()
    assert "alzedge" in installed
    assert "tensorflow" not in installed and "keras" not in installed and "gradio" not in installed
    listing = "import pathlib, alzedge; print(*[p.name for p in pathlib.Path(alzedge.__file__).parents[1].iterdir()])"
    top_level = set(run("venv/bin/python", "-c", listing).split())
    assert "alzedge" in top_level and not {"teacher", "student", "export", "demo", "tests"} & top_level


def test_core_install_predicts_and_inspects(run: Run) -> None:
    assert any(stage in run("venv/bin/alzedge", "predict", "--no-guard", "slice.png") for stage in STAGES)
    assert '"labels"' in run("venv/bin/alzedge", "inspect", bundled(run), "--json")
    refused = run("venv/bin/alzedge", "run", expect=2)
    assert "alzedge[export]" in refused and "Traceback" not in refused


def test_the_programs_for_the_raspberry_pi_run_as_they_stand(run: Run, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "raspberry-pi.md").read_text()
    programs = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(programs) == 1
    (tmp_path / "program.py").write_text(programs[0])
    alone = ROOT / "docs" / "raspberry-pi" / "alzedge_slice.py"
    assert "import alzedge" not in alone.read_text() and "from alzedge" not in alone.read_text()
    told = run("venv/bin/python", tmp_path / "program.py")
    assert told.startswith("any dementia ") and all(f"{stage:20} " in told for stage in STAGES) and DISCLAIMER in told
    assert run("venv/bin/python", alone, bundled(run), "slice.png") == told


def bundled(run: Run) -> str:
    """The bundled model in the environment."""
    return run(
        "venv/bin/python", "-c", "from alzedge.inference.classifier import bundled_model; print(bundled_model())"
    ).strip()
