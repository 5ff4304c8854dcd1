"""What can be uploaded: slices or a volume within limits, and one friendly sentence for everything else."""

import gzip
import shutil
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from helpers.average_heads import average_head, prepare_nothing
from helpers.images import bomb, encoded
from helpers.volumes import Series, as_grid, save_dicom, save_nifti, save_series, with_syntax
from numpy.typing import NDArray
from PIL import Image

from alzedge.data.dataset import DataSet
from alzedge.demo.answering.evidence import Occlusion
from alzedge.demo.answering.example import load_example
from alzedge.demo.answering.limits import Limits
from alzedge.demo.answering.reply import ask
from alzedge.demo.answering.uploads import NotASlice, Upload, read_uploads
from alzedge.demo.page.api import answer
from alzedge.demo.page.desk import Desk
from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier
from alzedge.preparation.upright import TURNED

HTJ2K = "1.2.840.10008.1.2.4.201"


@pytest.fixture(scope="module")
def slices(phantoms: DataSet) -> NDArray[np.uint8]:
    """Slices of one phantom, from foot to head."""
    return phantoms.images[:5]


def save_slices(folder: Path, slices: NDArray[np.uint8]) -> list[Path]:
    paths = [folder / f"<b>slice</b>{number}.png" for number in range(len(slices))]
    for path, pixels in zip(paths, slices, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return paths


def test_several_slices_come_through_in_order(slices: NDArray[np.uint8], tmp_path: Path) -> None:
    upload = read_uploads(save_slices(tmp_path, slices))
    np.testing.assert_array_equal(upload.slices, slices)
    assert upload.names == tuple(f"b>{number}.png" for number in range(5)) and not upload.volume


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_volume_is_one_persons(slices: NDArray[np.uint8], tmp_path: Path, suffix: str) -> None:
    upload = read_uploads([str(save_nifti(tmp_path / f"head{suffix}", as_grid(slices)))])
    np.testing.assert_array_equal(upload.slices, slices)
    assert upload.volume and upload.names[4] == f"head{suffix}, slice 5"


def test_a_series_of_files_without_suffix_is_one_volume(slices: NDArray[np.uint8], tmp_path: Path) -> None:
    upload = read_uploads(sorted(save_series(tmp_path / "series", slices).iterdir()))
    np.testing.assert_array_equal(upload.slices, slices)
    assert upload.volume and upload.names[0] == "the 5 DICOM files, slice 1"


def written(name: str, data: bytes) -> Callable[[Path, NDArray[np.uint8]], list[Path]]:
    def write(folder: Path, _: NDArray[np.uint8]) -> list[Path]:
        (folder / name).write_bytes(data)
        return [folder / name]

    return write


def picture(name: str, mode: str, **options: object) -> Callable[[Path, NDArray[np.uint8]], list[Path]]:
    """A picture of a slice's size in another mode or format."""

    def write(folder: Path, slices: NDArray[np.uint8]) -> list[Path]:
        image = Image.fromarray(slices[2].astype(np.uint16) * 200) if mode == "I;16" else Image.fromarray(slices[2])
        return written(name, encoded(image if mode == "I;16" else image.convert(mode), **options))(folder, slices)

    return write


def zipped(folder: Path, _: NDArray[np.uint8]) -> list[Path]:
    """Fifty megabytes of nothing in fifty kilobytes."""
    with zipfile.ZipFile(folder / "slices.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("slice.png", bytes(50 * 2**20))
    return [folder / "slices.zip"]


def inflating(side: int) -> Callable[[Path, NDArray[np.uint8]], list[Path]]:
    """A compressed volume whose header promises side³ voxels, and which inflates to 50 MB whatever it promises."""

    def write(folder: Path, slices: NDArray[np.uint8]) -> list[Path]:
        plain = bytearray(save_nifti(folder / "head.nii", as_grid(slices)).read_bytes()[:352])
        plain[42:48] = np.array([side] * 3, "<i2").tobytes()
        return written("bomb.nii.gz", gzip.compress(plain + bytes(50 * 2**20), compresslevel=1))(folder, slices)

    return write


def four_dimensional(folder: Path, slices: NDArray[np.uint8]) -> list[Path]:
    grid = as_grid(slices)
    nib.save(nib.Nifti1Image(np.stack([grid, grid], -1), np.eye(4)), folder / "bold.nii.gz")
    return [folder / "bold.nii.gz"]


def two_volumes(folder: Path, slices: NDArray[np.uint8]) -> list[Path]:
    return [save_nifti(folder / name, as_grid(slices)) for name in ("one.nii", "two.nii")]


BAD_INPUT = {
    "nothing": (lambda f, s: [], "Nothing was uploaded; choose JPEG, PNG, BMP"),
    "empty": (written("empty.png", b""), "empty.png: the file is empty"),
    "text": (written("cat.jpg", b"meow"), "cat.jpg: not a JPEG, PNG"),
    "program": (written("run.exe", b"MZ"), "run.exe: not a kind of file that is read here; upload JPEG, PNG, BMP"),
    "nameless": (written("README", b"text"), "README: not a kind of file"),
    "truncated": (lambda f, s: written("half.png", encoded(Image.fromarray(s[2]))[:2000])(f, s), "half.png: the image is damaged"),
    "16 bits": (picture("deep.png", "I;16"), "deep.png: a 16-bit image"),
    "CMYK": (picture("print.jpg", "CMYK", fmt="JPEG"), "print.jpg: image mode CMYK"),
    "animated PNG": (picture("moving.png", "L", save_all=True, append_images=[Image.new("L", (176, 208))]), "an animation"),
    "GIF as PNG": (picture("moving.png", "L", fmt="GIF"), "moving.png: a GIF picture"),
    "GIF": (picture("moving.gif", "L", fmt="GIF"), "moving.gif: not a kind of file"),
    "huge picture": (written("wall.png", bomb(30_000)), "wall.png: far too many pixels"),
    "large picture": (written("wall.png", bomb(5_000)), "wall.png: far too many pixels"),
    "wide": (written("wide.png", encoded(Image.new("L", (208, 176)))), "208 wide x 176 high, but slices are"),
    "heavy picture": (written("heavy.png", bytes(9 * 2**20)), "heavy.png: 8 MiB is too large for one slice"),
    "zip bomb": (zipped, "slices.zip: not a kind of file"),
    "gzip bomb": (inflating(30_000), "bomb.nii.gz: 30000 x 30000 x 30000 voxels"),
    "gzip bomb of a head's side": (inflating(512), "bomb.nii.gz: 512 x 512 x 512 voxels"),
    "gzip bomb behind a small head": (inflating(20), "bomb.nii.gz: 20 x 20 mm"),
    "4D": (four_dimensional, "bold.nii.gz: 4 dimensions"),
    "encapsulated": (lambda f, s: [with_syntax(save_dicom(f / "scan.dcm", s[0], Series()), HTJ2K)], "scan.dcm: compressed as High-Throughput JPEG 2000"),
    "200 slices": (lambda f, s: save_slices(f, np.repeat(s, 40, axis=0)), "200 slices at once are too many, 100 at most"),
    "1000 files": (lambda f, s: save_slices(f, s[:1]) * 1000, "1000 files at once are too many"),
    "two volumes": (two_volumes, "2 volumes at once; upload one at a time"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_friendly_sentence_without_a_path(
    case: str, slices: NDArray[np.uint8], tmp_path: Path
) -> None:
    make, words = BAD_INPUT[case]
    paths: Sequence[Path] = make(tmp_path, slices)
    tracemalloc.start()
    try:
        with pytest.raises(UserError) as caught, warnings.catch_warnings():
            warnings.simplefilter("error")
            read_uploads(paths)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert words in message and "\n" not in message and str(tmp_path) not in message, message
    assert peak < 32 * 2**20, "what is refused is not unpacked first"


def test_files_too_large_one_by_one_and_together(slices: NDArray[np.uint8], tmp_path: Path) -> None:
    huge = tmp_path / "huge.nii"
    with huge.open("wb") as file:
        file.truncate(2**31)  # takes no room on the disk
    with pytest.raises(UserError, match=r"huge\.nii: 2048 MiB are too large, 128 MiB at most"):
        read_uploads([huge])
    paths = save_slices(tmp_path, slices)
    with pytest.raises(UserError, match="at once are too much"):
        read_uploads(paths, Limits(bytes=1000))


def test_a_picture_of_another_size_is_shown_to_the_guard(tmp_path: Path) -> None:
    """A holiday photo is not a slice; a slice that needs resampling is told its size."""
    guard = Classifier.load().guard
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "cat.png")
    with pytest.raises(NotASlice, match=r"cat\.png: this does not look like an axial brain MRI slice"):
        read_uploads([tmp_path / "cat.png"], guard=guard)
    Image.fromarray(np.rot90(load_example().slices[3])).save(tmp_path / "wide.png")
    cure = "turn it so that posterior is at the top, 176 wide and 208 high"
    assert answer(Classifier.load(), [tmp_path / "wide.png"])["refused"].endswith(cure)
    with pytest.raises(NotASlice, match=rf"wide\.png: this does not .*{cure}\.$"):
        read_uploads([tmp_path / "wide.png"], guard=guard)
    with pytest.raises(UserError, match="400 wide x 300 high"):
        read_uploads([tmp_path / "cat.png"])


def test_a_scan_is_brought_into_the_frame_and_shows_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_nothing(monkeypatch)
    nib.save(nib.AnalyzeImage(average_head().voxels.astype(np.int16), None), tmp_path / "head.hdr")
    classifier = Classifier.load()
    told = answer(classifier, [tmp_path / "head.img", tmp_path / "head.hdr"])
    assert "may be exchanged" in told["notes"][0] and told["quality"]["verdict"] == "doubtful"
    assert [one["position_mm"] for one in told["slices"]] == list(classifier.levels) and told["name"] == "2 files"
    assert told["slices"][7]["name"] == f"head.hdr, slice 8, {classifier.levels[7]:+.0f} mm"
    copies = [str(shutil.copy(tmp_path / name, tmp_path / f"copy{name[4:]}")) for name in ("head.hdr", "head.img")]
    shown = Desk(classifier, Occlusion(classifier)).upload(copies, tmp_path / "share")
    assert "Registration: doubtful" in shown.fit and "data:image/png;base64," in shown.fit
    assert (tmp_path / "share").read_text() == "1.00"


def test_a_slice_upside_down_is_shown_turned() -> None:
    classifier, example = Classifier.load(), load_example().slices
    desk = Desk(classifier, Occlusion(classifier))
    upright, down = (
        desk._shown(pixels, ask(classifier, Upload(pixels, ("a",), False)))
        for pixels in (example[3:4], example[3:4, ::-1])
    )
    assert upright.view == down.view
    assert TURNED in down.answer and TURNED not in upright.answer


def test_a_bad_file_among_several_loses_only_itself(slices: NDArray[np.uint8], tmp_path: Path) -> None:
    paths = save_slices(tmp_path, slices[:2])
    bad = {name: tmp_path / name for name in ("text.jpg", "empty.png", "run.exe")}
    for path in bad.values():
        path.write_bytes(b"" if path.name == "empty.png" else b"meow")
    volume = save_nifti(tmp_path / "head.nii", as_grid(slices))
    upload = read_uploads([bad["text.jpg"], paths[0], bad["empty.png"], volume, paths[1], bad["run.exe"]])
    np.testing.assert_array_equal(upload.slices, slices[:2])
    problems = {one.name: one.problem for one in upload.unread}
    assert set(problems) == {*bad, "head.nii"} and all(text.startswith(name) for name, text in problems.items())
    assert "upload it by itself" in problems["head.nii"]
    with pytest.raises(UserError, match=r"None of 3 files could be read\. "):
        read_uploads([*bad.values()])
    upload = read_uploads([volume, bad["run.exe"]])
    assert upload.volume and [one.name for one in upload.unread] == ["run.exe"]


def test_reading_ends_in_time_and_volumes_have_an_end(slices: NDArray[np.uint8], tmp_path: Path) -> None:
    paths = save_slices(tmp_path, slices[:3])

    def slow(function: Callable[..., Any], *arguments: object, seconds: int | None = None) -> Any:
        time.sleep(0.02)
        return function(*arguments)

    upload = read_uploads(paths, Limits(all_seconds=0), call=slow)
    assert len(upload.slices) == 1 and all("took too long" in one.problem for one in upload.unread)
    volume = save_nifti(tmp_path / "head.nii", as_grid(slices))
    with pytest.raises(UserError, match="5 slices are too many, 4 at most"):
        read_uploads([volume], Limits(slices=4))


def test_whatever_a_parser_raises_becomes_a_sentence(
    slices: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("deep inside")

    for name in ("uploads.fit_slice", "heads.volume_of"):
        monkeypatch.setattr(f"alzedge.demo.answering.{name}", fail)
    for path in (save_slices(tmp_path, slices)[0], save_nifti(tmp_path / "head.nii", as_grid(slices))):
        with pytest.raises(UserError, match="damaged, or not what its name says") as caught:
            read_uploads([path])
        assert "deep" not in str(caught.value)
