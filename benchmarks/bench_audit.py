"""Time and peak memory of `alzedge audit` at 1, 10 and 100 times the images; `make bench-audit` runs it.

The images are phantoms as PNG files with random names, a fifth of the people held out, so the audit must answer "no
leak" from the pixels alone. Drawing takes most of the time; `--folder` keeps the drawn people for the next run, and
`--draw` draws some of them and ends.

The growth is judged by processor time, which other work on the machine hardly changes: per image, of which start-up and
imports are a large part in a small set, and of each image beyond the scale before, which has none of these.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from alzedge.imaging.phantoms import draw_anatomy, draw_slice
from alzedge.stages import STAGES


def draw_people(pool: Path, people: int, slices: int) -> None:
    """Draw the people that are not in the pool yet, each in a folder of their own."""
    for k in range(people):
        folder = pool / f"{k:05d}"
        if folder.exists():
            continue
        temporary = pool / f".{k:05d}"
        temporary.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([7, k])
        anatomy = draw_anatomy(k % len(STAGES), rng)
        for s in range(slices):
            name = hashlib.sha256(f"{k} {s}".encode()).hexdigest()[:12]
            Image.fromarray(draw_slice(anatomy, (s + 0.5) / slices, rng)).save(temporary / f"{name}.png")
        temporary.rename(folder)


def link_people(pool: Path, top: Path, people: int) -> int:
    """Hard links to the images of the first people, the first four of twenty in test/; returns their number."""
    count = 0
    for k in range(people):
        folder = top / ("test" if k // len(STAGES) % 5 == 0 else "train") / STAGES[k % len(STAGES)]
        folder.mkdir(parents=True, exist_ok=True)
        for image in (pool / f"{k:05d}").iterdir():
            os.link(image, folder / image.name)
            count += 1
    return count


def measure(data: Path, out: Path) -> tuple[float, float, float, str]:
    """Wall and CPU seconds, peak MiB and verdict of one audit in a process of its own."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "alzedge", "audit", data, "--out", out], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("alzedge audit failed")
    leaks = json.loads((out / "audit.json").read_text())["verdict"]["leaks"]
    wall = time.perf_counter() - start
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, "leaks" if leaks else "no leak"


def main() -> None:
    """Read the options, draw, measure, print."""
    parser = argparse.ArgumentParser(description="Measure alzedge audit.")
    parser.add_argument("--people", type=int, default=20, help="at 1x; a multiple of four, at least eight")
    parser.add_argument("--slices", type=int, default=32, help="of each person")
    parser.add_argument("--scales", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--folder", type=Path, help="keeps the drawn people")
    parser.add_argument("--draw", type=int, help="draw so many people into --folder, and measure nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder and options.folder.parent) as name:
        pool = options.folder or Path(name) / "pool"
        if options.draw is not None:
            draw_people(pool, options.draw, options.slices)
            return
        draw_people(pool, options.people * max(options.scales), options.slices)
        print(
            f"{'scale':>6}{'images':>9}{'wall s':>9}{'CPU s':>9}{'ms/image':>10}{'of first':>10}{'ms more':>9}{'peak MiB':>10}  verdict"
        )
        first, images_before, cpu_before = 0.0, 0, 0.0
        for scale in options.scales:
            data = Path(name) / f"x{scale}"
            count = link_people(pool, data, options.people * scale)
            wall, cpu, memory, verdict = measure(data, Path(name) / f"out{scale}")
            each, more = 1000 * cpu / count, 1000 * (cpu - cpu_before) / max(1, count - images_before)
            first = first or each
            print(
                f"{scale:>5}x{count:>9}{wall:>9.1f}{cpu:>9.1f}{each:>10.2f}{each / first:>10.2f}{more:>9.2f}{memory:>10.0f}  {verdict}",
                flush=True,
            )
            images_before, cpu_before = count, cpu


if __name__ == "__main__":
    main()
