"""Inputs that are not what their names say, each a few bytes: one sentence, and nothing else is lost."""

import bz2
import csv
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli
from helpers.images import encoded
from PIL import Image

from alzedge.errors import UserError
from alzedge.imaging.slices import HEIGHT, WIDTH, decode_slice
from alzedge.inference.answering import Result
from alzedge.inference.inputs import find_items
from alzedge.inference.writers import CSV_COLUMNS, CsvWriter


def _slice(mode: str = "L") -> Image.Image:
    return Image.fromarray(np.full((HEIGHT, WIDTH), 100, np.uint16 if mode == "I;16" else np.uint8))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("head.hdr", bytes(348), "head.img is not beside it"),
        ("head.img", bytes(352), "head.hdr is not beside it"),
        ("brain.mgz", b"\x1f\x8b", "mri_convert"),
        ("head.nii.bz2", bz2.compress(b"1"), "bunzip2"),
        ("slices.parquet", b"PAR1", "Parquet"),
        ("slices.bin", b"PAR1", "Parquet"),
        ("a.jpg", b"", "is empty"),
        ("a.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("IM0001", b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100" + bytes(16), "DICOM without its file header"),
    ],
)
def test_kinds_are_named(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert_refused(call_cli("predict", tmp_path / name), name, words)


def test_a_pair_in_a_folder_is_one_item(tmp_path: Path) -> None:
    for name in ("head.hdr", "head.img", "notes.txt"):
        (tmp_path / name).write_bytes(bytes(400))
    (item,) = find_items([tmp_path])
    assert item.kind == "analyze" and [Path(file).name for file in item.files] == ["head.hdr", "head.img"]
    (tmp_path / "head.img").unlink()
    (item,) = find_items([tmp_path])
    assert item.problem is not None and "head.img is not beside it" in item.problem


def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert_refused(call_cli("predict", tmp_path / "a.png"), "pipe")
    assert_refused(call_cli("predict", "/dev/zero"), "device")
    assert_refused(call_cli("predict", tmp_path), "no slices or volumes")


def test_sixteen_bits_are_told_how_to_become_eight() -> None:
    sixteen = Image.fromarray(np.asarray(_slice(), np.uint16) * 257)
    with pytest.raises(UserError, match="divide its values by 257"):
        decode_slice(encoded(sixteen, "PNG"), "a.png")


def test_turned_slices_are_told_to_be_saved_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with pytest.raises(UserError, match="EXIF orientation, 6"):
        decode_slice(encoded(_slice(), "JPEG", exif=exif), "a.jpg")
    exif[0x0112] = 1
    assert decode_slice(encoded(_slice(), "JPEG", exif=exif), "a.jpg").shape == (HEIGHT, WIDTH)


def test_scans_and_sides_are_bounded() -> None:
    progressive = encoded(_slice(), "JPEG", progressive=True)
    assert decode_slice(progressive, "a.jpg").shape == (HEIGHT, WIDTH)
    start = progressive.rindex(b"\xff\xda")
    many = progressive[:start] + progressive[start:-2] * 40 + progressive[-2:]
    with pytest.raises(UserError, match="progressive JPEG of 4"):
        decode_slice(many, "a.jpg")
    with pytest.raises(UserError, match="too many pixels"):
        decode_slice(encoded(Image.new("L", (1, 20_000)), "PNG"), "a.png")


def test_a_damaged_entry_without_an_ending_loses_only_itself(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("IM0001", b"1" * 200)
        archive.writestr("a.png", encoded(_slice(), "PNG"))
    data = bytearray((tmp_path / "set.zip").read_bytes())
    data[60:80] = bytes(20)
    (tmp_path / "set.zip").write_bytes(data)
    kinds = [item.kind for item in find_items([tmp_path / "set.zip"])]
    assert sorted(kinds) == ["image", "problem"]


def test_an_unreadable_zip_hides_no_neighbour(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04")
    (tmp_path / "b.png").write_bytes(encoded(_slice(), "PNG"))
    assert sorted(item.kind for item in find_items([tmp_path])) == ["image", "problem"]


def test_cells_calculate_nothing() -> None:
    stream = io.StringIO()
    CsvWriter(stream).write(Result("=1+1.png", error="@SUM(1)"))
    row = list(csv.reader(io.StringIO(stream.getvalue())))[1]
    assert row[0] == "'=1+1.png" and row[CSV_COLUMNS.index("error")] == "'@SUM(1)"
