"""Draw `docs/prepare.png`: a raw head, its registration, the mask, the slices and the answer.

    python docs/prepare_figure.py /usr/share/mricron/templates/ch2.nii.gz --out docs/prepare.png

The head is Colin27, of Debian's package mricron-data. Needs `pip install '.[prepare]' matplotlib`.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from alzedge import DISCLAIMER, Classifier
from alzedge.inference.writers import beside_threshold
from alzedge.preparation import frame
from alzedge.preparation.prepare import Prepared, prepare
from alzedge.preparation.scans import read_scan

# Beside the midline, where a sagittal plane shows the most.
_SAGITTAL = 82
_SHOWN = 8


def main() -> None:
    """Draw the figure of one scan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/prepare.png"))
    arguments = parser.parse_args()
    grid = read_scan(arguments.scan)
    prepared = prepare(grid)
    figure, axes = plt.subplots(1, 5, figsize=(15, 2.9), dpi=110, width_ratios=(1, 1, 1, 1.5, 1.3))
    middle = grid.voxels.shape[0] // 2
    _plane(axes[0], "1  as it comes", grid.voxels[middle].T[::-1])
    head, mask = prepared.head[_SAGITTAL].T[::-1], frame.load_template().mask[_SAGITTAL].T[::-1]
    _plane(axes[1], "2  registered to the frame", head)
    axes[1].contour(mask, [0.5], colors="#ff8c00", linewidths=1.2)
    _plane(axes[2], "3  inside of the skull", prepared.volume[_SAGITTAL].T[::-1])
    _slices_and_answer(axes[3], axes[4], prepared)
    figure.text(0.5, 0.02, DISCLAIMER, ha="center", fontsize=9, color="#444")
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(arguments.out)


def _plane(axes: Axes, title: str, plane: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> None:
    axes.imshow(plane, cmap="gray", vmin=0, vmax=np.percentile(plane, 99.7))
    axes.set_title(title, fontsize=11, loc="left")
    axes.axis("off")


def _slices_and_answer(tiles: Axes, words: Axes, prepared: Prepared) -> None:
    """Eight of the slices at the model's levels, and what it makes of all of them."""
    classifier = Classifier.load()
    heights = classifier.levels
    slices = prepared.slices([frame.slice_at(height) for height in heights])
    chosen = np.linspace(0, len(slices) - 1, _SHOWN).round().astype(int)
    rows = [np.hstack(list(slices[part])) for part in np.split(chosen, 2)]
    _plane(tiles, f"4  cut, {heights[0]:.0f} to {heights[-1]:.0f} mm", np.vstack(rows).astype(np.float32))
    answers = classifier.answers(slices, heights)
    person = classifier.person(answers)
    lines = [*beside_threshold(person.any_dementia).split(", ")]
    if person.brain_volume is not None:
        lines.append(f"brain volume {person.brain_volume.value:.3f} of the inside of the skull")
    if person.apparent_age is not None:
        lines.append(f"apparent age {person.apparent_age.value:.0f} years")
    used = sum(answer.refused is None for answer in answers)
    lines.append(f"{used} of {len(answers)} slices as the model knows them")
    words.set_title("5  answered", fontsize=11, loc="left")
    words.axis("off")
    words.text(0, 0.9, "\n\n".join(lines), va="top", fontsize=10, transform=words.transAxes, wrap=True)


if __name__ == "__main__":
    main()
