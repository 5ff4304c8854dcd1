"""NIfTI, PNG, JPEG and TIFF files and JSON sidecars: voxels and pixels stay, all that is said beside them goes."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.heads import Pixels, head, with_caption
from PIL import Image, PngImagePlugin

from alzedge.deidentify.check import problems
from alzedge.deidentify.clean import CleanFile, clean_file
from alzedge.deidentify.rules.pseudonyms import derive
from alzedge.deidentify.rules.refusals import LeftOut

nib = pytest.importorskip("nibabel")
pytest.importorskip("pydicom")
pytest.importorskip("scipy")

KEY = "the key of these tests, kept nowhere"
CANARY = "DOEJANE4711"


def cleaned(path: Path, relative: str | None = None) -> CleanFile:
    """The de-identified file; the audit finds nothing in it, and no canary is in it."""
    clean = clean_file(path, relative or path.name, derive(KEY))
    assert problems(clean.path, clean.data) == []
    unpacked = gzip.decompress(clean.data) if clean.path.endswith(".gz") else clean.data
    for content in (clean.path.encode(), clean.data, unpacked):
        assert CANARY.encode() not in content and CANARY.encode("utf-16-le") not in content
    return clean


def volume(kind: Any = nib.Nifti1Image, dtype: str = "<i2") -> Any:
    """A small head with a canary in every text of the header and in extensions, and a slope."""
    voxels = np.stack([head(40, 36, seed) for seed in range(30)]).astype(dtype)
    affine = np.array([[-1.1, 0.02, 0, 30], [0, 1.2, 0.1, -20], [0, -0.1, 1.3, 7], [0, 0, 0, 1]])
    image = kind(voxels, affine)
    image.header.set_slope_inter(0.25, -3)
    image.set_qform(affine, 1)
    for name in ("descrip", "aux_file", "intent_name"):
        image.header[name] = CANARY
    if kind is nib.Nifti1Image:
        image.header["db_name"], image.header["data_type"] = CANARY, CANARY[:10]
    image.header["intent_code"], image.header["cal_max"] = 5, 4711
    for code in (2, 6, 40):
        image.header.extensions.append(nib.nifti1.Nifti1Extension(code if code != 2 else 0, f"{CANARY} ext".encode()))
    return image


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("dtype", ["<i2", ">f4", "<u1"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti_keeps_voxels_and_geometry_alone(tmp_path: Path, kind: Any, dtype: str, suffix: str) -> None:
    image = volume(kind, dtype)
    path = tmp_path / f"{CANARY}{suffix}"
    content = image.to_bytes() + CANARY.encode()
    if suffix == ".nii.gz":
        with path.open("wb") as file, gzip.GzipFile(f"{CANARY}.nii", "wb", fileobj=file) as packed:
            packed.write(content)
    else:
        path.write_bytes(content)
    clean = cleaned(path)
    assert clean.path.endswith(suffix)
    new = tmp_path / f"new{suffix}"
    new.write_bytes(clean.data)
    found, before = nib.load(new), nib.load(path)
    assert type(found) is type(before)
    np.testing.assert_array_equal(found.dataobj.get_unscaled(), before.dataobj.get_unscaled())
    np.testing.assert_array_equal(np.asarray(found.dataobj), np.asarray(before.dataobj))
    np.testing.assert_array_equal(found.affine, before.affine)
    assert found.header["qform_code"] == 1 and found.header.get_xyzt_units() == before.header.get_xyzt_units()
    assert not found.header.extensions and found.header["intent_code"] == 0 and found.header["cal_max"] == 0
    assert cleaned(path) == clean  # to the byte, or an interrupted run could not go on


def with_offset(data: bytes, offset: float) -> bytes:
    return data[:108] + np.float32(offset).tobytes() + data[112:]


def test_nifti_whose_vox_offset_is_wrong(tmp_path: Path) -> None:
    """Left 0, the voxels lie behind the extensions; an extension is never kept as voxels."""
    data, path = volume().to_bytes(), tmp_path / "a.nii"
    path.write_bytes(data)
    expected = cleaned(path)
    path.write_bytes(with_offset(data, 0))
    assert cleaned(path) == expected
    for offset in (352, 384, 100, 2e9, -1):
        path.write_bytes(with_offset(data, offset))
        with pytest.raises(LeftOut, match="points to no voxels"):
            clean_file(path, path.name, derive(KEY))


def test_nifti_that_is_left_out(tmp_path: Path) -> None:
    data = volume().to_bytes()
    pair = bytearray(data)
    pair[344:348] = b"ni1\0"
    colours = nib.Nifti1Image(np.zeros((4, 4, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")]), np.eye(4)).to_bytes()
    packed = gzip.compress(data)
    cases = [
        ("a.nii", data[:-5], "cut-off"),
        ("a.nii.gz", packed[: len(packed) // 2], "cut-off"),
        ("a.nii.gz", packed[:-6] + b"xxxxxx", "cut-off"),
        ("a.nii", b"Doe" * 500, "cut-off"),
        ("a.nii", bytes(pair), "pair"),
        ("a.hdr", bytes(pair), "pair"),
        ("a.nii", colours, "grey values"),
    ]
    captioned = np.stack([np.pad(head(60, 90), 15)] * 20)
    captioned[5] = with_caption(captioned[5], size=12)
    cases.append(("a.nii", nib.Nifti1Image(captioned, np.eye(4)).to_bytes(), "text in the pixels"))
    for name, content, reason in cases:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LeftOut, match=reason):
            clean_file(tmp_path / name, name, derive(KEY))


def picture(path: Path, pixels: Pixels) -> Path:
    """An image file with a canary in each place its format has for one, and behind its end."""
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x9286] = CANARY, CANARY, CANARY.encode()
    if path.suffix == ".png":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Author", CANARY)
        texts.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{CANARY}</x:xmpmeta>")
        image.save(path, exif=exif, icc_profile=CANARY.encode(), pnginfo=texts)
    elif path.suffix == ".jpg":
        image.save(path, exif=exif, icc_profile=CANARY.encode(), comment=CANARY, xmp=CANARY.encode(), quality=90)
    else:
        image.save(path, exif=exif, icc_profile=CANARY.encode(), software=CANARY, description=CANARY)
    with path.open("ab") as file:
        file.write(CANARY.encode() + CANARY.encode("utf-16-le"))
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("kind", ["grey", "colour", "16 bit"])
def test_images_keep_pixels_alone(tmp_path: Path, suffix: str, kind: str) -> None:
    pixels: Pixels = head()
    if kind == "colour":
        pixels = np.stack([pixels, pixels // 2, pixels // 3], axis=-1)
    if kind == "16 bit":
        if suffix == ".jpg":
            return
        pixels = pixels.astype(np.uint16) * 251
    path = picture(tmp_path / f"{CANARY}{suffix}", pixels)
    with Image.open(path) as image:
        decoded = np.asarray(image)
    if suffix != ".jpg":
        np.testing.assert_array_equal(decoded, pixels)
    clean = cleaned(path)
    assert clean.path.endswith(".png")
    with Image.open(io.BytesIO(clean.data)) as image:
        assert image.info == {} and not image.getexif()
        np.testing.assert_array_equal(np.asarray(image), decoded)


def test_what_transparency_hid_is_looked_at(tmp_path: Path) -> None:
    grey = with_caption(head())
    hidden = np.dstack([grey, grey, grey, np.where(head() > 0, 255, 0).astype(np.uint8)])
    Image.fromarray(hidden).save(tmp_path / "a.png")
    with pytest.raises(LeftOut, match="text in the pixels"):
        clean_file(tmp_path / "a.png", "a.png", derive(KEY))


def test_images_that_are_left_out(tmp_path: Path) -> None:
    Image.fromarray(head()).save(tmp_path / "pages.tif", save_all=True, append_images=[Image.fromarray(head())])
    Image.fromarray(head().astype(np.float32)).save(tmp_path / "float.tif")
    Image.fromarray(head()).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-900])
    for name, reason in [("pages.tif", "pages"), ("float.tif", "unusual"), ("cut.png", "cut-off")]:
        with pytest.raises(LeftOut, match=reason):
            clean_file(tmp_path / name, name, derive(KEY))


def test_a_sidecar_keeps_what_dicom_keeps(tmp_path: Path) -> None:
    found = {
        "Modality": "MR", "EchoTime": 0.004, "RepetitionTime": 0.0097, "FlipAngle": 10, "Manufacturer": "Siemens",
        "ImageType": ["ORIGINAL", "PRIMARY", CANARY], "PatientAge": "095Y", "PatientName": CANARY, "PatientID": CANARY,
        "AcquisitionDateTime": "2020-02-29T10:11:12", "SeriesDescription": CANARY, "EchoTrainLength": CANARY,
        "InversionTime": float("nan"), "Nested": {"EchoTime": CANARY}, "StudyInstanceUID": "1.2.3", "PixelSpacing": [1, CANARY],
    }  # fmt: skip
    (tmp_path / "sub-JANE_T1w.json").write_text(json.dumps(found))
    (tmp_path / "sub-JANE_T1w.nii.gz").write_bytes(gzip.compress(volume().to_bytes()))
    sidecar, image = (cleaned(tmp_path / f"sub-JANE_T1w.{suffix}") for suffix in ("json", "nii.gz"))
    assert sidecar.path.removesuffix(".json") == image.path.removesuffix(".nii.gz")
    assert json.loads(sidecar.data) == {
        "Modality": "MR", "EchoTime": 0.004, "RepetitionTime": 0.0097, "FlipAngle": 10, "Manufacturer": "SIEMENS",
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"], "PatientAge": "089Y",
    }  # fmt: skip


def test_whose_a_file_is(tmp_path: Path) -> None:
    """The BIDS subject, else the topmost folder, else the file's own name."""
    path = tmp_path / "x.png"
    Image.fromarray(head()).save(path)
    relatives = ["sub-JANE/anat/sub-JANE_T1w.png", "sub-JANE/ses-2/a.png", "doe/1/a.png", "doe/2/a.png", "jane.png"]
    people = [cleaned(path, relative).path.split("/")[0] for relative in relatives]
    pseudonyms = derive(KEY)
    assert people == [pseudonyms.patient(name) for name in ("JANE", "JANE", "doe", "doe", "jane")]
    assert cleaned(path, relatives[2]).path != cleaned(path, relatives[3]).path


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("notes.txt", b"Doe", "not a DICOM, NIfTI"),
        ("lonely.json", b"{}", "without an image"),
        ("broken.dcm", b"Doe" * 100, "not a DICOM file, or damaged"),
        ("all.zip", b"PK\x03\x04....", "archive"),
        ("locked.dcm", bytes.fromhex("3082010006092a864886f70d010703"), "encrypted"),
        ("empty", b"", "not a DICOM, NIfTI"),
    ],
)
def test_other_files_are_left_out(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LeftOut, match=reason):
        clean_file(tmp_path / name, name, derive(KEY))
