"""The files of a prepared head: slices, the volume in the frame, the figures and the picture of its registration."""

import gzip
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from alzedge import __version__
from alzedge.preparation import frame
from alzedge.preparation.brightness import WHITE
from alzedge.preparation.picture import draw_quality
from alzedge.preparation.prepare import Prepared
from alzedge.preparation.scans import FIGURES, SLICES, VOLUME
from alzedge.utils.files import replacing, write_bytes, write_json


def write_prepared(prepared: Prepared, folder: Path, source: str | None = None) -> None:
    """Write a prepared head into a folder, each file whole or not at all, `quality.json` last.

    `slices/level_01_z+00.png` to `level_32_z+31.png`: the Kaggle set's levels, uint8. `volume.nii.gz`: the inside of the
    skull in the frame, uint8 with white matter at 218. `quality.json`: figures, verdict, and the matrix from the frame's
    mm to the scan's. `quality.png`: see `draw_quality`.

    Args:
        prepared: the head.
        folder: made if absent.
        source: SHA-256 of the scan's files, by which `prepared_before` knows it again.
    """
    for level, pixels in enumerate(prepared.slices(), start=1):
        height = int(frame.height_of(level))
        with replacing(folder / SLICES / f"level_{level:02d}_z{height:+03d}.png") as temporary:
            Image.fromarray(pixels).save(temporary)
    _write_volume(prepared, folder / VOLUME)
    with replacing(folder / "quality.png") as temporary:
        draw_quality(prepared).save(temporary)
    about = {"scan": prepared.name, "sha256": source, "alzedge": __version__}
    write_json(folder / FIGURES, {**about, **asdict(prepared.quality), "matrix": prepared.matrix.tolist()})


def prepared_before(folder: Path, source: str) -> dict[str, Any] | None:
    """Figures of a head that was prepared in a folder from the same files by this version; None where there is none."""
    try:
        figures = json.loads((folder / FIGURES).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    same = isinstance(figures, dict) and (figures.get("sha256"), figures.get("alzedge")) == (source, __version__)
    return figures if same else None


def _write_volume(prepared: Prepared, path: Path) -> None:
    from nibabel.nifti1 import Nifti1Image

    grey = np.rint(np.clip(prepared.volume * WHITE, 0, 255)).astype(np.uint8)
    image = Nifti1Image(grey, frame.affine())
    image.header.set_xyzt_units("mm")
    image.set_sform(frame.affine(), 2)
    image.set_qform(frame.affine(), 2)
    write_bytes(path, gzip.compress(image.to_bytes(), mtime=0))
