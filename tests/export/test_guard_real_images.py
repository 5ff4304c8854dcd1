"""The guard of both sources on real files: people, other heads, another species, another organ's worth of pictures.

The Kaggle archive and OASIS-1's table are looked for as in conftest.py, prepared scans of OASIS-1 at $ALZEDGE_PREPARED; the
macaque and Colin27's head are Debian's (package mricron-data).
"""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.joining import join_datasets
from alzedge.data.loading import load_dataset
from alzedge.export.guard.fit import make_guard
from alzedge.imaging.nifti import read_nifti
from alzedge.imaging.slices import HEIGHT, WIDTH, fit_to_frame
from alzedge.inference.guard import Guard
from alzedge.inference.sources import read_source
from alzedge.preparation import frame
from alzedge.preparation.prepare import prepare

pytestmark = pytest.mark.slow
TEMPLATES = Path("/usr/share/mricron/templates")
# Width and height of a brain in the frame.
BRAIN = (138, 172)


@pytest.fixture(scope="module")
def prepared() -> Path:
    """A folder that `alzedge prepare` made of OASIS-1's scans."""
    path = Path(os.environ.get("ALZEDGE_PREPARED", ""))
    if not os.environ.get("ALZEDGE_PREPARED") or not path.is_dir():
        pytest.skip("OASIS-1's prepared scans are not here; set ALZEDGE_PREPARED to their folder")
    return path


@pytest.fixture(scope="module")
def both(archive: Path, prepared: Path) -> DataSet:
    """The Kaggle set's people and OASIS-1's scans."""
    table = archive.parent / "oasis_cross-sectional.csv"
    if not table.is_file():
        pytest.skip("OASIS-1's table is not here; put oasis_cross-sectional.csv beside the archive")
    return join_datasets(load_dataset(archive, people=table), load_dataset(prepared, people=table))


@pytest.fixture(scope="module")
def known(both: DataSet) -> Guard:
    """The guard that a release carries: fold 0 held out."""
    return make_guard(both, split_dataset(both, "subject"), seed=0)


def refused(guard: Guard, images: list[NDArray[np.uint8]] | NDArray[np.uint8]) -> float:
    """Share of slices that the guard refuses."""
    return float((guard.unlikeness(np.asarray(images)) > 1).mean())


def placed(plane: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A plane brought to a size, in the middle of the frame."""
    whole = Image.new("L", (WIDTH, HEIGHT))
    whole.paste(Image.fromarray(plane).resize(size), ((WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2))
    return np.asarray(whole)


def template(name: str) -> Path:
    """One of Debian's heads."""
    path = TEMPLATES / name
    if not path.is_file():
        pytest.skip(f"{path} is not here; install mricron-data")
    return path


def test_people_of_both_sources_pass_and_ood_images_do_not(known: Guard) -> None:
    """At most 1 % of unseen people's slices of either source are refused, and few where the source is new."""
    measured = known.measured
    assert all(entry["refused"] <= 0.01 for entry in measured["false_refusals"]["by_source"].values())
    assert all(entry["refused"] <= 0.03 for entry in measured["unseen_source"].values())
    # Near the vertex a slice is much the same either way up; such slices are recognised apart from the guard.
    least = {"upside down": 0.8}
    assert all(kind["refused"] >= least.get(name, 0.95) for name, kind in measured["detected"].items())


def test_slices_of_people_below_and_above_the_levels_are_refused(known: Guard, prepared: Path) -> None:
    scans = sorted(prepared.glob("*/volume.nii.gz"))[::20]
    for heights in ((-58, -55, -52), (68, 71, 74)):
        cuts = [next(iter(read_source(scan, heights))).pixels for scan in scans]
        assert refused(known, np.concatenate(cuts)) >= 0.98


@pytest.mark.parametrize("head", ["ch2.nii.gz", "ch2bet.nii.gz", "mni152"])
def test_heads_of_other_scanners_are_accepted(known: Guard, head: str) -> None:
    if head == "mni152":
        import nilearn

        path = Path(nilearn.__file__).parent / "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
    else:
        path = template(head)
    with path.open("rb") as stream:
        slices = prepare(read_nifti(stream, head)).slices(range(37, 130))
    assert refused(known, slices) <= 0.1


def test_a_macaque_is_refused_however_it_is_fitted(known: Guard) -> None:
    """Each axial plane fitted to the frame, to a human brain's box, and to that box with its proportions kept."""
    with template("inia19-t1-brain.nii.gz").open("rb") as stream:
        voxels = read_nifti(stream, "macaque").voxels
    grey = np.clip(voxels / np.percentile(voxels[voxels > 0], 99.5) * 255, 0, 255).astype(np.uint8)
    fits: dict[str, list[NDArray[np.uint8]]] = {"frame": [], "box": [], "proportions": []}
    for k in range(grey.shape[2]):
        plane = np.ascontiguousarray(grey[::-1, :, k].T)
        rows, columns = np.nonzero(plane >= 6)
        if len(rows) < 300:
            continue
        fits["frame"].append(fit_to_frame(Image.fromarray(plane)))
        brain = np.ascontiguousarray(plane[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
        fits["box"].append(placed(brain, BRAIN))
        factor = min(BRAIN[0] / brain.shape[1], BRAIN[1] / brain.shape[0])
        fits["proportions"].append(placed(brain, (int(brain.shape[1] * factor), int(brain.shape[0] * factor))))
    assert len(fits["box"]) > 50
    assert {name: refused(known, planes) >= 0.9 for name, planes in fits.items()} == dict.fromkeys(fits, True)


def test_photographs_are_refused(known: Guard) -> None:
    from skimage import data

    pictures = [data.chelsea(), data.camera(), data.coffee(), data.coins(), data.page(), data.moon(), data.retina()]
    for picture in pictures:
        grey = Image.fromarray(picture).convert("L")
        assert refused(known, [fit_to_frame(grey), np.asarray(grey.resize((WIDTH, HEIGHT)))]) == 1


def test_coronal_and_sagittal_cuts_of_people_are_refused(known: Guard, prepared: Path) -> None:
    for scan in sorted(prepared.glob("*/volume.nii.gz"))[::40]:
        volume = np.concatenate([one.pixels for one in read_source(scan, range(-70, 100))])[::-1]  # the top up
        coronal = [placed(volume[:, row], (WIDTH, len(volume))) for row in range(40, 180, 10)]
        sagittal = [fit_to_frame(Image.fromarray(volume[:, :, column].copy())) for column in range(40, 140, 10)]
        assert refused(known, coronal) >= 0.9 and refused(known, sagittal) >= 0.9
    assert frame.SHAPE == (WIDTH, HEIGHT, 176)
