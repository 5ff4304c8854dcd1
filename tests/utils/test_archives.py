"""Zip archives and folders as other people's tools, and people who mean harm, make them."""

import io
import os
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import pytest

from alzedge.errors import UserError
from alzedge.utils.archives import open_tree


def _zip(path: Path, *entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
        warnings.simplefilter("ignore")  # about an entry twice
        for name, data in entries:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_deflate_is_unpacked(tmp_path: Path, method: int) -> None:
    path = _zip(tmp_path / "bomb.zip", ("a.png", bytes(32 * 2**20)), method=method)
    tracemalloc.start()
    with open_tree(path) as tree, pytest.raises(UserError, match="make the zip again with deflate"):
        tree.read("a.png")
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()


def test_deflate_is_unpacked_up_to_the_limit(tmp_path: Path) -> None:
    path = _zip(tmp_path / "bomb.zip", ("a.png", bytes(64 * 2**20)))
    tracemalloc.start()
    with open_tree(path) as tree, pytest.raises(UserError, match="too large"):
        tree.read("a.png", 2**20)
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


def test_an_entry_twice(tmp_path: Path) -> None:
    for second in ("a/b.png", "a\\b.png"):
        path = _zip(tmp_path / "twice.zip", ("a/b.png", b"1"), (second, b"2"))
        with pytest.raises(UserError, match="a/b.png twice"):
            open_tree(path)


def test_an_entry_without_a_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive, archive.open(zipfile.ZipInfo(""), "w") as entry:
        entry.write(b"1")
    with pytest.raises(UserError, match="without a name"):
        open_tree(tmp_path / "empty.zip")


def test_entries_that_share_bytes(tmp_path: Path) -> None:
    path = _zip(tmp_path / "shared.zip", ("a.png", b"1" * 99), ("b.png", b"2" * 99))
    data = bytearray(path.read_bytes())
    second = data.rfind(b"PK\x01\x02")  # the directory's entry of b.png; its offset is 42 bytes on
    data[second + 42 : second + 46] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(UserError, match="overlaps"):
        open_tree(path)


def test_backslashes_are_folders(tmp_path: Path) -> None:
    with open_tree(_zip(tmp_path / "windows.zip", ("train\\MildDemented\\a.png", b"1"))) as tree:
        assert tree.names == ("train/MildDemented/a.png",)
        assert tree.read("train/MildDemented/a.png") == b"1"


def test_folders_are_found_however_their_names_are_written(tmp_path: Path) -> None:
    path = _zip(tmp_path / "dot.zip", ("./train//a.png", b"1"), ("./", b""), ("/b.png", b"2"))
    with open_tree(path) as tree:
        assert tree.names == ("b.png", "train/a.png") and tree.read("train/a.png") == b"1"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"Rar!\x1a\x07\0", "another kind"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
    ],
)
def test_what_is_no_zip_is_not_to_be_downloaded_again(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "set.zip").write_bytes(data)
    with pytest.raises(UserError, match=words):
        open_tree(tmp_path / "set.zip")


def test_an_encrypted_entry_asks_for_the_password(tmp_path: Path) -> None:
    path = _zip(tmp_path / "locked.zip", ("a.png", b"1"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with open_tree(path) as tree, pytest.raises(UserError, match=r"a\.png is encrypted; unpack"):
        tree.read("a.png")


def test_a_damaged_entry_is_that_entrys_error(tmp_path: Path) -> None:
    path = _zip(tmp_path / "damaged.zip", ("a.png", os.urandom(99)), ("b.png", b"2"))
    data = bytearray(path.read_bytes())
    data[40:60] = bytes(20)
    path.write_bytes(data)
    with open_tree(path) as tree:
        assert tree.read("b.png") == b"2"
        with pytest.raises(UserError, match=r"a\.png cannot be unpacked"):
            tree.read("a.png")


def test_random_bytes_are_no_zip(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", b"1")
    for cut in range(1, len(buffer.getvalue())):
        (tmp_path / "cut.zip").write_bytes(buffer.getvalue()[:cut])
        with pytest.raises(UserError, match="not a complete zip"):
            open_tree(tmp_path / "cut.zip")


def test_links_are_followed_once_and_pipes_passed_over(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.png").write_bytes(b"1")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/train").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/loop").symlink_to(tmp_path / "set")
    os.mkfifo(tmp_path / "set/pipe")
    with open_tree(tmp_path / "set") as tree:
        assert tree.names == ("train/a.png",)
