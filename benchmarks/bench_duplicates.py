"""Similarity of one person under two names, and of two people: the figures behind `alzedge.monitoring.duplicates`.

    python benchmarks/bench_duplicates.py archive.zip prepared

The Kaggle archive's 200 people against one another; 20 of them against copies that were blurred, made brighter or shifted; and
people whom `alzedge prepare` has two scans of OASIS-1 of, one scan against the other. Takes half a minute.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from alzedge.data.dataset import DataSet
from alzedge.data.loading import load_dataset
from alzedge.monitoring.duplicates import SAME_FROM, find_duplicates


def similarity(like: DataSet, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Similarity of two stacks of slices."""
    both = np.concatenate([first, second])
    names = np.repeat(["first", "second"], [len(first), len(second)])
    (found,) = find_duplicates(replace(like.take(np.arange(len(both))), images=both, subject=names), least=-1)
    return found.similarity


def scan(folder: Path) -> NDArray[np.uint8]:
    """Slices of a prepared scan."""
    return np.stack([np.asarray(Image.open(path)) for path in sorted((folder / "slices").glob("*.png"))])


def main() -> None:
    """Print the highest similarity of two people and the lowest of one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("prepared", type=Path)
    arguments = parser.parse_args()
    kaggle = load_dataset(arguments.archive)
    others = [found.similarity for found in find_duplicates(kaggle, least=-1)]
    print(f"two people, {len(others)} pairs: {max(others):.3f} at most; the limit is {SAME_FROM}")
    stacks = [kaggle.images[kaggle.subject == name] for name in np.unique(kaggle.subject)[::10]]
    soft = ImageFilter.GaussianBlur(1.5)
    copies = {
        "blurred, SD 1.5 pixels": lambda s: np.stack([np.asarray(Image.fromarray(one).filter(soft)) for one in s]),
        "1.4 times as bright": lambda s: np.clip(s * 1.4, 0, 255).astype(np.uint8),
        "shifted by 2 pixels": lambda s: np.roll(s, 2, axis=1),
    }
    for name, change in copies.items():
        values = [similarity(kaggle, stack, change(stack)) for stack in stacks]
        print(f"copies {name}, {len(values)} people: {min(values):.3f} at least")
    again = sorted(arguments.prepared.glob("*_MR2"))
    pairs = [(one, one.with_name(one.name.replace("_MR2", "_MR1"))) for one in again]
    values = [similarity(kaggle, scan(one), scan(other)) for one, other in pairs if other.is_dir()]
    print(f"second scans of {len(values)} people: {min(values):.3f} at least")


if __name__ == "__main__":
    main()
