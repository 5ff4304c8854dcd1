"""Files are whole or absent, also where the process is told to end."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# A shell starts what it puts in the background, perhaps these tests, deaf to Ctrl-C, and `nohup` deaf to SIGHUP.
WRITE = """
import signal, sys, time
from pathlib import Path
import alzedge.cli
from alzedge.utils.files import replacing

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

def slowly():
    with replacing(Path(sys.argv[1])) as temporary:
        temporary.write_text("half")
        print("writing", flush=True)
        time.sleep(60)

alzedge.cli._run = slowly
alzedge.cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_no_temporary_file(number: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE, str(tmp_path / "x.csv")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None and process.stdout.readline() == b"writing\n"
    assert [path.name[:12] for path in tmp_path.iterdir()] == [".alzedge-tmp"]
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(20) != 0 and time.monotonic() - began < 15
    assert list(tmp_path.iterdir()) == []
