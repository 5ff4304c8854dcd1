"""Work in a process of its own ends with whoever asked for it."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.called import add, stay

from alzedge.errors import UserError
from alzedge.utils.fresh_process import in_process

PARENT = """
import sys
from pathlib import Path
from helpers.called import stay
from alzedge.utils.fresh_process import in_process
if __name__ == "__main__":
    in_process(1, stay, Path(sys.argv[1]))
"""


def pid_in(told: Path) -> int:
    until = time.monotonic() + 60
    while not told.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    return int(told.read_text())


def assert_ends(pid: int) -> None:
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < until, "it outlives its parent"
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux for processes")
def test_it_ends_with_a_killed_parent(tmp_path: Path) -> None:
    told, script = tmp_path / "pid", tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, script, told], env=environment) as parent:
        child = pid_in(told)
        parent.send_signal(signal.SIGKILL)
    assert_ends(child)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux for processes")
def test_it_ends_when_it_is_not_wanted_any_more(tmp_path: Path) -> None:
    unwanted, told = threading.Event(), tmp_path / "pid"
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(in_process, 1, stay, told, unwanted=unwanted)
        assert pool.submit(in_process, 1, add, 1, 2, unwanted=unwanted).result() == 3
        child = pid_in(told)
        unwanted.set()
        with pytest.raises(UserError, match="died"):
            asked.result(20)
    assert_ends(child)
