"""The wheel with the core extra alone, in an environment of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from alzedge.dataset import DataSet
from alzedge.stages import STAGES

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "teacher").is_dir(), reason="needs the checkout to build the wheel from")
def test_core_install_predicts_without_tensorflow(tmp_path: Path, phantoms: DataSet) -> None:
    def run(*command: object) -> str:
        done = subprocess.run(
            list(map(str, command)), check=False, capture_output=True, text=True, timeout=900, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(sys.executable, "-m", "build", "--outdir", tmp_path / "dist", ROOT)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    run(sys.executable, "-m", "venv", "venv")
    run("venv/bin/pip", "install", "--quiet", wheel)
    installed = run("venv/bin/pip", "list", "--format", "freeze").lower()
    assert "tensorflow" not in installed and "keras" not in installed and "gradio" not in installed
    top_level = {path.name for path in next(tmp_path.glob("venv/lib/python3*/site-packages")).iterdir()}
    assert "alzedge" in top_level and not {"teacher", "student", "export", "demo", "tests"} & top_level
    Image.fromarray(phantoms.images[0]).save(tmp_path / "slice.png")
    assert any(stage in run("venv/bin/alzedge", "predict", "slice.png") for stage in STAGES)
    assert '"labels"' in run("venv/bin/alzedge", "inspect", next(tmp_path.glob("venv/lib/*/*/alzedge/models/*.tflite")))
    refused = subprocess.run(["venv/bin/alzedge", "run"], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert refused.returncode == 2 and "alzedge[export]" in refused.stderr and "Traceback" not in refused.stderr
