"""Pixels find made-up people in made-up volumes, mirrored and shifted, and contradict a wrong recovery."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alzedge.data.people.by_pixels.matching import match_pixels
from alzedge.data.people.by_pixels.registration import list_scans
from alzedge.data.people.identify import differences
from alzedge.data.people.recovery import Match, Recovery
from alzedge.data.people.table import Person
from alzedge.errors import UserError

PEOPLE, SLICES = 10, 18
# 4 mm voxels of an atlas whose origin lies within the brain.
SHAPE, AFFINE = (46, 55, 40), np.array([[4.0, 0, 0, -90], [0, 4, 0, -126], [0, 0, 4, -60], [0, 0, 0, 1]])


def _write(folder: Path, name: str, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    import nibabel

    nibabel.Nifti1Image(voxels.astype(np.float32), affine).to_filename(folder / f"{name}_MR1.nii.gz")


def _heads() -> np.ndarray:
    """Brains float64 (PEOPLE, *SHAPE): a shared lopsided-to-the-back body, and everybody's own folds."""
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng(0)
    where = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1) * 4 + AFFINE[:3, 3]
    x, y, z = np.moveaxis(where, -1, 0)
    body = ((x / 66) ** 2 + ((y + 18) / 84) ** 2 + ((z - 10) / 62) ** 2) < 1
    shared = 150 + 0.4 * y + 60 * np.exp(-(((np.abs(x) - 25) / 12) ** 2 + ((y - 10) / 18) ** 2))
    own = np.stack([gaussian_filter(random.normal(size=SHAPE), 1.2) for _ in range(PEOPLE)])
    return np.where(body, shared + 25 * own / own.std(), 0).clip(0)


def _archive(heads: np.ndarray) -> np.ndarray:
    """Slices uint8 (PEOPLE, SLICES, 208, 176): back at the top, mirrored, a few mm off, stretched by slice."""
    from scipy.ndimage import map_coordinates

    grid = np.stack(np.meshgrid(np.arange(SLICES), np.arange(208), np.arange(176), indexing="ij"), axis=-1)
    mm = np.stack([-(grid[..., 2] - 89.0), grid[..., 1] - 124.0, grid[..., 0] + 1.0], axis=-1)
    at = np.moveaxis((mm - AFFINE[:3, 3]) / 4, -1, 0)
    slices = np.stack([map_coordinates(head, at, order=1) for head in heads])
    peak = slices.max(axis=(2, 3), keepdims=True)
    return np.rint(slices / np.maximum(peak, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A folder of volumes of people 0..9, and the archive of the same people."""
    folder = tmp_path_factory.mktemp("volumes")
    heads = _heads()
    for k, head in enumerate(heads):
        _write(folder, f"OAS1_{k:04d}", head)
    (folder / "notes.txt").write_text("not a volume")
    return folder, _archive(heads)


@pytest.mark.slow
def test_finds_everybody_whose_scan_is_there(scene: tuple[Path, np.ndarray]) -> None:
    folder, volumes = scene
    order = [3, 7, 0, 9, 1, 2, 8, 5]
    files = [file for file in list_scans(folder) if file.person != "OAS1_0005"]
    proof = match_pixels([f"s{k}" for k in order], volumes[order], files)
    assert proof.mirrored and proof.registered > 0.9
    for k, match in zip(order, proof.matches, strict=True):
        if k == 5:
            assert not match.clear, "whose scan is missing is nobody else"
        else:
            assert match.clear and match.person == f"OAS1_{k:04d}"


def test_says_where_both_ways_differ(scene: tuple[Path, np.ndarray], made_up_people: list[Person]) -> None:
    folder, volumes = scene
    people = {f"OAS1_{k:04d}": replace(made_up_people[k], oasis_id=f"OAS1_{k:04d}") for k in range(PEOPLE)}
    said = [0, 2, 1, 3]
    matches = tuple(Match(f"s{k}", people[f"OAS1_{p:04d}"], 0.99, None, 0.0, 0.0) for k, p in enumerate(said))
    recovery = Recovery(matches, np.zeros((4, 4)), 1, True)
    steps: list[str] = []
    proof = match_pixels([f"s{k}" for k in range(4)], volumes[:4], list_scans(folder), report=steps.append)
    assert [(d.subject, d.recovered, d.by_pixels) for d in differences(recovery, proof)] == [
        ("s1", "OAS1_0002", "OAS1_0001"),
        ("s2", "OAS1_0001", "OAS1_0002"),
    ]
    assert steps


@pytest.mark.slow
def test_other_volumes_are_refused(tmp_path: Path, scene: tuple[Path, np.ndarray]) -> None:
    with pytest.raises(UserError, match="no volumes"):
        list_scans(tmp_path / "absent")
    random = np.random.default_rng(0)
    for k in range(2):
        _write(tmp_path, f"OAS1_{k:04d}", random.random(SHAPE))
    with pytest.raises(UserError, match="do not fit"):
        match_pixels(["s"] * 10, scene[1], list_scans(tmp_path))
    _write(tmp_path, "OAS1_0002", random.random((40, 50, 40)))
    with pytest.raises(UserError, match="OAS1_0002_MR1.* grid"):
        match_pixels(["s"] * 10, scene[1], list_scans(tmp_path))
    (tmp_path / "OAS1_0001_MR1.nii.gz").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(UserError, match="OAS1_0001_MR1"):
        match_pixels(["s"] * 10, scene[1], list_scans(tmp_path))


@pytest.mark.slow
def test_the_real_volumes(archive: Path, oasis_table: Path, oasis_volumes: Path) -> None:
    """Whom pixels know clearly has the CDR that the folder says, and the order agrees wherever it is sure."""
    from alzedge.data.loading import load_dataset
    from alzedge.data.people.candidates import CDR_OF_CLASS
    from alzedge.data.people.features import person_features
    from alzedge.data.people.recovery import recover_people
    from alzedge.data.people.table import read_people

    dataset = load_dataset(archive)
    order = np.lexsort((dataset.slice, dataset.subject))
    names, labels = dataset.subject[order][::32].tolist(), dataset.labels[order][::32]
    volumes = dataset.images[order].reshape(200, 32, 208, 176)
    people = {person.oasis_id: person for person in read_people(oasis_table)}
    recovery = recover_people(names, labels, person_features(volumes), list(people.values()))
    suggested = {match.subject: [match.person.oasis_id] for match in recovery.matches}
    proof = match_pixels(names, volumes, list_scans(oasis_volumes), suggested)
    clear = [(match, label) for match, label in zip(proof.matches, labels, strict=True) if match.clear]
    assert len(clear) >= 180
    assert all(people[match.person].first.cdr == CDR_OF_CLASS[label] for match, label in clear)
    told = differences(recovery, proof)
    assert len(told) <= 3 and all(difference.posterior < 0.95 for difference in told)
