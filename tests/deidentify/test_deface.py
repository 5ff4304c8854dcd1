"""Faces: gone from a real head, as NIfTI and as a DICOM series, with no voxel of the brain."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.canaries import mr_image, write
from helpers.heads import Pixels

from alzedge.deidentify.audit import audit_folder
from alzedge.deidentify.deface import Face, face_voxels, touched
from alzedge.deidentify.rules.pseudonyms import derive
from alzedge.deidentify.run import deidentify
from alzedge.errors import UserError
from alzedge.preparation import frame

nib = pytest.importorskip("nibabel")
pydicom = pytest.importorskip("pydicom")
pytest.importorskip("SimpleITK")
pytest.importorskip("scipy")

PSEUDONYMS = derive("the key of these tests, kept nowhere")
TEMPLATES = Path("/usr/share/mricron/templates")
needs_head = pytest.mark.skipif(not (TEMPLATES / "ch2.nii.gz").exists(), reason="needs Debian's mricron-data")


def template(name: str) -> tuple[Pixels, Pixels]:
    """Voxels of 2 mm of one of mricron's volumes, and their affine."""
    image = nib.load(TEMPLATES / f"{name}.nii.gz")
    return np.asarray(image.dataobj)[::2, ::2, ::2], image.affine @ np.diag([2.0, 2, 2, 1])


def assert_faceless(before: Pixels, after: Pixels) -> None:
    """Nothing of the brain has changed, and the surface of the face is gone."""
    brain = template("ch2bet")[0] > 0
    np.testing.assert_array_equal(after[brain], before[brain])
    assert not after[before != after].any()
    _, affine = template("ch2")
    left, _, low = np.rint(np.linalg.inv(affine) @ (-40, 0, -60, 1))[:3].astype(int)
    right, _, high = np.rint(np.linalg.inv(affine) @ (40, 0, -20, 1))[:3].astype(int)
    face = np.s_[min(left, right) : max(left, right), :, max(low, 0) : high]
    skin = foremost(before[face])
    assert (skin - foremost(after[face]) >= 3).all()  # at least 6 mm deep, at eyes, nose and cheeks


def foremost(voxels: Pixels) -> Pixels:
    """Index of the foremost bright voxel, for each line from back to front."""
    bright = voxels[:, ::-1] > 30
    return voxels.shape[1] - 1 - np.argmax(bright, axis=1)


def test_the_frames_own_face_is_in_front_of_the_brain_and_below() -> None:
    face = Face(np.eye(4), stripped=False)
    removed = face_voxels(face, frame.SHAPE, frame.affine())
    brain, gone = touched(face, removed, frame.affine())
    assert brain == frame.load_template().mask.sum() and gone == 0
    to_index = np.linalg.inv(frame.affine())

    def is_removed(x: float, y: float, z: float) -> bool:
        return bool(removed[tuple(np.rint(to_index @ (x, y, z, 1))[:3].astype(int))])

    assert is_removed(0, 80, -40) and is_removed(30, 75, -20) and is_removed(0, 40, -70)  # nose, eye, mouth
    assert not is_removed(0, -80, 40) and not is_removed(60, 0, 20) and not is_removed(0, 0, 90)  # back, side, vertex
    assert not face_voxels(Face(np.eye(4), stripped=True), frame.SHAPE, frame.affine()).any()


@pytest.mark.slow
@needs_head
def test_a_nifti_head_and_a_stripped_one(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    for name in ("ch2", "ch2bet"):
        voxels, affine = template(name)
        nib.save(nib.Nifti1Image(voxels, affine), source / f"{name}.nii.gz")
    report = deidentify(source, tmp_path / "dst", PSEUDONYMS, deface=True)
    assert (report.written, report.defaced, report.touched) == (2, 1, 0) and report.brain > 150_000
    assert audit_folder(tmp_path / "dst").found == {}
    head, stripped = (
        np.asarray(nib.load(next((tmp_path / "dst" / PSEUDONYMS.patient(name)).glob("*.nii.gz"))).dataobj)
        for name in ("ch2", "ch2bet")
    )
    assert_faceless(template("ch2")[0], head)
    np.testing.assert_array_equal(stripped, template("ch2bet")[0])
    with pytest.raises(UserError, match="begun with --deface"):
        deidentify(source, tmp_path / "dst", PSEUDONYMS)


def save_slices(folder: Path, voxels: Pixels, affine: Pixels, change: Any = None) -> None:
    """An axial DICOM series of a volume in RAS order; DICOM counts to the left and to the back."""
    for k in range(voxels.shape[2]):
        image = mr_image(voxels[:, :, k].T, number=k)
        image.PixelSpacing, image.ImageOrientationPatient = [2, 2], [-1, 0, 0, 0, -1, 0]
        image.ImagePositionPatient = [float(v) for v in (affine @ (0, 0, k, 1))[:3] * (-1, -1, 1)]
        write(folder / f"IM{k * 37 % 101}", image)


@pytest.mark.slow
@needs_head
def test_a_dicom_series(tmp_path: Path) -> None:
    voxels, affine = template("ch2")
    save_slices(tmp_path / "src" / "t1", voxels, affine)
    write(tmp_path / "src" / "lonely", mr_image(voxels[:, :, 40].T, series="1.2.9"))
    report = deidentify(tmp_path / "src", tmp_path / "dst", PSEUDONYMS, jobs=2, deface=True)
    assert (report.written, report.defaced, report.touched) == (voxels.shape[2], voxels.shape[2], 0)
    assert [reason for reason in report.left_out if "could not be registered" in reason]
    assert audit_folder(tmp_path / "dst").found == {}
    found = [pydicom.dcmread(path) for path in (tmp_path / "dst").rglob("*.dcm")]
    assert {dataset.RecognizableVisualFeatures for dataset in found} == {"NO"}
    assert all("113102" in {item.CodeValue for item in one.DeidentificationMethodCodeSequence} for one in found)
    found.sort(key=lambda dataset: float(dataset.ImagePositionPatient[2]))
    assert_faceless(voxels, np.stack([dataset.pixel_array.T for dataset in found], axis=2))


@pytest.mark.slow
def test_what_is_no_head_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    noise = np.random.default_rng(0).integers(0, 99, (60, 60, 60)).astype(np.int16)
    nib.save(nib.Nifti1Image(noise, np.diag([3.0, 3, 3, 1])), tmp_path / "src" / "noise.nii")
    with pytest.raises(UserError, match="could not be registered"):
        deidentify(tmp_path / "src", tmp_path / "dst", PSEUDONYMS, deface=True)
