"""Whole runs: resumed, refused, in parallel, audited; the originals are never touched."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.canaries import mr_image, write
from helpers.commands import assert_refused, call_cli, run_cli
from helpers.heads import head, with_caption
from PIL import Image

from alzedge.deidentify.audit import audit_folder
from alzedge.deidentify.journal import FILES, FOLDER, REPORT, RUN
from alzedge.deidentify.rules.pseudonyms import derive
from alzedge.deidentify.run import deidentify
from alzedge.errors import UserError

pydicom = pytest.importorskip("pydicom")
pytest.importorskip("scipy")

KEY = "the key of these tests, kept nowhere"
PSEUDONYMS = derive(KEY)


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder with its content's hash and time."""
    return {
        path.relative_to(
            folder
        ).as_posix(): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def contents(folder: Path) -> dict[str, str]:
    """The same without times and without the run's own record."""
    found = {name: text.split()[0] for name, text in digests(folder).items()}
    return {name: digest for name, digest in found.items() if not name.startswith(FOLDER)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two people with three slices each, one of them twice, and what has to stay behind."""
    folder = tmp_path / "Doe^Jane export"
    for person in ("4711", "4712"):
        for number in range(3):
            image = mr_image(head(seed=number), person, number, f"1.2.{person}.1")
            write(folder / person / f"IM{number}", image)
    (folder / "copy").write_bytes((folder / "4711" / "IM0").read_bytes())
    write(folder / "shot", mr_image(with_caption(head()), "4711", 9))
    (folder / "notes.txt").write_text("Doe")
    (folder / "4712" / "cut.dcm").write_bytes((folder / "4711" / "IM0").read_bytes()[:3000])
    Image.fromarray(head()).save(folder / "4711" / "slice.jpg", comment="Doe")
    return folder


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.txt"
    path.write_text(KEY + "\n")
    return path


@pytest.mark.slow
def test_a_run_in_two_processes_leaves_the_originals_alone_and_is_clean(
    source: Path, key: Path, tmp_path: Path
) -> None:
    before = digests(source)
    done = run_cli(
        "deidentify", source, tmp_path / "dst", "--key", key, "--jobs", 2, "--left-out", tmp_path / "left.txt"
    )
    assert done.returncode == 0, done.stderr
    assert "wrote 7 files (6 DICOM, 1 image) of 2 people" in done.stdout
    assert "1 files equal to another one" in done.stdout and "left out 1: text in the pixels" in done.stdout
    assert "faces were not removed" in done.stdout
    assert digests(source) == before
    shown = (done.stdout + done.stderr).replace(str(tmp_path), "")
    assert not [word for word in (KEY, "4711", "IM0", "cut.dcm", "Doe", PSEUDONYMS.secret.hex()) if word in shown]
    left = dict(line.split("\t") for line in (tmp_path / "left.txt").read_text().splitlines())
    assert set(left) == {"shot", "notes.txt", "4712/cut.dcm"}
    report = json.loads((tmp_path / "dst" / REPORT).read_text())
    assert report["files"] == {"DICOM": 6, "image": 1} and report["kept"]["StudyDate"] == 6
    checked = run_cli("deidentify", "--check", tmp_path / "dst")
    assert checked.returncode == 0 and "11 files audited: nothing found" in checked.stdout


def test_one_process_or_two_write_the_same(source: Path, tmp_path: Path) -> None:
    one, two = (deidentify(source, tmp_path / str(jobs), PSEUDONYMS, jobs) for jobs in (1, 2))
    assert one == two and contents(tmp_path / "1") == contents(tmp_path / "2")


def test_an_interrupted_run_goes_on_and_ends_as_if_it_had_not_been(source: Path, tmp_path: Path) -> None:
    whole = deidentify(source, tmp_path / "whole", PSEUDONYMS)

    class Stop(Exception):
        pass

    for allowed in range(1, 9, 3):
        count = 0

        def on_file(path: str, outcome: Any, allowed: int = allowed) -> None:
            nonlocal count
            count += 1
            if count > allowed:
                raise Stop

        with pytest.raises(Stop):
            deidentify(source, tmp_path / "dst", PSEUDONYMS, on_file=on_file)
        assert not (tmp_path / "dst" / REPORT).exists()
        assert "not finished" in str(audit_folder(tmp_path / "dst").found)
    with (tmp_path / "dst" / FILES).open("a") as file:
        file.write('{"source": "killed as it wr')
    (tmp_path / "dst" / ".alzedge-tmp-left").write_bytes(b"half")
    assert deidentify(source, tmp_path / "dst", PSEUDONYMS) == whole
    assert contents(tmp_path / "dst") == contents(tmp_path / "whole")
    assert deidentify(source, tmp_path / "dst", PSEUDONYMS) == whole  # nothing left to do
    assert audit_folder(tmp_path / "dst").found == {}


@pytest.mark.slow
def test_a_killed_run_leaves_whole_files_and_is_resumed(source: Path, key: Path, tmp_path: Path) -> None:
    for number in range(120):
        write(source / "many" / str(number), mr_image(head(seed=number), "4713", number, "1.2.4713.1"))
    command = [sys.executable, "-m", "alzedge", "deidentify", source, tmp_path / "dst", "--key", key, "--jobs", "2"]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "dst").rglob("*.dcm"))) < 20 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)
    there = list((tmp_path / "dst").rglob("*.dcm"))
    assert 20 <= len(there) < 126
    assert all(pydicom.dcmread(path).pixel_array.shape == (96, 80) for path in there)
    report = deidentify(source, tmp_path / "dst", PSEUDONYMS)
    assert report.written == 127 and report.duplicates == 1
    assert audit_folder(tmp_path / "dst").found == {}


def test_files_that_came_later_are_added(source: Path, tmp_path: Path) -> None:
    deidentify(source, tmp_path / "dst", PSEUDONYMS)
    write(source / "new", mr_image(head(seed=8), "4711", 8, "1.2.4711.1"))
    assert deidentify(source, tmp_path / "dst", PSEUDONYMS).files["DICOM"] == 7


def test_two_files_with_one_uid_are_not_mixed(source: Path, tmp_path: Path) -> None:
    write(source / "other", mr_image(head(seed=9), "4711", 0, "1.2.4711.1"))
    report = deidentify(source, tmp_path / "dst", PSEUDONYMS)
    assert report.files["DICOM"] == 6 and any("SOP Instance UID" in reason for reason in report.left_out)


def test_what_is_refused(source: Path, key: Path, tmp_path: Path) -> None:
    before, dst = digests(source), tmp_path / "dst"
    assert_refused(call_cli("deidentify", source, source / "dst", "--key", key), "lies inside the other")
    assert_refused(call_cli("deidentify", source / "4711", source, "--key", key), "lies inside the other")
    assert_refused(call_cli("deidentify", tmp_path / "absent", dst, "--key", key), "no such file or folder")
    assert_refused(call_cli("deidentify", tmp_path / "absent", dst), "no such file or folder")  # no key asked for
    assert_refused(call_cli("deidentify", source, dst, "--key", tmp_path / "absent"), "does not exist")
    assert_refused(
        call_cli("deidentify", source / "notes.txt", dst, "--key", key), "nothing in it can be de-identified"
    )
    (tmp_path / "short").write_text("abc")
    assert_refused(call_cli("deidentify", source, dst, "--key", tmp_path / "short"), "shorter than 16 characters")
    (source / "key.txt").write_text(KEY)
    assert_refused(call_cli("deidentify", source, dst, "--key", source / "key.txt"), "beside the data")
    (source / "key.txt").unlink()
    assert_refused(call_cli("deidentify", source, dst, "--key", key, "--left-out", dst / "a"), "must not lie in DST")
    assert call_cli("deidentify", source).returncode == 2
    assert call_cli("deidentify", "--check", dst, "--key", key).returncode == 2
    assert_refused(call_cli("deidentify", "--check", tmp_path / "absent"), "no such folder")
    assert digests(source) == before


def test_folders_of_others_are_refused_and_untouched(source: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        deidentify(source, full, PSEUDONYMS)
    assert digests(full).keys() == {"thesis.txt"}
    deidentify(source / "4711", tmp_path / "dst", PSEUDONYMS)
    before = digests(tmp_path / "dst")
    with pytest.raises(UserError, match="begun with another key"):
        deidentify(source / "4711", tmp_path / "dst", derive(KEY + "!"))
    with pytest.raises(UserError, match="begun from another SRC"):
        deidentify(source / "4712", tmp_path / "dst", PSEUDONYMS)
    run = json.loads((tmp_path / "dst" / RUN).read_text())
    (tmp_path / "dst" / RUN).write_text(json.dumps(run | {"version": "9.9"}))
    with pytest.raises(UserError, match=r"begun by alzedge 9\.9"):
        deidentify(source / "4711", tmp_path / "dst", PSEUDONYMS)
    (tmp_path / "dst" / RUN).write_text("[]")
    with pytest.raises(UserError, match="not empty"):
        deidentify(source / "4711", tmp_path / "dst", PSEUDONYMS)
    changed = {name for name, text in digests(tmp_path / "dst").items() if before[name] != text}
    assert changed == {RUN}


def test_links_and_pipes_end_nothing(source: Path, tmp_path: Path) -> None:
    (source / "loop").symlink_to(source)
    (source / "nowhere").symlink_to(source / "absent")
    os.mkfifo(source / "pipe")
    report = deidentify(source, tmp_path / "dst", PSEUDONYMS)
    assert report.written == 7 and report.left_out["not an ordinary file; it stays where it is"] == 2


def tampered(path: Path, change: Any) -> None:
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: setattr(d, "PatientName", "Doe^Jane"), "PatientName has a value"),
        (lambda d: setattr(d, "StudyDescription", "x"), "(0008,1030) is not on the allow-list"),
        (lambda d: d.add_new(0x00091001, "LO", "x"), "private is not on the allow-list"),
        (lambda d: setattr(d, "StudyInstanceUID", "1.2.3"), "StudyInstanceUID has a value"),
        (lambda d: setattr(d, "PatientAge", "093Y"), "PatientAge has a value"),
        (lambda d: setattr(d, "StudyTime", "101112"), "StudyTime has a value"),
        (lambda d: delattr(d, "PatientIdentityRemoved"), "PatientIdentityRemoved is missing"),
        (lambda d: setattr(d, "preamble", b"Doe".ljust(128, b"\0")), "belong to no attribute"),
        (lambda d: setattr(d.file_meta, "SourceApplicationEntityTitle", "CLINIC"), "file meta information"),
        (lambda d: setattr(d, "PixelData", d.PixelData + b"Doe!"), "longer or shorter"),
        (lambda d: setattr(d, "PixelData", with_caption(head()).tobytes()), "text in the pixels"),
        (lambda d: d.DeidentificationMethodCodeSequence[0].add_new(0x00080104, "LO", "Doe"), "CodeSequence has a value"),
    ],
)  # fmt: skip
def test_the_audit_finds_what_was_put_back(source: Path, tmp_path: Path, change: Any, problem: str) -> None:
    deidentify(source, tmp_path / "dst", PSEUDONYMS)
    tampered(next((tmp_path / "dst").rglob("*.dcm")), change)
    found = audit_folder(tmp_path / "dst").found
    assert found.total() >= 1 and any(problem in one for one in found), found


def test_the_audit_finds_other_files_names_and_values(source: Path, tmp_path: Path) -> None:
    dst = tmp_path / "dst"
    deidentify(source, dst, PSEUDONYMS)
    png = next(dst.rglob("*.png"))
    Image.open(png).save(png, pnginfo=pnginfo("Doe, Jane"))
    (dst / "Jane Doe.txt").write_text("x")
    with next(dst.rglob("*.dcm")).open("ab") as file:
        file.write("JANE doe".encode("utf-16-le"))
    result = call_cli("deidentify", "--check", dst, "--values", values(tmp_path, "jane doe\nDoe, Jane\n4711"))
    assert result.returncode == 1 and "NOT clean" in result.stdout
    lines = result.stdout.splitlines()
    assert any(line.startswith("3 x one of the values that must not occur") for line in lines), lines
    assert any("more than its pixels" in line for line in lines)
    assert any("not a pseudonym, first in a file whose name is not shown" in line for line in lines)
    assert "Jane" not in result.stdout
    with pytest.raises(UserError, match="fewer than 3 characters"):
        audit_folder(dst, ("ab",))


def values(folder: Path, text: str) -> Path:
    path = folder / "values.txt"
    path.write_text(text)
    return path


def pnginfo(text: str) -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", text)
    return info


def test_the_key_may_be_typed(source: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from alzedge.commands.deidentify import deidentify_command

    typed = CliRunner().invoke(deidentify_command, [str(source), str(tmp_path / "dst")], input=f"{KEY}\n{KEY}\n")
    assert typed.exit_code == 0 and KEY not in typed.output
    assert deidentify(source, tmp_path / "dst", PSEUDONYMS).written == 7  # the same key, so it goes on


@pytest.mark.slow
def test_a_hundred_thousand_files(tmp_path: Path) -> None:
    """Streaming: memory does not grow with what is read."""
    small = np.zeros((16, 16), np.uint8)
    image = write(tmp_path / "one", mr_image(small)).read_bytes()
    place = image.index(b"1.2.3.4.1\0")
    for number in range(100_000):
        path = tmp_path / "src" / str(number // 1000) / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image if number < 10 else b"Doe" + str(number).encode())
    assert place > 0
    report = deidentify(tmp_path / "src", tmp_path / "dst", PSEUDONYMS, 2)
    assert report.written == 1 and report.duplicates == 9 and report.left_out.total() == 99_990
