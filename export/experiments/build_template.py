"""Build the template of the frame, by `python -m alzedge.export.experiments.build_template`.

Arguments: `ARCHIVE.zip OASIS1_FOLDER --out DIR`.

Needs SimpleITK and nibabel (extra `medical`), the Kaggle archive, and a folder of OASIS-1's skull-stripped volumes in
MNI space (`OAS1_xxxx_MR1.nii.gz`, 2 mm). Takes a minute.
"""

import argparse
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.data.kaggle import subjects_from_names
from alzedge.preparation import frame
from alzedge.preparation.resample import resampled

# Brightness of fluid where white matter is 1: median of the Kaggle slices' pixels that the tight masks of the OASIS-1
# volumes leave out, over the white matter's (36 of 215).
FLUID = 0.17
# The share of people whose brain fills a voxel; with it the mask agrees best with the Kaggle set's (Dice 0.986).
_FILLED_BY = 0.6
_BACKGROUND = 10
_SPACING = 2

_Floats = NDArray[np.float32]


def build(archive: Path, folder: Path, out: Path) -> None:
    """Average the people and write `brain.nii.gz` and `intracranial.nii.gz`.

    Args:
        archive: the Kaggle set, for the mask at its levels.
        folder: OASIS-1 volumes; each person's first scan is used.
        out: folder, made if absent.
    """
    mean, filled, grid = average(sorted(folder.glob("OAS1_*_MR1.nii.gz")))
    to_voxels = np.linalg.inv(grid) @ frame.to_mni()
    share = resampled(filled, to_voxels @ frame.affine(), frame.SHAPE)
    mask = cleaned(share > _FILLED_BY)
    mask[:, :, list(frame.level_slices())] = kaggle_mask(archive)
    coarse = frame.affine() @ np.diag([_SPACING, _SPACING, _SPACING, 1.0])
    coarse[:3, 3] = (frame.affine() @ [0.5, 0.5, 0.5, 1])[:3]
    shape = tuple(side // _SPACING for side in frame.SHAPE)
    inside = mask.reshape(shape[0], 2, shape[1], 2, shape[2], 2).mean(axis=(1, 3, 5))
    brain = resampled(mean, to_voxels @ coarse, shape)
    empty = 1 - resampled(filled, to_voxels @ coarse, shape)
    out.mkdir(parents=True, exist_ok=True)
    _write(out / "brain.nii.gz", (brain + FLUID * empty) * inside, coarse)
    _write(out / "intracranial.nii.gz", mask.astype(np.float32), frame.affine())


def average(files: list[Path]) -> tuple[_Floats, _Floats, NDArray[np.float64]]:
    """Mean brightness over people (white matter 1), the share of them who fill each voxel, and the grid's affine."""
    from nibabel.loadsave import load

    total = count = None
    for file in files:
        image: Any = load(file)
        voxels = image.get_fdata(dtype=np.float32)
        voxels = voxels / white_matter(voxels[voxels > 0])
        total = voxels if total is None else total + voxels
        count = (voxels > 0).astype(np.float32) + (0 if count is None else count)
    if total is None or count is None:
        raise SystemExit("no OAS1_*_MR1.nii.gz in the folder")
    return total / len(files), count / len(files), np.array(image.affine, np.float64)


def white_matter(values: _Floats) -> float:
    """The most frequent brightness above the median: of a T1 brain that of white matter."""
    low, high = np.percentile(values, [50, 99])
    counts, edges = np.histogram(values, 64, (low, high))
    smooth = np.convolve(counts, np.ones(5), "same")
    return float(edges[smooth.argmax()] + (edges[1] - edges[0]) / 2)


def kaggle_mask(archive: Path) -> NDArray[np.bool_]:
    """Pixels lit in most people's slices, by level: bool (176, 208, 32)."""
    lit = np.zeros((frame.LEVELS, 208, 176), np.float32)
    people = set()
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if name.endswith(".jpg")]
        inner = {name: "/".join(name.split("/")[-3:]) for name in names}
        known = subjects_from_names(inner.values())
        for name in names:
            person, level = known[inner[name]]
            people.add(person)
            pixels = np.asarray(Image.open(io.BytesIO(opened.read(name))))
            lit[level - 1] += pixels > _BACKGROUND
    return lit.transpose(2, 1, 0) > len(people) / 2


def cleaned(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without holes and without what is thinner than 7 voxels: vessels and remains of the eyes below the brain."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    opened = sitk.BinaryMorphologicalOpening(image, [3, 3, 3])
    result: NDArray[np.bool_] = sitk.GetArrayFromImage(sitk.BinaryFillhole(opened)) > 0
    return result


def _write(path: Path, voxels: _Floats, affine: NDArray[np.float64]) -> None:
    from nibabel.nifti1 import Nifti1Image

    slope = max(float(voxels.max()) / 255, 1e-6)
    image = Nifti1Image(np.rint(voxels / slope).astype(np.uint8), affine)
    image.header.set_xyzt_units("mm")
    image.header.set_slope_inter(slope, 0)
    image.set_sform(affine, 2)
    image.set_qform(affine, 2)
    image.to_filename(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    build(given.archive, given.folder, given.out)
