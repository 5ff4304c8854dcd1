"""The small installation that docs/install.md describes, in an environment of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="needs the checkout to build the wheel from")
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="tflite-runtime has wheels up to Python 3.11")
def test_tflite_runtime_and_numpy_1_answer_and_weigh_less() -> None:
    command = [sys.executable, ROOT / "benchmarks/bench_install.py", "--small-only"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    told = re.search(r": (\d+) MB beyond an empty environment \((.*)\)\n  answered: .*any dementia 0\.", done.stdout)
    assert told and int(told[1]) < 130, done.stdout
    assert "tflite_runtime" in told[2] and "ai_edge_litert" not in told[2]
    document = (ROOT / "docs/install.md").read_text()
    for package in ("numpy<2", "pillow>=12.2,<13", "click", "tqdm", "tflite-runtime"):
        assert package in document
