"""The command `prepare`: one good scan beside bad ones, files written, order kept."""

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from helpers.average_heads import average_head, prepare_nothing
from helpers.commands import assert_refused, call_cli
from PIL import Image

from alzedge.errors import UserError
from alzedge.imaging.file_types import NIFTI
from alzedge.inference.inputs import find_items
from alzedge.preparation.batch import prepare_scans
from alzedge.preparation.prepare import Prepared
from alzedge.preparation.registration import Registration
from alzedge.reporting.read import read_material


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    grid = average_head()
    nib.save(nib.Nifti1Image(grid.voxels, grid.affine), folder / "head.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros((40, 40, 40), np.float32), np.diag([4.0, 4, 4, 1])), folder / "empty.nii.gz")
    (folder / "torn.nii.gz").write_bytes((folder / "head.nii.gz").read_bytes()[:5000])
    return folder


def test_a_head_is_prepared_and_bad_scans_lose_only_themselves(
    scans: Path, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def register(voxels: np.ndarray, affine: np.ndarray, oriented: bool, progress: object) -> Registration:
        """Give what registering this head has given before."""
        average = average_head()
        assert np.array_equal(voxels, average.voxels) and np.array_equal(affine, average.affine) and oriented
        return Registration(prepared.matrix, prepared.quality.information)

    monkeypatch.setattr("alzedge.preparation.prepare.register", register)
    out = tmp_path / "out"
    result = call_cli("prepare", scans / "empty.nii.gz", scans / "head.nii.gz", scans / "torn.nii.gz", "--out", out)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    refusals = [line for line in result.stderr.splitlines() if line.startswith("alzedge:")]
    assert [name in line for name, line in zip(("empty", "torn"), refusals, strict=True)] == [True, True]
    assert "not a medical device" in result.stderr and f"wrote {out / 'head'}" in result.stdout
    slices = sorted((out / "head" / "slices").glob("*.png"))
    assert np.array_equal([np.asarray(Image.open(path)) for path in slices], prepared.slices())
    quality = json.loads((out / "head" / "quality.json").read_text())
    assert quality["verdict"] in ("good", "doubtful") and quality["similarity"] > 0.4
    assert np.asarray(Image.open(out / "head" / "quality.png").convert("L")).std() > 10
    assert nib.load(out / "head" / "volume.nii.gz").shape == (176, 208, 176)
    assert sorted(path.name for path in out.iterdir()) == ["head"]


def test_a_folder_is_gone_through_resumed_and_not_overwritten(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_nothing(monkeypatch)
    source, out = tmp_path / "in", tmp_path / "out"
    for name in ("b.nii.gz", "sub-01/a.nii.gz", "sub-02/a.nii.gz"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(scans / "head.nii.gz", source / name)
    first = call_cli("prepare", source, "--out", out)
    assert first.returncode == 0 and "3 scans: 3 " in first.stdout, first.stderr
    figures = out / "sub-02/a/quality.json"
    assert (out / "b/quality.json").is_file() and (out / "sub-01/a/slices").is_dir()
    # What was prepared is one scan again, answered as the scan itself: not its slices beside it, nor the picture.
    (item,) = find_items([out / "b"])
    assert item.kind == NIFTI and Path(item.name) == out / "b/volume.nii.gz" and len(list(find_items([out]))) == 3
    levels = (-38.0, 0.0, 54.0)
    whole, by_slices = read_material([out / "b"], levels), read_material([out / "b/slices"], levels)
    assert whole.heights == levels and len(by_slices.pixels) == 32 and whole.registration == by_slices.registration
    before = figures.stat().st_mtime_ns
    (out / "b/quality.json").unlink()  # as after an interruption
    again = call_cli("prepare", source, "--out", out)
    assert again.returncode == 2 and again.stdout.count("prepared already") == 2
    assert f"{out / 'b'} is not empty" in again.stderr and "--overwrite" in again.stderr
    over = call_cli("prepare", source, "--out", out, "--overwrite")
    assert over.returncode == 0 and figures.stat().st_mtime_ns == before and (out / "b/quality.json").is_file()
    shutil.copy(scans / "empty.nii.gz", source / "sub-02/a.nii.gz")  # another scan under the same name
    assert "is not empty" in call_cli("prepare", source / "sub-02", "--out", out / "sub-02").stderr
    assert_refused(call_cli("prepare", tmp_path / "out/b/slices", "--out", out), "no NIfTI, Analyze or DICOM file")


def test_two_scans_of_one_name_are_refused_before_any_work(tmp_path: Path) -> None:
    for name in ("a/head.nii", "b/head.nii.gz"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    with pytest.raises(UserError, match="two of the scans"):
        prepare_scans([tmp_path / "a/head.nii", tmp_path / "b/head.nii.gz"], tmp_path / "out")
