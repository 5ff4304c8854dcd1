"""What `alzedge predict` costs beside what cannot be saved; `make bench-predict` runs it.

Compared in one run, taking turns, on phantom slices as JPEG and PNG:

- rate: slices a second of `alzedge predict FOLDER`, from its start to its end, against a loop that
  decodes with Pillow and calls the bare interpreter's `invoke`, timed without its start. The model
  is the bundled one with a guard that takes phantoms for heads;
- two processes against one;
- cold start: `alzedge predict` on one slice against importing numpy, PIL and the interpreter;
- peak memory of the largest process at 10,000 and at 100,000 slices.

`--parts` says what a slice's time is made of. Wall time is what users wait for; on a machine with other work, ratios of CPU time are steadier.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.phantom_set import make_phantoms
from alzedge.export.guard.fit import make_guard
from alzedge.imaging.slices import decode_slice, read_bytes
from alzedge.inference.answering import Answerer
from alzedge.inference.classifier import Classifier
from alzedge.inference.inputs import find_items
from alzedge.inference.measures.readings import Readings
from alzedge.inference.measures.single import SingleSlices
from alzedge.inference.predict import chunks
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_tflite, write_tflite

_IMPORTS = "import numpy, PIL.Image; from ai_edge_litert.interpreter import Interpreter"
_FLOOR = f"""
import sys, time
from pathlib import Path
{_IMPORTS}
interpreter = Interpreter(model_path=sys.argv[2], num_threads=1)
interpreter.allocate_tensors()
paths = sorted(Path(sys.argv[1]).iterdir())
wall, cpu = time.perf_counter(), time.process_time()
for path in paths:
    with PIL.Image.open(path) as image:
        numpy.asarray(image)
    interpreter.invoke()
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


@dataclass(frozen=True)
class Cost:
    """Seconds of wall and CPU time, and peak memory in MiB of the largest process."""

    wall: float
    cpu: float
    memory: float = 0.0


def run(*arguments: object) -> Cost:
    """Cost of a Python process, all of its processes together."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{arguments} failed")
    return Cost(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def predict(*arguments: object) -> Cost:
    """Cost of `alzedge predict`."""
    return run("-m", "alzedge", "predict", *arguments)


def floor(folder: Path, model: Path) -> Cost:
    """Decoding and bare inference of a folder."""
    command = [sys.executable, "-c", _FLOOR, str(folder), str(model)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    wall, cpu = map(float, done.stdout.split())
    return Cost(wall, cpu)


def make_model(path: Path, people: DataSet) -> Path:
    """The bundled student with a guard for phantoms."""
    flatbuffer, record = read_tflite(bundled_model())
    guard = make_guard(people, split_dataset(people, "subject"), seed=0)
    write_tflite(path, flatbuffer, record | {"guard": guard.to_dict()})
    return path


def make_slices(folder: Path, suffix: str, people: DataSet) -> list[Path]:
    """The slices of phantom people as files."""
    folder.mkdir()
    paths = []
    for number, pixels in enumerate(people.images):
        paths.append(folder / f"{number:03d}{suffix}")
        Image.fromarray(pixels).save(paths[-1], **({"quality": 90} if suffix == ".jpg" else {}))
    return paths


def link(folder: Path, slices: list[Path], count: int) -> Path:
    """A folder with `count` slices, some hundred times the same ones."""
    folder.mkdir()
    for number in range(count):
        os.link(slices[number % len(slices)], folder / f"{number:06d}{slices[0].suffix}")
    return folder


def median_ratio(over: list[Cost], under: list[Cost], what: str) -> float:
    """Median over the turns of the ratio of costs."""
    return statistics.median(getattr(a, what) / getattr(b, what) for a, b in zip(over, under, strict=True))


def bench_rates(folder: Path, model: Path, count: int, turns: int) -> None:
    """Print rate and speed-up for a folder."""
    floors, ones, twos = [], [], []
    for _ in range(turns):
        floors.append(floor(folder, model))
        ones.append(predict(folder, "--model", model))
        twos.append(predict(folder, "--model", model, "--jobs", 2))
    rate = count / statistics.median(cost.wall for cost in ones)
    print(
        f"{folder.name}: {rate:.0f} slices/s; of the floor's rate {median_ratio(floors, ones, 'wall'):.2f} by wall "
        f"time, {median_ratio(floors, ones, 'cpu'):.2f} by CPU time (goal 0.80); 2 processes "
        f"{median_ratio(ones, twos, 'wall'):.2f} times as fast (goal 1.80), "
        f"{median_ratio(twos, ones, 'cpu'):.2f} times the CPU time"
    )


def bench_start(slice_: Path, turns: int) -> None:
    """Print the cold start."""
    floors, ours = [], []
    for _ in range(turns):
        floors.append(run("-c", _IMPORTS))
        ours.append(predict(slice_, "--no-guard"))
    print(
        f"cold start: {statistics.median(cost.wall for cost in ours):.2f} s; of importing numpy, PIL and the "
        f"interpreter {median_ratio(ours, floors, 'wall'):.2f} by wall time, "
        f"{median_ratio(ours, floors, 'cpu'):.2f} by CPU time (goal 1.40)"
    )


def bench_memory(small: Path, large: Path, model: Path) -> None:
    """Print the peak memory."""
    for jobs in (1, 2):
        before, after = (predict(folder, "--model", model, "--jobs", jobs).memory for folder in (small, large))
        print(f"peak memory, {jobs} processes: {before:.0f} MiB at 10,000 slices, {after:.0f} MiB at 100,000")


def bench_parts(paths: list[Path], model: Path) -> None:
    """Print the processor time of each part of the way from a file to a line, alone, one slice after the other."""
    classifier, count, chunk = Classifier.load(model), len(paths), 16
    data = [path.read_bytes() for path in paths]
    pixels = np.stack([decode_slice(one, "slice") for one in data])
    groups = [pixels[start : start + chunk] for start in range(0, count, chunk)]
    inputs = [classifier.preprocessing(group) for group in groups]
    outputs = [classifier.interpreter(one) for one in inputs]
    readings = [Readings.of(one, np.full(len(one["probabilities"]), np.nan)) for one in outputs]
    assert classifier.measures is not None and classifier.guard is not None
    guard, rule = classifier.guard, SingleSlices(classifier.measures)
    whole = Answerer(classifier)
    items = list(chunks(find_items([paths[0].parent])))
    parts: dict[str, Callable[[], object]] = {
        "find": lambda: list(find_items([paths[0].parent])),
        "read": lambda: [read_bytes(path) for path in paths],
        "open and decode": lambda: [decode_slice(one, "slice") for one in data],
        "of it Pillow": lambda: [np.asarray(Image.open(io.BytesIO(one))) for one in data],
        "guard": lambda: [guard.unlikeness(group) for group in groups],
        "preprocessing": lambda: [classifier.preprocessing(group) for group in groups],
        "interpreter": lambda: [classifier.interpreter(one) for one in inputs],
        "rule": lambda: [rule(one) for one in readings],
        "all together": lambda: [whole(chunk) for chunk in items],
    }
    spent = {name: min(_processor_seconds(part) for _ in range(5)) for name, part in parts.items()}
    print(
        f"{paths[0].suffix}: "
        + ", ".join(f"{name} {1e6 * value / count:.0f}" for name, value in spent.items())
        + " us a slice"
    )


def _processor_seconds(part: Callable[[], object]) -> float:
    start = time.process_time()
    part()
    return time.process_time() - start


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description="Measure alzedge predict.")
    parser.add_argument("--slices", type=int, default=20_000, help="of each format, for the rates")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--skip-memory", action="store_true", help="leave out the 220,000 slices of the memory part")
    parser.add_argument("--parts", action="store_true", help="only the parts of a slice's time, in this process")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        os.environ["XDG_CACHE_HOME"] = name
        people = make_phantoms(60, 6)
        model = make_model(top / "student.tflite", people)
        slices = {suffix: make_slices(top / f"source{suffix}", suffix, people) for suffix in (".jpg", ".png")}
        if options.parts:
            for paths in slices.values():
                bench_parts(paths, model)
            return
        bench_start(slices[".png"][0], 5 * options.turns)
        for suffix, paths in slices.items():
            bench_rates(link(top / suffix[1:], paths, options.slices), model, options.slices, options.turns)
        if not options.skip_memory:
            jpegs = slices[".jpg"]
            bench_memory(link(top / "small", jpegs, 10_000), link(top / "large", jpegs, 100_000), model)


if __name__ == "__main__":
    main()
