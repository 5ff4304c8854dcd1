"""The door for volumes: at which heights they are cut, what costs nothing, and which doubts are told."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.average_heads import average_head, prepare_nothing, prepared_volume, whole_head
from helpers.volumes import save_nifti

from alzedge.errors import UserError
from alzedge.imaging.grid import Grid
from alzedge.preparation import frame
from alzedge.preparation.heads import notes_on, open_head
from alzedge.preparation.prepare import cut
from alzedge.preparation.quality import measure
from alzedge.preparation.registration import Registration
from alzedge.preparation.scans import read_scan

nib = pytest.importorskip("nibabel")
WIDE = tuple(float(height) for height in range(-38, 56, 4))


def test_a_model_says_at_which_heights_it_looks_else_they_are_kaggles() -> None:
    assert frame.levels_of({}) == frame.kaggle_levels() == tuple(range(32))
    assert frame.levels_of({"levels": list(range(-38, 56, 4))}) == WIDE
    assert [frame.slice_at(height) for height in (-38, 0, 54)] == [37, 75, 129]


@pytest.mark.parametrize("levels", [[], 3, ["0"], [True], [-76], [101], [float("nan")]])
def test_levels_that_are_no_heights_are_refused(levels: object) -> None:
    with pytest.raises(UserError, match="no heights in mm"):
        frame.levels_of({"levels": levels})


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR"])
def test_a_volume_in_the_frame_is_cut_at_once_in_any_order_of_axes(
    axes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)  # a device that answers prepared volumes needs none
    volume = prepared_volume()
    path = tmp_path / "volume.nii"
    image = nib.Nifti1Image(volume, frame.affine())
    turns = nib.orientations.ornt_transform(nib.io_orientation(frame.affine()), nib.orientations.axcodes2ornt(axes))
    nib.save(image.as_reoriented(turns), path)
    head = open_head(read_scan(path), WIDE)
    assert np.array_equal(head.slices, cut(volume.astype(np.float32), [frame.slice_at(height) for height in WIDE]))
    assert head.heights == WIDE and head.quality is None and "in the frame already" in head.notes[0]


def test_what_lies_elsewhere_or_shows_a_skull_is_not_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    volume, affine = prepared_volume(), frame.affine()
    monkeypatch.setattr("alzedge.preparation.heads.require", lambda extra: (_ for _ in ()).throw(UserError("asked")))
    shifted = affine.copy()
    shifted[2, 3] += 1
    outside = volume.copy()
    outside[0, 0, 0] = 1
    for grid in (Grid("moved", volume, shifted), Grid("skull", outside, affine), Grid("pair", volume, affine, False)):
        with pytest.raises(UserError, match="asked"):
            open_head(grid, WIDE)


def test_slices_of_a_registered_head_carry_their_heights_and_doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_nothing(monkeypatch)
    shares: list[float] = []
    whole = average_head()
    head = open_head(replace(whole, notes=("chosen",)), WIDE, shares.append)
    assert head.slices.shape == (24, 208, 176) and head.heights == WIDE and head.notes == ("chosen",)
    assert head.quality is not None and head.quality.verdict == "good" and shares[-1] == 1
    assert np.array_equal(open_head(whole, [10.0]).slices[0], head.slices[WIDE.index(10)])


def test_thick_slices_and_a_vertex_cut_off_are_doubts() -> None:
    whole, found, shown = average_head(), Registration(np.eye(4), 0.7), np.ones(frame.SHAPE, np.float32)
    thick = replace(whole, voxels=whole.voxels[:, :, ::3], affine=whole.affine @ np.diag([1, 1, 3, 1]))
    short = replace(whole, voxels=whole.voxels[:, :, :62])
    for grid, doubt in ((thick, "6.0 mm thick"), (short, "outside its field of view")):
        quality = measure(grid, found, whole_head(), shown)
        assert quality.verdict == "doubtful" and doubt in quality.reasons[0]
        assert notes_on(quality)[0] == f"doubtful: {quality.reasons[0]}"


def test_a_single_slice_is_taken_as_it_lies() -> None:
    plane = np.random.default_rng(0).integers(0, 255, (176, 208, 1), np.uint8)
    head = open_head(Grid("one", plane, np.diag([1.0, 1, 5, 1])), WIDE)
    assert head.slices.shape == (1, 208, 176) and head.prepared is None


def test_without_simpleitk_one_sentence_tells_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(UserError, match=r"SimpleITK; run `pip install 'alzedge\[prepare\]'`"):
        open_head(average_head(), WIDE)


def test_unusual_headers_are_read_and_noted(tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).integers(1, 900, (20, 24, 16)).astype(np.int16)
    plain = save_nifti(tmp_path / "plain.nii", voxels)
    for slope in (0.0, np.nan):
        data = bytearray(plain.read_bytes())
        data[112:116] = np.array([slope], "<f4").tobytes()
        (tmp_path / "slope.nii").write_bytes(data)
        assert np.array_equal(read_scan(tmp_path / "slope.nii").voxels, voxels)
    swapped = nib.Nifti1Image(voxels.astype(">i2"), np.eye(4), nib.Nifti1Header(endianness=">"))
    nib.save(swapped, tmp_path / "big.nii")
    assert (tmp_path / "big.nii").read_bytes()[:4] == b"\0\0\1\x5c"
    assert np.array_equal(read_scan(tmp_path / "big.nii").voxels, voxels)
    image = nib.Nifti1Image(voxels, np.eye(4))
    image.set_sform(np.diag([1.0, 1, 1, 1]), 1)
    image.set_qform(np.diag([-1.0, -1, 1, 1]), 1)
    nib.save(image, tmp_path / "two.nii")
    assert "disagree" in read_scan(tmp_path / "two.nii").notes[0]
    nib.save(nib.Nifti1Image(voxels, None), tmp_path / "none.nii")
    found = read_scan(tmp_path / "none.nii")
    assert not found.oriented and np.array_equal(np.abs(np.diag(found.affine)), [1, 1, 1, 1])
