"""Every parser gives an answer or a sentence to changed files; `make fuzz` tries many more of them."""

import random
import time
from pathlib import Path

import numpy as np
import pytest
from fuzzing.campaign import Parser, campaign, item_of, try_item
from fuzzing.mutators import bytes_of
from fuzzing.registry import NAMES, parser_of
from helpers.volumes import Series, nib, save_dicom, save_nifti

from alzedge.errors import UserError
from alzedge.imaging.volumes import read_volume
from alzedge.preparation.scans import read_scan

# A few items of every parser that needs no server and no process of its own.
_QUICK = [name for name in NAMES if name not in ("rest", "tflite_flatbuffer")]


@pytest.mark.parametrize("name", _QUICK)
def test_starts_are_read_and_a_few_changed_files_end_well(name: str, tmp_path: Path) -> None:
    parser = parser_of(name)
    for start in parser.starts:
        assert try_item(parser, tmp_path, start) is None
    for number in range(5):
        assert not try_item(parser, tmp_path, item_of(parser, name, 0, number))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_changed_files_end_in_an_answer_or_a_sentence(name: str) -> None:
    count = max(10, int(1000 * parser_of(name).share))
    tally = campaign(parser_of, name, 14, count)
    assert not [(failure.item, failure.what) for failure in tally.failures]
    assert tally.answered + tally.refused == count


def bad_parser(name: str) -> Parser:
    """A parser with every fault that the campaign looks for, by the number that it reads."""
    return Parser((b"0",), lambda data, rng: b"%d" % rng.randrange(5), _misbehave)


def _misbehave(folder: Path, data: bytes) -> None:
    if data == b"1":
        raise KeyError(1)
    if data == b"2":
        raise UserError("x" * 3000)
    if data == b"3":
        np.float64(1e308) * 10
    if data == b"4":
        bytearray(2**32)


def test_the_campaign_sees_what_it_looks_for(tmp_path: Path) -> None:
    tally = campaign(bad_parser, "bad", 0, 20)
    kinds = {failure.data: failure.what.split(":")[0] for failure in tally.failures}
    assert kinds == {b"1": "KeyError", b"2": "no short sentence", b"3": "a warning", b"4": "MemoryError"}
    assert tally.answered + len(tally.failures) == 20 and tally.answered
    assert item_of(bad_parser("bad"), "bad", 0, tally.failures[0].item) == tally.failures[0].data


def die(name: str) -> Parser:
    """A parser that takes its process down."""
    return Parser((b"0",), lambda data, rng: b"1", lambda folder, data: data == b"1" and __import__("os")._exit(3))


def test_the_campaign_goes_on_after_a_process_died() -> None:
    start = time.monotonic()
    tally = campaign(die, "die", 0, 2)
    assert [failure.what for failure in tally.failures] == ["the process died or hung"] * 2
    assert time.monotonic() - start < 50


def test_changes_are_the_same_each_time() -> None:
    assert bytes_of(b"x" * 100, random.Random(1)) == bytes_of(b"x" * 100, random.Random(1)) != b"x" * 100


def test_numbers_that_overflow_leave_no_remark(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """A slope of 3e38, an infinite thickness, 32,767 dimensions: refused by their sentence alone."""
    voxels = np.full((176, 208, 2), 200, np.uint8)
    path = save_nifti(tmp_path / "a.nii", voxels)
    image = nib.load(path)
    image.header.set_slope_inter(3e38, 0)
    nib.save(nib.Nifti1Image(voxels.astype(np.int16), image.affine, image.header), path)
    data = bytearray(path.read_bytes())
    data[112:116] = np.float32(3e38).tobytes()
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match="NaN or infinite"):
        read_volume(path)
    dicom = save_dicom(tmp_path / "a.dcm", voxels[..., 0].T, Series(changes={"SliceThickness": float("inf")}))
    with pytest.raises(UserError, match="not a head scan's"):
        read_volume(dicom)
    header = bytearray(nib.AnalyzeHeader().binaryblock)
    header[40:42] = (32767).to_bytes(2, "big")  # dimensions
    (tmp_path / "a.hdr").write_bytes(bytes(header))
    (tmp_path / "a.img").write_bytes(bytes(100))
    with pytest.raises(UserError, match="not an Analyze header"):
        read_scan(tmp_path / "a.hdr")
    assert not [one for one in recwarn if issubclass(one.category, RuntimeWarning)]
