"""`alzedge predict` over files, folders, archives and volumes, in one process, in several, and on Ray."""

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli, run_cli, run_code
from helpers.volumes import Series, as_grid, save_nifti, save_series
from PIL import Image

from alzedge.data.dataset import DataSet
from alzedge.inference.classifier import Classifier
from alzedge.inference.inputs import find_items
from alzedge.inference.measures.readings import Readings
from alzedge.inference.writers import CSV_COLUMNS
from alzedge.metrics.caveats import cannot_sentence, measured_sentences, operating_sentence
from alzedge.model_file.read_write import read_record, read_tflite, write_tflite
from alzedge.stages import DISCLAIMER, STAGES


@pytest.fixture(scope="module")
def tree(people: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with slices, an archive, a volume, a series, out-of-distribution images, and files that cannot be read."""
    top = tmp_path_factory.mktemp("scans")
    for name in ("b/10.png", "b/2.png", "b/deep/1.png", "z.png", "a.png"):
        save(top / name, people.images[len(name)])
    Image.fromarray(people.images[0]).save(top / "c.jpg")
    (top / "broken.png").write_bytes((top / "a.png").read_bytes()[:500])
    (top / "notes.txt").write_text("not asked about")
    (top / ".hidden.png").write_bytes(b"not asked about")
    Image.effect_noise((176, 208), 90).save(top / "noise.png")
    Image.effect_noise((400, 300), 90).convert("RGB").save(top / "photo.jpg")
    with zipfile.ZipFile(top / "more.zip", "w") as archive:
        archive.write(top / "a.png", "inside/1.png")
        archive.write(top / "broken.png", "inside/2.png")
        archive.writestr("0.png", (top / "z.png").read_bytes())
        archive.writestr("readme.txt", "not asked about")
    save_nifti(top / "head.nii.gz", as_grid(people.images[6:12]))
    save_series(top / "series", people.images[12:18])
    return top


ORDER = [
    "a.png", "broken.png", "c.jpg", "head.nii.gz", "more.zip/0.png", "more.zip/inside/1.png", "more.zip/inside/2.png",
    "noise.png", "photo.jpg", "z.png", "b/10.png", "b/2.png", "b/deep/1.png", "series",
]  # fmt: skip
BROKEN = {"broken.png", "more.zip/inside/2.png"}
STRANGE = {"noise.png", "photo.jpg"}


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="module")
def document(tree: Path, guarded: Path) -> dict[str, dict]:
    """The predictions of the whole tree by name."""
    result = run_cli("predict", tree, "--no-prepare", "--model", guarded, "--json")
    assert result.returncode == 2
    loaded = json.loads(result.stdout)
    assert list(loaded) == ["model", "predictions", "disclaimer"]
    assert [one["path"] for one in loaded["predictions"]] == [f"{tree}/{name}" for name in ORDER]
    errors = result.stderr.splitlines()
    assert len(errors) == len(BROKEN) and all("damaged or cut off" in line for line in errors)
    return dict(zip(ORDER, loaded["predictions"], strict=True))


def test_each_item_is_answered_refused_or_an_error(document: dict[str, dict]) -> None:
    for name, one in document.items():
        if name in BROKEN:
            assert "damaged or cut off" in one["error"] and "stage" not in one
        elif name in STRANGE:
            assert one["stage"] is one["probabilities"] is None and list(one)[1] == "any_dementia"
            assert "does not look like" in one["refused"] and one["unlikeness"] > 1
        else:
            assert list(one["probabilities"]) == list(STAGES) and one["stage"] in STAGES and one["refused"] is None


def test_answers_are_those_of_the_classifier(document: dict[str, dict], guarded: Path, people: DataSet) -> None:
    classifier, images = Classifier.load(guarded), people.images[12:18]
    answers = classifier.answers(images)
    series = document["series"]
    assert [one["position_mm"] for one in series["slices"]] == [0, 2, 4, 6, 8, 10]
    for one, answer in zip(series["slices"], answers, strict=True):
        assert one["probabilities"] == pytest.approx(answer.probabilities, abs=1e-6)
        assert one["brain_volume"]["value"] == pytest.approx(answer.brain_volume.value, abs=1e-4)
    readings = Readings.of(classifier.interpreter(classifier.preprocessing(images)), np.full(len(images), np.nan))
    person = classifier.measures.person(readings)
    assert list(series["probabilities"].values()) == pytest.approx(person.probabilities.tolist(), abs=1e-6)
    assert series["brain_volume"]["value"] == pytest.approx(person.brain_volume.value, abs=1e-4)
    assert series["apparent_age"]["value"] == pytest.approx(person.apparent_age.value, abs=0.1)
    assert series["stage_set"] == [STAGES[stage] for stage in person.stage_set]


def test_two_processes_give_the_same_answers_in_the_same_order(tree: Path, guarded: Path, document: dict) -> None:
    result = run_cli("predict", tree, "--no-prepare", "--model", guarded, "--json", "--jobs", 2)
    assert result.returncode == 2 and len(result.stderr.splitlines()) == len(BROKEN)
    assert json.loads(result.stdout)["predictions"] == list(document.values())


@pytest.mark.slow
def test_ray_gives_the_same_answers_in_the_same_order(tree: Path, guarded: Path, document: dict) -> None:
    pytest.importorskip("ray")
    result = run_cli("predict", tree, "--no-prepare", "--model", guarded, "--json", "--jobs", 2, "--ray")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == len(BROKEN), result.stderr
    assert json.loads(result.stdout)["predictions"] == list(document.values())


def test_text_for_people(tree: Path, guarded: Path) -> None:
    result = call_cli(
        "predict", tree / "noise.png", tree / "head.nii.gz", tree / "a.png", "--no-prepare", "--model", guarded
    )
    assert result.returncode == 0, result.stderr
    record = read_record(guarded)
    threshold = record["operating_threshold"]["value"]
    noise, head, slice_ = result.stdout.splitlines()
    assert noise.startswith(f"{tree}/noise.png: this does not look like an axial brain MRI slice")
    assert "(unlikeness " in noise
    assert head.startswith(f"{tree}/head.nii.gz: ") and head.endswith("from 6 slices, 0 refused")
    assert all(stage in slice_ for stage in STAGES)
    for line in (head, slice_):  # any dementia comes before the stages
        answer = line.split(": ", 1)[1]
        assert re.match(
            rf"any dementia \d\.\d{{3}}, (above|below) the threshold {threshold:.3f}; "
            r"brain volume 0\.\d{3} .*; apparent age \d+ .*; \w+Demented  \(",
            answer,
        )
    sentences = [operating_sentence(record), *measured_sentences(record).values(), cannot_sentence(record), DISCLAIMER]
    assert result.stderr.splitlines() == sentences


def test_the_side_of_the_threshold_is_the_files_own(tree: Path, guarded: Path, document: dict, tmp_path: Path) -> None:
    """The same slice lies above a lower threshold, and on no side where the file carries none."""
    score = document["a.png"]["any_dementia"]["value"]
    assert score == pytest.approx(1 - document["a.png"]["probabilities"][STAGES[0]], abs=2e-6)
    assert document["noise.png"]["any_dementia"]["value"] is None
    flatbuffer, record = read_tflite(guarded)
    for threshold, side in ((score - 0.01, True), (score + 0.01, False), (None, None)):
        point = None if threshold is None else {**record["operating_threshold"], "value": threshold}
        other = tmp_path / f"{side}.tflite"
        write_tflite(other, flatbuffer, record | {"operating_threshold": point})
        classifier = Classifier.load(other)
        dementia = classifier.predict(tree / "a.png").person.any_dementia
        assert dementia.above is side and dementia.threshold == threshold
        assert dementia.value == pytest.approx(score, abs=1e-6)
        sides = {"True": True, "False": False, "": None}
        out = call_cli("predict", tree / "a.png", "--model", other, "--csv", "-").stdout
        assert sides[next(csv.DictReader(out.splitlines()))["above"]] is side


def test_a_volume_without_a_proper_slice_says_what_to_check(tree: Path, guarded: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (176, 208, 3)).astype(np.uint8)
    path = save_nifti(tree.parent / "noise.nii", noise)
    result = call_cli("predict", path, "--no-prepare", "--model", guarded)
    assert result.returncode == 0
    assert "skull-stripped T1" in result.stdout and "3 of 3 slices refused" in result.stdout


def test_csv_has_a_row_for_each_slice_and_each_volume(
    tree: Path, guarded: Path, document: dict, tmp_path: Path
) -> None:
    result = call_cli("predict", tree, "--no-prepare", "--model", guarded, "--csv", tmp_path / "answers.csv")
    assert result.returncode == 2 and result.stdout == ""
    refused = sum(name in STRANGE for name in ORDER)
    told = f"{len(ORDER) - len(BROKEN) - refused} answered, {refused} refused, {len(BROKEN)} not read"
    assert refused and f"wrote {tmp_path / 'answers.csv'}: {told}" in result.stderr
    with (tmp_path / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert list(dict.fromkeys(row["path"] for row in rows)) == [one["path"] for one in document.values()]
    of_series = [row for row in rows if row["path"].endswith("series")]
    assert [row["slice"] for row in of_series] == ["all", "1", "2", "3", "4", "5", "6"]
    for row in rows:
        if row["stage"]:
            shares = {stage: float(row[stage]) for stage in STAGES}
            assert sum(shares.values()) == pytest.approx(1, abs=1e-5) and max(shares, key=shares.get) == row["stage"]
        else:
            assert bool(row["refused"]) != bool(row["error"])
    printed = call_cli("predict", tree / "a.png", "--model", guarded, "--csv", "-")
    assert printed.stdout.splitlines()[0] == ",".join(CSV_COLUMNS) and len(printed.stdout.splitlines()) == 2


def test_no_guard_answers_for_anything_of_a_slices_size(tree: Path, guarded: Path) -> None:
    result = call_cli("predict", tree / "noise.png", "--model", guarded, "--no-guard")
    assert any(stage in result.stdout for stage in STAGES)
    assert_refused(call_cli("predict", tree / "photo.jpg", "--model", guarded, "--no-guard"), "400 wide x 300 high")


def test_a_slice_of_another_size_is_an_error_with_the_cure(people: DataSet, guarded: Path, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.fromarray(people.images[0]).resize((352, 416)).save(path)
    assert_refused(call_cli("predict", path, "--model", guarded), "large.png: 352 wide x 416 high", "alzedge prepare")


def test_paths_that_hold_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 and no more")
    assert_refused(call_cli("predict", tmp_path / "empty"), "empty: no slices or volumes in it")
    assert_refused(call_cli("predict", tmp_path / "cut.zip"), "cut.zip is not a complete zip file")
    assert_refused(call_cli("predict", tmp_path / "absent"), "absent: no such file")
    result = call_cli("predict", "--json", tmp_path / "absent")
    assert result.returncode == 2 and "no such file" in json.loads(result.stdout)["predictions"][0]["error"]


def test_options_that_exclude_each_other_and_an_unwritable_table(tree: Path, tmp_path: Path) -> None:
    both = call_cli("predict", tree / "a.png", "--json", "--csv", "-")
    assert both.returncode == 2 and "exclude each other" in both.stderr and "Traceback" not in both.stderr
    assert_refused(call_cli("predict", tree / "a.png", "--csv", "/proc/answers.csv"), "/proc")
    refused = call_cli("predict", tree / "a.png", "--model", tree / "a.png", "--csv", tmp_path / "answers.csv")
    assert_refused(refused, "a.png")
    assert not list(tmp_path.iterdir())


def test_names_cannot_steer_the_terminal(people: DataSet, tmp_path: Path) -> None:
    name = "slice\x1b[2J\n\udcff.png"
    save(tmp_path / "plain.png", people.images[0]).rename(tmp_path / name)
    result = run_cli("predict", tmp_path, "--no-guard")
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 1
    assert r"slice\x1b[2J\n\udcff.png: " in result.stdout and "\x1b" not in result.stdout
    document = json.loads(call_cli("predict", "--json", tmp_path, "--no-guard").stdout)
    assert document["predictions"][0]["path"].endswith(name)


def test_dicom_in_an_archive_is_a_series_beside_loose_slices(people: DataSet, tmp_path: Path) -> None:
    series = save_series(tmp_path / "series", people.images[:4], Series())
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for path in series.iterdir():
            archive.write(path, f"PA0/SE0/{path.name}")
        archive.writestr("DICOMDIR", bytes(128) + b"DICM")
    items = list(find_items([tmp_path / "export.zip"]))
    assert [(item.name, len(item.files)) for item in items] == [(f"{tmp_path}/export.zip/PA0/SE0", 4)]
    result = call_cli("predict", tmp_path / "export.zip", "--no-prepare", "--no-guard")
    assert result.stdout.strip().endswith("from 4 slices, 0 refused"), result.stderr


def many(folder: Path, people: DataSet, count: int) -> Path:
    """A folder of `count` slices."""
    first = save(folder / "000000.png", people.images[0])
    for number in range(1, count):
        os.link(first, folder / f"{number:06d}.png")
    return folder


@contextlib.contextmanager
def answering(folder: Path, jobs: int) -> Iterator[subprocess.Popen[str]]:
    """`alzedge predict` in a session of its own, after its first answer."""
    # A shell starts what it puts in the background, perhaps these tests, deaf to Ctrl-C.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.argv = ['alzedge', 'predict', {str(folder)!r}, '--no-guard', '--jobs', '{jobs}']\n"
        "from alzedge.cli import main; main()"
    )
    command = [sys.executable, "-c", code]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert running.stdout is not None and running.stdout.readline()
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


@pytest.mark.parametrize("jobs", [1, 2])
def test_control_c_ends_it_at_once(people: DataSet, tmp_path: Path, jobs: int) -> None:
    with answering(many(tmp_path / "many", people, 10_000), jobs) as running:
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all processes
        _, stderr = running.communicate(timeout=60)
        assert running.returncode == 130 and stderr.strip() == "alzedge: interrupted"
        assert not processes_of(running.pid)


def test_a_killed_process_ends_it_with_one_sentence(people: DataSet, tmp_path: Path) -> None:
    with answering(many(tmp_path / "many", people, 10_000), 2) as running:
        workers = [pid for pid in processes_of(running.pid, 0) if "spawn_main" in command_line(pid)]
        os.kill(workers[0], signal.SIGKILL)
        _, stderr = running.communicate(timeout=60)
        assert running.returncode == 2 and "ended by the system" in stderr and len(stderr.strip().splitlines()) == 1
        assert not processes_of(running.pid)


def test_workers_end_with_a_killed_parent(people: DataSet, tmp_path: Path) -> None:
    with answering(many(tmp_path / "many", people, 10_000), 2) as running:
        running.kill()
        running.communicate(timeout=60)
        assert not processes_of(running.pid)


def processes_of(session: int, patience: float = 10) -> list[int]:
    """Live processes of a session, once those that are ending have ended."""
    end = time.monotonic() + patience
    while True:
        pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        found = [pid for pid in pids if session_of(pid) == session]
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.05)


def session_of(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[3]) if fields[0] != "Z" else None


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def test_a_missing_package_is_named_once_per_item_and_the_others_are_answered(tree: Path, guarded: Path) -> None:
    code = (
        "import sys; sys.modules['nibabel'] = None\n"
        f"sys.argv = ['alzedge', 'predict', {str(tree / 'head.nii.gz')!r}, {str(tree / 'a.png')!r}, '--model', {str(guarded)!r}]\n"
        "from alzedge.cli import main; main()"
    )
    result = run_code(code)
    assert result.returncode == 2 and "pip install 'alzedge[medical]'" in result.stderr
    assert result.stdout.startswith(f"{tree}/a.png: ")
    code = (
        "import sys; sys.modules['ray'] = None\n"
        f"sys.argv = ['alzedge', 'predict', '--ray', {str(tree / 'a.png')!r}]\n"
        "from alzedge.cli import main; main()"
    )
    assert_refused(run_code(code), "pip install 'alzedge[ray]'")
