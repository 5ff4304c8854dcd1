"""The real command in a process of its own, and what its refusals look like."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

# Seconds, not minutes: every phase of a run on two batches.
TINY = """
splits = ["subject"]
[phantoms]
subjects = 20
slices = 5
[preprocessing]
shrink = 4
[teacher]
width = 0.0625
[pretrain]
epochs = 3
batch_size = 32
[finetune]
epochs = 3
batch_size = 32
[distill]
epochs = 3
batch_size = 32
views = 2
[export]
calibration_images = 16
[benchmark]
calls = 10
"""


def run_cli(*args: object, timeout: float = 900, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    command = [sys.executable, "-m", "alzedge", *map(str, args)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=timeout, **options)  # type: ignore[call-overload]


def run_code(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)


def assert_refused(result: subprocess.CompletedProcess[str], *words: object) -> None:
    """Bad input: exit code 2, one line on stderr that holds the words, no traceback."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert str(word) in lines[0]


def once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first worker to ask for it fills, and the others only read."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not (folder / "made").exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            (folder / "made").touch()
    return folder
