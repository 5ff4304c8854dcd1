"""NIfTI and DICOM: slices as the model knows them, and one sentence for everything else."""

import gzip
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.volumes import Pixels, Series, as_grid, save_dicom, save_nifti, save_series, with_syntax

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.imaging.volumes import read_volume
from alzedge.inference.classifier import Classifier

nib = pytest.importorskip("nibabel")
pydicom = pytest.importorskip("pydicom")

AXES = ["RAS", "LAS", "LPS", "PSR", "SAR", "ILP"]


@pytest.fixture(scope="module")
def slices(phantoms: DataSet) -> Pixels:
    """Slices of one phantom, from foot to head, in the frame."""
    return phantoms.images[:5]


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_slices_come_through_pixel_for_pixel_in_any_order_of_axes(
    slices: Pixels, tmp_path: Path, axes: str, suffix: str
) -> None:
    path = save_nifti(tmp_path / f"head{suffix}", as_grid(slices), np.diag([1.0, 1, 2.5, 1]), axes)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.slices, slices)
    np.testing.assert_allclose(volume.positions, [0, 2.5, 5, 7.5, 10], atol=1e-6)
    classifier = Classifier.load(guarded=False)
    assert classifier.answers(volume.slices) == classifier.answers(slices)
    assert classifier.predict(path, prepare=False).slices == tuple(classifier.answers(slices))


def test_sixteen_bits_a_slope_and_a_grid_of_another_size_change_nothing(slices: Pixels, tmp_path: Path) -> None:
    """A head somewhere in 256 x 240, in 16 bits: found, centred, stretched."""
    grid = np.zeros((256, 240, 7), np.int16)
    grid[60:236, 10:218, 1:6] = as_grid(slices).astype(np.int16) * 40
    image = nib.Nifti1Image(grid, np.eye(4))
    image.header.set_slope_inter(0.25, 0)
    nib.save(image, tmp_path / "head.nii")
    volume = read_volume(tmp_path / "head.nii")
    assert volume.slices.shape == slices.shape  # the two empty ones are left out
    np.testing.assert_array_equal(volume.positions, [1, 2, 3, 4, 5])
    shifted = shift_to(volume.slices, slices)
    np.testing.assert_array_equal(shifted, slices)


def shift_to(found: Pixels, wanted: Pixels) -> Pixels:
    """Undo the shift between two stacks, which may be a pixel or two: the phantom's middle is not the Kaggle set's."""
    rows = np.flatnonzero(found.any(axis=(0, 2)))[0] - np.flatnonzero(wanted.any(axis=(0, 2)))[0]
    columns = np.flatnonzero(found.any(axis=(0, 1)))[0] - np.flatnonzero(wanted.any(axis=(0, 1)))[0]
    assert abs(rows) <= 3 and abs(columns) <= 3
    return np.roll(found, (-rows, -columns), axis=(1, 2))


@pytest.mark.parametrize("spacing", [0.5, 2.0])
def test_other_spacings_are_resampled_to_a_millimetre(slices: Pixels, tmp_path: Path, spacing: float) -> None:
    fine = as_grid(slices)
    if spacing < 1:
        voxels = fine.repeat(2, axis=0).repeat(2, axis=1)
    else:
        voxels = fine.reshape(88, 2, 104, 2, -1).mean(axis=(1, 3)).astype(np.float32)
    path = save_nifti(tmp_path / "head.nii", voxels, np.diag([spacing, spacing, 1, 1]))
    found = read_volume(path).slices
    assert found.shape == slices.shape
    difference = np.abs(found.astype(float) - slices)
    assert difference.mean() < (1 if spacing < 1 else 6)
    assert np.corrcoef(found.ravel(), slices.ravel())[0, 1] > 0.98


def test_each_slice_is_stretched_on_its_own(slices: Pixels, tmp_path: Path) -> None:
    faded = as_grid(slices) * np.array([1.0, 0.5, 0.1, 2, 7]) - 30
    found = read_volume(save_nifti(tmp_path / "head.nii", faded.astype(np.float64))).slices
    np.testing.assert_array_equal(found, slices)


def tilted(degrees: float) -> Pixels:
    angle = np.radians(degrees)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return affine


def test_a_slight_tilt_is_accepted(slices: Pixels, tmp_path: Path) -> None:
    assert len(read_volume(save_nifti(tmp_path / "head.nii", as_grid(slices), tilted(15))).slices) == 5


NAN = np.zeros((176, 208, 3), np.float32)
NAN[5, 5, 1] = np.nan
COLOUR = np.zeros((176, 208, 3), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p, g: nib.save(nib.Nifti1Image(np.stack([g, g], -1), np.eye(4)), p), "save one 3D volume"),
        (lambda p, g: nib.save(nib.Nifti1Image(g, None), p), "orientation unknown"),
        (lambda p, g: save_nifti(p, g, tilted(40)), "tilted 40 degrees"),
        (lambda p, g: save_nifti(p, NAN), "NaN or infinite"),
        (lambda p, g: nib.save(nib.Nifti1Image(COLOUR, np.eye(4)), p), "in colour"),
        (lambda p, g: save_nifti(p, g.astype(np.complex64)), "save their magnitude"),
        (lambda p, g: save_nifti(p, np.zeros_like(g)), "all voxels of a slice are equal"),
        (lambda p, g: save_nifti(p, g, np.diag([0.01, 0.01, 1, 1])), "correct the header's spacing"),
        (lambda p, g: save_nifti(p, g[:5]), "is not a head in axial slices"),
        (
            lambda p, g: (
                nib.save(nib.Nifti1Pair(g, np.eye(4)), p.with_suffix(".hdr")) or p.with_suffix(".hdr").rename(p)
            ),
            ".hdr/.img pair",
        ),
        (lambda p, g: p.write_bytes(b"not a volume" * 100), "not a NIfTI file"),
        (lambda p, g: p.write_bytes(b""), "is empty"),
        (lambda p, g: p.write_bytes(save_nifti(p, g).read_bytes()[:70_000]), "damaged or cut off"),
    ],
)
def test_a_nifti_file_that_is_no_head_is_named_with_the_cure(
    slices: Pixels, tmp_path: Path, make: Callable[[Path, Pixels], object], words: str
) -> None:
    path = tmp_path / "head.nii"
    make(path, as_grid(slices))
    assert_one_sentence(path, words)


def assert_one_sentence(path: Path, words: str) -> None:
    with pytest.raises(UserError) as caught, warnings.catch_warnings():
        warnings.simplefilter("error")
        read_volume(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and words in message and "\n" not in message, message


def test_damaged_and_boundless_gzip_files(slices: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "head.nii.gz"
    whole = save_nifti(path, as_grid(slices)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert_one_sentence(path, "damaged or cut off")
    changed = bytearray(whole)
    changed[-6] ^= 1  # the checksum
    path.write_bytes(changed)
    assert_one_sentence(path, "damaged or cut off")
    plain = bytearray(gzip.decompress(whole))
    plain[42:48] = np.array([30_000] * 3, "<i2").tobytes()  # dim
    path.write_bytes(gzip.compress(plain))
    assert_one_sentence(path, "too large for one head")
    plain = bytearray(gzip.decompress(whole))
    plain[108:112] = np.array([2e9], "<f4").tobytes()  # vox_offset: voxels after two billion bytes
    path.write_bytes(gzip.compress(plain))
    assert_one_sentence(path, "vox_offset")


def test_an_absent_volume(tmp_path: Path) -> None:
    assert_one_sentence(tmp_path / "head.nii", "no such file")


def test_a_dicom_series_is_ordered_by_position_and_comes_through_pixel_for_pixel(
    slices: Pixels, tmp_path: Path
) -> None:
    volume = read_volume(save_series(tmp_path / "series", slices))
    np.testing.assert_array_equal(volume.slices, slices)
    np.testing.assert_allclose(volume.positions, [0, 2, 4, 6, 8])


def test_a_sagittal_series_is_cut_into_axial_slices(slices: Pixels, tmp_path: Path) -> None:
    tall = slices.repeat(20, axis=0)
    planes = tall.transpose(2, 0, 1)[:, ::-1]  # from the patient's right to the left, head up, nose to the right
    folder = tmp_path / "series"
    folder.mkdir()
    series = Series(across=(0, -1, 0), down=(0, 0, -1), step=(1, 0, 0))
    for number, plane in enumerate(planes):
        save_dicom(folder / f"{number}.dcm", np.ascontiguousarray(plane), series, number)
    np.testing.assert_array_equal(read_volume(folder).slices, tall)


def test_rescaling_signs_and_inversion(slices: Pixels, tmp_path: Path) -> None:
    signed = (slices.astype(np.int16) - 100) * 9
    rescaled = Series(changes={"RescaleSlope": 2.5, "RescaleIntercept": -1000})
    np.testing.assert_array_equal(read_volume(save_series(tmp_path / "signed", signed, rescaled)).slices, slices)
    inverted = Series(changes={"PhotometricInterpretation": "MONOCHROME1"})
    np.testing.assert_array_equal(
        read_volume(save_series(tmp_path / "inverted", 255 - slices, inverted)).slices, slices
    )


def test_a_multi_frame_file(slices: Pixels, tmp_path: Path) -> None:
    def sequence(keyword: str, value: Any) -> Any:
        item = pydicom.Dataset()
        setattr(item, keyword, value)
        return pydicom.Sequence([item])

    shared, frames = pydicom.Dataset(), []
    shared.PlaneOrientationSequence = sequence("ImageOrientationPatient", [1, 0, 0, 0, 1, 0])
    shared.PixelMeasuresSequence = sequence("PixelSpacing", [1, 1])
    for number in range(len(slices)):
        frame = pydicom.Dataset()
        frame.PlanePositionSequence = sequence("ImagePositionPatient", [0, 0, 8 - 2 * number])
        frames.append(frame)
    changes = {
        "NumberOfFrames": len(slices), "ImageOrientationPatient": None, "ImagePositionPatient": None,
        "PixelSpacing": None, "SharedFunctionalGroupsSequence": pydicom.Sequence([shared]),
        "PerFrameFunctionalGroupsSequence": pydicom.Sequence(frames),
    }  # fmt: skip
    path = save_dicom(tmp_path / "head.dcm", slices[::-1], Series(changes=changes))
    np.testing.assert_array_equal(read_volume(path).slices, slices)
    without = Series(changes={**changes, "PerFrameFunctionalGroupsSequence": None})
    assert_one_sentence(save_dicom(tmp_path / "bare.dcm", slices, without), "orientation unknown")


def test_one_dicom_file_is_one_slice(slices: Pixels, tmp_path: Path) -> None:
    volume = read_volume(save_dicom(tmp_path / "IM0001", slices[0], Series()))
    np.testing.assert_array_equal(volume.slices, slices[:1])


def test_lossless_compression_that_pydicom_reads(slices: Pixels, tmp_path: Path) -> None:
    path = save_dicom(tmp_path / "slice.dcm", slices[0], Series())
    dataset = pydicom.dcmread(path)
    dataset.compress(pydicom.uid.RLELossless)
    dataset.save_as(path)
    np.testing.assert_array_equal(read_volume(path).slices, slices[:1])


CORONAL = Series(across=(1, 0, 0), down=(0, 0, -1))
DEFLATED = "1.2.840.10008.1.2.1.99"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p, s: save_dicom(p, s[0], CORONAL), "is not a head in axial slices"),
        (lambda p, s: save_dicom(p, s[0], Series(changes={"PixelData": None})), "DICOM without pixel data (MR Image Storage)"),
        (lambda p, s: save_dicom(p, s[0], Series(changes={"ImageOrientationPatient": None})), "orientation unknown"),
        (lambda p, s: save_dicom(p, s[0], Series(changes={"PhotometricInterpretation": "PALETTE COLOR"})), "a colour image"),
        (lambda p, s: with_syntax(save_dicom(p, s[0], Series()), pydicom.uid.HTJ2KLossless), "High-Throughput JPEG 2000"),
        (lambda p, s: with_syntax(save_dicom(p, s[0], Series()), pydicom.uid.MPEG2MPML), "which cannot be read here"),
        (lambda p, s: save_dicom(p, s[0], Series(changes={"Rows": 60_000, "Columns": 60_000})), "too many for one head"),
        (lambda p, s: p.write_bytes(save_dicom(p, s[0], Series()).read_bytes()[:20_000]), "damaged or cut off"),
        (lambda p, s: p.write_bytes(save_dicom(p, s[0], Series()).read_bytes()[:300]), "or cut off"),
        (lambda p, s: save_dicom(p, s[0], Series(changes={"PixelSpacing": [-1, 1]})), "its pixel spacing is not above 0"),
        (lambda p, s: save_dicom(p, s[0], Series(changes={"ImageOrientationPatient": [2, 0, 0, 0, 2, 0]})), "at a right angle"),
        (lambda p, s: p.write_bytes(b"no DICOM"), "neither a NIfTI (.nii, .nii.gz) nor a DICOM file"),
    ],
)  # fmt: skip
def test_a_dicom_file_that_is_no_slice_is_named_with_the_cure(
    slices: Pixels, tmp_path: Path, make: Callable[[Path, Pixels], object], words: str
) -> None:
    path = tmp_path / "slice.dcm"
    make(path, slices)
    assert_one_sentence(path, words)


def test_deflated_dicom_is_refused_before_it_is_unpacked(slices: Pixels, tmp_path: Path) -> None:
    path = save_dicom(tmp_path / "slice.dcm", slices[0], Series())
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DEFLATED
    dataset.save_as(path)
    assert_one_sentence(path, "Deflated Explicit VR Little Endian")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f, s: save_dicom(f / "IM0999", s[0], Series(), 9, "1.2.3.5"), "of another series"),
        (lambda f, s: save_dicom(f / "IM0999", s[0], CORONAL, 9), "of another orientation"),
        (lambda f, s: save_dicom(f / "IM0999", s[0, :100], Series(), 9), "of another size"),
        (lambda f, s: save_dicom(f / "IM0999", s[0], Series(changes={"PixelSpacing": [2, 2]}), 9), "of another pixel spacing"),
        (lambda f, s: save_dicom(f / "IM0999", s[0], Series(), 7), "so some are missing"),
        (lambda f, s: save_dicom(f / "IM0999", s[0], Series(), 2), "several slices at the same place"),
        (lambda f, s: save_dicom(f / "IM0999", s[0], Series(step=(0.6, 0, 2)), 5), "shifted by up to"),
        (lambda f, s: [path.unlink() for path in f.iterdir()], "no DICOM files in it"),
    ],
)  # fmt: skip
def test_a_series_that_is_not_one_volume_is_named(
    slices: Pixels, tmp_path: Path, change: Callable[[Path, Pixels], object], words: str
) -> None:
    folder = save_series(tmp_path / "series", slices)
    change(folder, slices)
    assert_one_sentence(folder, words)


def test_extensions_are_never_taken_for_voxels(slices: Pixels, tmp_path: Path) -> None:
    path = save_nifti(tmp_path / "head.nii", as_grid(slices), np.eye(4))
    data = bytearray(path.read_bytes())
    data[108:112] = bytes(4)  # vox_offset 0, and behind the header an extension of 16 bytes
    data[348:352] = b"\1\0\0\0" + np.array([16, 6], "<i4").tobytes() + b"comment."
    path.write_bytes(data)
    np.testing.assert_array_equal(read_volume(path).slices, slices)


@pytest.mark.parametrize("name", ["head", "head.nii (1)", "head.gz"])
def test_a_nifti_file_is_known_by_its_content(slices: Pixels, tmp_path: Path, name: str) -> None:
    data = save_nifti(tmp_path / "a.nii", as_grid(slices), np.eye(4)).read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    np.testing.assert_array_equal(read_volume(tmp_path / name).slices, slices)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.nii.gz", b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        ("a.nii.gz", b"", "is empty"),
        ("a.dcm", b"/annex/objects/SHA256E-s1--1.dcm", "git annex get"),
        ("a", b"\2\0\0\0UL\4\0" + bytes(20), "without its file header"),
        ("a", b"\0\10\0\5CS\0\12ISO_IR 100", "without its file header"),
    ],
)
def test_what_stands_in_the_place_of_a_volume_is_named(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert_one_sentence(tmp_path / name, words)


@pytest.mark.parametrize(("padding", "inverted"), [(-2000, False), (65535, False), (-2000, True), (0, True)])
def test_padding_is_no_bright_rim(slices: Pixels, tmp_path: Path, padding: int, inverted: bool) -> None:
    planes = (256 - slices.astype(np.int32)) if inverted else slices.astype(np.int32) + 1
    assert not slices[:, :3].any()
    planes[:, :3] = padding
    changes = {"PixelPaddingValue": padding, "PhotometricInterpretation": f"MONOCHROME{1 if inverted else 2}"}
    kind = np.int16 if padding < 0 else np.uint16
    folder = save_series(tmp_path / "series", planes.astype(kind), Series(changes=changes))
    np.testing.assert_array_equal(read_volume(folder).slices, slices)


def test_a_copy_of_a_slice_is_left_out(slices: Pixels, tmp_path: Path) -> None:
    folder = save_series(tmp_path / "series", slices)
    (folder / "copy").write_bytes((folder / "IM0003").read_bytes())
    np.testing.assert_array_equal(read_volume(folder).slices, slices)


def test_nobody_learns_the_patients_name(slices: Pixels, tmp_path: Path) -> None:
    """Whatever is damaged: pydicom's own messages quote what they cannot read."""
    path = save_dicom(tmp_path / "slice.dcm", slices[0], Series())
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(150):
        changed = bytearray(whole)
        for position in random.integers(132, 900, 3):
            changed[position] = random.integers(256)
        path.write_bytes(changed)
        try:
            answer = repr(vars(read_volume(path)).keys())
        except UserError as error:
            answer = str(error) + repr(error.__cause__)
        assert "Doe" not in answer and "4711" not in answer


def test_a_missing_package_is_named(slices: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_nifti(tmp_path / "head.nii", as_grid(slices))
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    with pytest.raises(UserError, match=r"pip install 'alzedge\[medical\]'"):
        read_volume(path)
