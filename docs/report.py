"""Draw docs/report.png: the report of Colin27 (Debian's package mricron-data), its PDF rendered by pdftoppm."""

import subprocess
import sys
import tempfile
from pathlib import Path

HEAD = Path("/usr/share/mricron/templates/ch2.nii.gz")


def main() -> None:
    """Write the picture beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        pdf = Path(folder) / "report.pdf"
        subprocess.run([sys.executable, "-m", "alzedge", "report", HEAD, "--out", pdf], check=True)
        out = Path(__file__).with_suffix("")
        subprocess.run(["pdftoppm", "-r", "90", "-png", "-singlefile", pdf, out], check=True)


if __name__ == "__main__":
    main()
