"""Count how often a slice that is upside down, or lies on its side, is recognised from its pixels alone.

    python docs/prepare_upright.py ARCHIVE.zip PREPARED

ARCHIVE.zip is the Kaggle archive, of which every tenth slice is looked at; PREPARED a folder of `alzedge prepare`, of
which 20 heads are looked at, from -38 to 54 mm every 4 mm.
"""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from alzedge import Classifier, load_dataset
from alzedge.preparation import frame
from alzedge.preparation.prepare import cut
from alzedge.preparation.upright import WayUp, way_up

HEIGHTS = range(-38, 56, 4)
HEADS = 20


def main(archive: Path, prepared: Path) -> None:
    """Print a line for each set of slices."""
    guard = Classifier.load().guard
    assert guard is not None
    volumes = sorted(prepared.glob("*/volume.nii.gz"))
    chosen = volumes[:: max(1, len(volumes) // HEADS)][:HEADS]
    which = [frame.slice_at(height) for height in HEIGHTS]
    sets = {
        "Kaggle slices": load_dataset(archive).images[::10],
        "prepared heads": np.concatenate(
            [cut(np.asarray(nib.load(path).dataobj, np.float32), which) for path in chosen]
        ),
    }
    for name, slices in sets.items():
        sideways = np.stack([np.rot90(np.pad(one, ((0, 0), (16, 16))))[:, 16:-16] for one in slices])
        print(
            f"{name}: {len(slices)} slices; upright taken for turned {_share(slices, WayUp.POSTERIOR, False)}, upside down "
            f"recognised {_share(slices[:, ::-1], WayUp.ANTERIOR)}, accepted by the guard "
            f"{(guard.unlikeness(slices[:, ::-1]) <= 1).mean():.1%}; on its side recognised "
            f"{_share(sideways, WayUp.QUARTER_LEFT)}, accepted {(guard.unlikeness(sideways) <= 1).mean():.1%}"
        )


def _share(slices: NDArray[np.uint8], way: WayUp, found: bool = True) -> str:
    return f"{np.mean([(way_up(one) is way) == found for one in slices]):.1%}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
