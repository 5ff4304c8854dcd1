"""De-identified files a minute: MR slices of 256 x 256 in 16 bits, with 120 attributes, private ones and a nested sequence.

    python benchmarks/bench_deidentify.py [--files 1000] [--jobs 2]

Also says what a folder of files alone costs on the same disk (copying them), and what the audit costs.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
import pydicom
from helpers.canaries import mr_image, write
from helpers.heads import head

from alzedge.deidentify.audit import audit_folder
from alzedge.deidentify.rules.pseudonyms import derive
from alzedge.deidentify.run import deidentify

PER_SERIES, PEOPLE = 176, 4


def make(folder: Path, count: int) -> None:
    """Series of slices as scanners write them."""
    chance = np.random.default_rng(0)
    for number in range(count):
        noise = chance.rayleigh(12, (256, 256))
        image = mr_image((head(256, 256, number) * 4 + noise).astype(np.uint16), str(4711 + number % PEOPLE), number)
        image.SeriesInstanceUID = f"1.2.{number % PEOPLE}.{number // (PER_SERIES * PEOPLE)}"
        for index in range(80):
            image.add_new((0x0019, 0x1000 + index), "LO", f"private value {index}")
        image.add_new((0x0019, 0x0010), "LO", "SOME VENDOR")
        item = pydicom.Dataset()
        item.ReferencedSOPInstanceUID, item.PatientName = "1.2.3.4.5", "Doe^Jane"
        image.ReferencedImageSequence = [item] * 3
        image.StudyDescription, image.InstitutionName, image.ProtocolName = "Head", "Clinic", "t1_mprage"
        write(folder / str(number % PEOPLE) / f"IM{number:06}", image)


def timed(title: str, count: int, work: Callable[[], object]) -> None:
    """Print wall-clock and processor time of some work on files, here and in finished child processes."""
    wall, before = time.perf_counter(), os.times()
    work()
    wall, after = time.perf_counter() - wall, os.times()
    processor = sum(after[:4]) - sum(before[:4])
    print(f"{title:28} {60 * count / wall:9.0f} files/minute   {1000 * processor / count:6.1f} ms of processor a file")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "src", options.files)
        timed("copying", options.files, lambda: shutil.copytree(folder / "src", folder / "copy"))
        key = derive("a key for the benchmark alone")
        timed("de-identifying", options.files, lambda: deidentify(folder / "src", folder / "dst", key, options.jobs))
        timed(
            "nothing left to do", options.files, lambda: deidentify(folder / "src", folder / "dst", key, options.jobs)
        )
        timed("auditing", options.files, lambda: audit_folder(folder / "dst", jobs=options.jobs))


if __name__ == "__main__":
    main()
