"""From a head anywhere to slices in the frame, on the average head and, slower, on a public one."""

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from helpers.average_heads import average_head, displacement, moved
from PIL import Image

pytest.importorskip("SimpleITK")
nib = pytest.importorskip("nibabel")

from alzedge.errors import UserError
from alzedge.imaging.grid import Grid
from alzedge.preparation import frame
from alzedge.preparation.bias import bias_of
from alzedge.preparation.prepare import Prepared, prepare
from alzedge.preparation.prepared_files import write_prepared
from alzedge.preparation.quality import HEAD, MNI, STRIPPED
from alzedge.preparation.registration import register

# The average itself has no sharp edges, which the calibration of the scale expects: 2 % at 70 mm.
NEAR_MM = 2.0


def test_a_head_in_the_frame_stays_where_it_is(prepared: Prepared) -> None:
    assert displacement(prepared.matrix, np.eye(4)) < NEAR_MM
    assert prepared.quality.kind == HEAD
    assert prepared.quality.verdict == "good", prepared.quality.reasons
    assert prepared.quality.similarity > 0.95


def test_skull_and_skin_are_gone_and_fluid_stays(prepared: Prepared) -> None:
    mask = frame.load_template().mask
    assert prepared.head[~mask].max() > 1
    assert not prepared.volume[~mask].any()
    slices = prepared.slices()
    assert slices.shape == (32, 208, 176)
    assert np.array_equal(slices > 0, mask[:, :, list(frame.level_slices())].transpose(2, 1, 0) & (slices > 0))
    assert (slices[mask[:, :, list(frame.level_slices())].transpose(2, 1, 0)] > 0).mean() > 0.99


@pytest.mark.slow
def test_a_turned_and_shifted_head_gives_the_same_slices(prepared: Prepared) -> None:
    grid, move = moved(average_head(), (17, -8, 12), (25, -10, 40))
    again = prepare(grid)
    assert displacement(np.linalg.inv(move) @ again.matrix, prepared.matrix) < 0.3
    difference = again.slices().astype(int) - prepared.slices()
    assert np.abs(difference).mean() < 3


@pytest.mark.slow
def test_the_same_input_gives_the_same_bits() -> None:
    twice = [register(average_head().voxels, average_head().affine) for _ in range(2)]
    assert np.array_equal(twice[0].matrix, twice[1].matrix)


@pytest.mark.slow
def test_directions_that_no_header_tells_are_found() -> None:
    grid = average_head()
    voxels = np.ascontiguousarray(grid.voxels.transpose(1, 2, 0)[::-1])
    found = prepare(Grid("pair", voxels, np.diag([2.0, 2, 2, 1]), oriented=False))
    assert found.quality.verdict == "doubtful"
    assert "left and right" in found.quality.reasons[0]


@pytest.mark.slow
def test_a_stripped_brain_is_recognised_its_fluid_restored_and_nan_taken_as_nothing() -> None:
    grid = average_head(skin=False)
    tight = np.where(grid.voxels > 45, grid.voxels, np.nan)
    found = prepare(Grid("tight", tight, grid.affine))
    assert found.quality.kind == STRIPPED
    assert "NaN" in found.quality.notes[0]
    mask = frame.load_template().mask
    level = found.volume[:, :, 90][mask[:, :, 90]]
    assert (level > 0.05).mean() > 0.97


def not_heads() -> dict[str, tuple[Grid, str]]:
    head = average_head()
    noise = np.random.default_rng(0).normal(100, 10, head.voxels.shape).astype(np.float32)
    inverted = np.where(head.voxels > 2, 130 - head.voxels, 0)
    small = np.diag([0.35, 0.35, 0.35, 1]) @ head.affine
    low = head.voxels[:, :, :48]
    return {
        "noise": (Grid("noise", noise, head.affine), "resembles an average T1 brain too little"),
        "inverted": (Grid("t2", inverted, head.affine), "a T2, not a T1"),
        "macaque": (Grid("small", head.voxels, small), "slab or a localiser|scaled|too little"),
        "cut": (Grid("cut", low, head.affine), "field of view"),
        "empty": (Grid("empty", np.zeros((90, 90, 90), np.float32), head.affine), "all voxels are equal"),
        "localiser": (Grid("one", head.voxels[:, :, :3], head.affine), "localiser"),
        "spacing": (Grid("far", head.voxels, np.diag([50.0, 50, 50, 1])), "voxel size"),
    }


LONG = [pytest.param(name, marks=pytest.mark.slow) for name in ("inverted", "cut")]


@pytest.mark.parametrize("name", [*LONG, "empty", "localiser", "spacing"])
def test_what_is_no_head_is_refused_with_the_reason(name: str) -> None:
    grid, reason = not_heads()[name]
    with pytest.raises(UserError, match=reason):
        prepare(grid)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["noise", "macaque"])
def test_what_needs_a_long_search_is_refused_with_the_reason(name: str) -> None:
    grid, reason = not_heads()[name]
    with pytest.raises(UserError, match=reason):
        prepare(grid)


def test_a_bias_field_is_found() -> None:
    template = frame.load_template()
    brain = template.brain.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    field = 1 + 0.3 * np.linspace(-1, 1, 208, dtype=np.float32)[None, :, None]
    found = bias_of(brain * field, template.mask)
    ratio = np.log((found / field)[template.mask])
    assert ratio.std() < 0.5 * np.log(np.broadcast_to(field, brain.shape)[template.mask]).std()


def test_files_are_written_whole(prepared: Prepared, tmp_path: Path) -> None:
    write_prepared(prepared, tmp_path / "out")
    slices = sorted((tmp_path / "out" / "slices").iterdir())
    assert len(slices) == 32
    assert np.array_equal(np.asarray(Image.open(slices[15])), prepared.slices()[15])
    volume = nib.load(tmp_path / "out" / "volume.nii.gz")
    assert volume.shape == frame.SHAPE
    assert np.array_equal(volume.affine, frame.affine())
    figures = json.loads((tmp_path / "out" / "quality.json").read_text())
    assert figures["verdict"] == "good"
    assert Image.open(tmp_path / "out" / "quality.png").width > 500


@pytest.mark.slow
def test_a_public_brain_is_prepared_the_same_however_it_lies() -> None:
    """MNI152 average of nilearn, stripped, 1 mm."""
    pytest.importorskip("nilearn")
    path = Path(str(resources.files("nilearn"))) / "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
    image = nib.load(path)
    grid = Grid("mni", np.asarray(image.dataobj).squeeze(), image.affine)
    first = prepare(grid)
    assert (first.quality.verdict, first.quality.kind, first.quality.place) == ("good", STRIPPED, MNI)
    turned, move = moved(grid, (-20, 10, 5), (0, 30, -20))
    second = prepare(turned)
    assert displacement(np.linalg.inv(move) @ second.matrix, first.matrix) < 0.5
