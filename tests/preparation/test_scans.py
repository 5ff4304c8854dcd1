"""Scans from Analyze pairs, folders of several DICOM series, and OASIS-1's folders."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from helpers.volumes import Series, save_dicom, save_nifti

from alzedge.errors import UserError
from alzedge.preparation import frame
from alzedge.preparation.scans import list_scans, read_scan

nib = pytest.importorskip("nibabel")


@pytest.fixture()
def voxels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4000, (20, 24, 16)).astype(np.int16)


def save_pair(path: Path, voxels: np.ndarray, spacing: float = 8, endian: str = ">") -> Path:
    """An Analyze 7.5 pair without SPM's additions, as OASIS-1's."""
    header = nib.AnalyzeImage.header_class(endianness=endian)
    header.set_data_dtype(voxels.dtype.newbyteorder(endian))
    header.set_data_shape(voxels.shape)
    header.set_zooms([spacing] * voxels.ndim)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".hdr").write_bytes(header.binaryblock)
    path.with_suffix(".img").write_bytes(voxels.astype(voxels.dtype.newbyteorder(endian)).tobytes(order="F"))
    return path.with_suffix(".hdr")


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("ending", [".hdr", ".img"])
def test_either_file_of_an_analyze_pair_is_read(voxels: np.ndarray, tmp_path: Path, endian: str, ending: str) -> None:
    path = save_pair(tmp_path / "scan.hdr", voxels, endian=endian).with_suffix(ending)
    scan = read_scan(path)
    assert np.array_equal(scan.voxels, voxels)
    assert not scan.oriented
    assert np.allclose(np.abs(np.diag(scan.affine)[:3]), 8)


def test_a_packed_image_is_read(voxels: np.ndarray, tmp_path: Path) -> None:
    path = save_pair(tmp_path / "scan.hdr", voxels)
    image = path.with_suffix(".img")
    (tmp_path / "scan.img.gz").write_bytes(gzip.compress(image.read_bytes()))
    image.unlink()
    assert np.array_equal(read_scan(path).voxels, voxels)


def test_oasis_atlas_volumes_lie_in_the_frame(tmp_path: Path) -> None:
    folder = tmp_path / "OAS1_9999_MR1"
    voxels = np.zeros(frame.SHAPE, np.int16)
    voxels[80, 100, 90] = 7
    save_pair(folder / "PROCESSED/MPRAGE/T88_111/OAS1_9999_MR1_mpr_n4_anon_111_t88_masked_gfc.hdr", voxels, spacing=1)
    save_pair(folder / "RAW/OAS1_9999_MR1_mpr-1_anon.hdr", voxels[:40, :40, :40], spacing=1)
    scan = read_scan(folder)
    assert scan.oriented
    assert np.array_equal(scan.affine, frame.affine())
    assert scan.voxels[80, 100, 90] == 7
    assert "t88_masked_gfc" in scan.notes[0]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.with_suffix(".img").unlink(), "scan.img is not beside it"),
        (lambda path: path.with_suffix(".img").write_bytes(bytes(100)), "cut off, 100 of"),
        (lambda path: path.write_bytes(bytes(40)), "40 bytes, but an Analyze header has 348"),
        (lambda path: path.write_bytes(path.read_bytes()[:344] + b"ni1\0"), "NIfTI pair"),
        (lambda path: path.write_bytes(path.read_bytes()[:40] + b"\0\4" + bytes(2) * 7 + path.read_bytes()[56:]), "not a volume"),
    ],
)  # fmt: skip
def test_a_damaged_pair_is_named_with_the_cure(voxels: np.ndarray, tmp_path: Path, damage, sentence: str) -> None:
    path = save_pair(tmp_path / "scan.hdr", voxels)
    damage(path)
    with pytest.raises(UserError, match=sentence):
        read_scan(path)


def test_several_volumes_in_a_pair(voxels: np.ndarray, tmp_path: Path) -> None:
    path = save_pair(tmp_path / "scan.hdr", np.stack([voxels, voxels], -1)[..., :2], spacing=8)
    with pytest.raises(UserError, match="several volumes"):
        read_scan(path)


@pytest.mark.parametrize(("name", "cure"), [("a.mgz", "mri_convert"), ("a.nii.bz2", "bunzip2"), ("a.nrrd", "convert")])
def test_other_kinds_are_refused_with_a_conversion(tmp_path: Path, name: str, cure: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UserError, match=cure):
        read_scan(tmp_path / name)


def test_a_folder_of_one_volume_and_of_several(voxels: np.ndarray, tmp_path: Path) -> None:
    save_nifti(tmp_path / "a.nii.gz", voxels)
    assert read_scan(tmp_path).voxels.shape == voxels.shape
    save_nifti(tmp_path / "b.nii.gz", voxels)
    with pytest.raises(UserError, match="2 volumes"):
        read_scan(tmp_path)
    save_pair(tmp_path / "sub/c.hdr", voxels)
    save_pair(tmp_path / "OAS1_9999_MR1/RAW/OAS1_9999_MR1_mpr-1_anon.hdr", voxels)
    names = ["a.nii.gz", "b.nii.gz", "OAS1_9999_MR1", "sub/c.hdr"]
    assert list_scans(tmp_path) == [tmp_path / name for name in names]


def add_series(folder: Path, uid: str, slices: int, rows: int, **changes: object) -> None:
    planes = np.random.default_rng(int(rows)).integers(1, 900, (slices, rows, 20)).astype(np.uint16)
    for number, plane in enumerate(planes):
        save_dicom(folder / f"{uid}-{number:03d}.dcm", plane, Series(changes=dict(changes)), number, uid)


def test_the_t1_is_chosen_among_several_series_and_the_choice_told(tmp_path: Path) -> None:
    add_series(tmp_path, "1.1", 3, 24, SeriesDescription="localizer", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    add_series(tmp_path, "1.2", 40, 26, SeriesDescription="t2_flair", EchoTime=90)
    add_series(tmp_path, "1.3", 30, 28, SeriesDescription="Sag MPRAGE", EchoTime=3, MRAcquisitionType="3D")
    scan = read_scan(tmp_path)
    assert scan.voxels.shape == (20, 28, 30)
    assert "of 3 series" in scan.notes[0]


def test_directions_that_differ_in_their_last_digit_are_one_series(tmp_path: Path) -> None:
    for number in range(16):
        tilt = 0.05 + (number % 2 - 0.5) * 1e-4
        directions = [1, tilt, 0, -tilt, 1, 0]
        save_dicom(
            tmp_path / f"{number}.dcm",
            np.full((20, 24), number, np.uint16),
            Series(changes={"ImageOrientationPatient": directions}),
            number,
        )
    assert read_scan(tmp_path).voxels.shape == (24, 20, 16)


def test_a_capture_beside_a_short_series_is_left_out(tmp_path: Path) -> None:
    add_series(tmp_path, "1.1", 3, 24)
    placed = ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing")
    save_dicom(tmp_path / "capture.dcm", np.ones((64, 64), np.uint16), Series(changes=dict.fromkeys(placed)), 0, "1.1")
    scan = read_scan(tmp_path)
    assert scan.voxels.shape == (20, 24, 3) and "of 2 series" in scan.notes[0]


def test_a_folder_without_a_whole_series_is_refused(tmp_path: Path) -> None:
    add_series(tmp_path, "1.1", 3, 24)
    add_series(tmp_path, "1.2", 4, 26)
    with pytest.raises(UserError, match="none of at least 12 slices"):
        read_scan(tmp_path)
