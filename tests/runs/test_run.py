"""The main job: what it leaves behind, that it is not done twice, and that a kill does no harm."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli, run_cli, run_code

from alzedge.data.dataset import DataSet, in_order, split_dataset
from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier
from alzedge.metrics.split_evaluation import Quote, read_metrics
from alzedge.model_file.read_write import read_record
from alzedge.runs.run_folder import open_run_folder
from alzedge.stages import STAGES

# Measured anew on every run, so never the same twice: latency, and what shows it. TensorBoard's files bear the time.
MEASURED = {"benchmark.json", "benchmark.md", "benchmark.csv", "accuracy_latency.png", "README.md", "run.json"}


def files_of(out: Path) -> dict[str, str]:
    """Hash by name of every file that an undisturbed run repeats; no temporary may be left."""
    files = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file() and "events" not in p.parts}
    return {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in files.items() if name not in MEASURED}


def test_a_run_leaves_everything_in_one_folder(tiny_run: Path) -> None:
    top = {path.name for path in tiny_run.iterdir()}
    assert {"recipe.toml", "metrics.json", "student_float32.tflite", "student_int8.tflite", "subject", *MEASURED} <= top
    assert [name for name in top if name.startswith(".")] == [".lock"]
    for name in ("accuracy_latency.png", "confusion.png", "loss.png", "examples.png"):
        assert (tiny_run / name).read_bytes().startswith(b"\x89PNG")
    printed = (tiny_run.parent / "stdout.txt").read_text()
    assert (
        "student_int8.tflite" in printed
        and "not a medical device" in printed
        and "next: python -m alzedge phantoms" in printed
    )


def test_the_file_explains_itself(tiny_run: Path) -> None:
    record = read_record(tiny_run / "student_int8.tflite")
    assert record["labels"] == list(STAGES)
    assert record["kind"] == "student-int8"
    assert record["split"]["unseen_people"] is True
    assert record["dataset"]["synthetic"] is True
    assert record["recipe"]["distill"]["views"] == 2 and record["recipe"]["pretrain"]["epochs"] == 3
    assert record["recipe"]["export"] == {"calibration_images": 16}
    evaluation = read_metrics(tiny_run / "metrics.json")["subject"].models["student_int8.tflite"]
    quoted = Quote.from_json(record["metrics"]["subject"])
    assert quoted.summary == evaluation.summary() and quoted.measured_on == "this model"
    assert len(json.dumps(record["metrics"])) < 6000


def test_metrics_are_those_of_the_released_file(tiny_run: Path, phantoms: DataSet) -> None:
    test = phantoms.take(split_dataset(phantoms, "subject").test)
    answers = Classifier.load(tiny_run / "student_int8.tflite").probabilities(test.images).argmax(axis=1)
    metrics = json.loads((tiny_run / "metrics.json").read_text())["subject"]
    found = metrics["models"]["student_int8.tflite"]["slice"]["stages4"]["accuracy"]["value"]
    assert found == pytest.approx(np.mean(answers == test.labels))


def test_calibration_slices_are_training_people_s(tiny_run: Path, phantoms: DataSet) -> None:
    record = read_record(tiny_run / "student_int8.tflite")
    chosen = record["calibration"]["slices"]
    assert len(chosen) == 16 and record["dataset"]["fingerprint"] == phantoms.fingerprint
    assert not set(phantoms.subject[chosen]) & set(phantoms.subject[split_dataset(phantoms, "subject").test])


def test_a_finished_run_is_not_done_again(tiny_run: Path, tiny_recipe: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tiny_run.rglob("*") if path.name != "recipe.toml"}
    again = call_cli("run", "--recipe", tiny_recipe, "--out", tiny_run)
    assert again.returncode == 0, again.stderr
    assert "epoch" not in again.stdout and "pre-training" not in again.stdout
    after = {path: path.stat().st_mtime_ns for path in tiny_run.rglob("*") if path.name != "recipe.toml"}
    assert {p for p in after if p.is_file()} == {p for p in before if p.is_file()}
    assert all(after[path] == time for path, time in before.items() if path.is_file())


def test_a_folder_of_another_run_is_left_alone(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    before = files_of(tiny_run)
    assert_refused(call_cli("run", "--recipe", tiny_recipe, "--seed", 9, "--out", tiny_run), "another run", "seed 0")
    assert files_of(tiny_run) == before
    (tmp_path / "thesis.txt").write_text("precious")
    assert_refused(call_cli("run", "--recipe", tiny_recipe, "--out", tmp_path), "not the folder of a run", "--out")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def kill_at(line: str, *args: object, checkpoint_in: Path | None = None) -> str:
    """Start the command and kill it once it prints these words; returns what it printed until then.

    With `checkpoint_in`, also wait until the epoch that was printed is on the disk.
    """
    command = [sys.executable, "-m", "alzedge", *map(str, args)]
    printed = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for text in process.stdout:
            printed += text
            if line in text:
                # Whole checkpoints only: `*` also matches the name a file has while it is being written.
                while checkpoint_in and not list(checkpoint_in.glob("[!.]*.npz")):
                    time.sleep(0.01)
                process.send_signal(signal.SIGKILL)
                return printed
    pytest.fail(f"{line!r} was never printed")


@pytest.mark.slow
def test_killed_in_every_phase_a_run_ends_with_the_same_files(
    tiny_run: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    command = ("run", "--recipe", tiny_recipe, "--out", out)
    done_epoch = None
    for line in (
        "pre-training: 1/3",
        "fine-tuning: 1/3",
        "soft targets: 1/2",
        "distillation: 1/3",
        "export: 1/",
        "evaluation: 2/",
        "benchmark: 1/",
        "benchmark: 5/",
    ):
        trains = line.endswith("1/3")
        printed = kill_at(line, *command, checkpoint_in=out / ".work" if trains else None)
        assert done_epoch is None or done_epoch not in printed, "an epoch was trained twice"
        done_epoch = line if trains else None
    last = run_cli(*command)
    assert last.returncode == 0, last.stderr
    assert "pre-training" not in last.stdout and "distillation" not in last.stdout
    assert files_of(out) == files_of(tiny_run)


@pytest.mark.slow
def test_a_changed_recipe_redoes_only_what_depends_on_it(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    """The folder is copied, the recipe keeps its name, and distillation gets other settings."""
    import shutil

    out = tmp_path / "copy"
    shutil.copytree(tiny_run, out)
    recipe = tmp_path / tiny_recipe.name
    recipe.write_text(tiny_recipe.read_text().replace("views = 2", "views = 1"))
    kill_at("distillation: 1/3", "run", "--recipe", recipe, "--out", out)
    same = ("subject/pretrained.keras", "subject/teacher.keras")
    assert all(files_of(out)[name] == files_of(tiny_run)[name] for name in same)


@pytest.mark.slow
def test_no_space_left_is_one_sentence_and_leaves_no_halves(tiny_recipe: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: the first checkpoint does not fit."""
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    out = tmp_path / "full"
    result = run_cli("run", "--recipe", tiny_recipe, "--out", out, preexec_fn=limit)
    assert_refused(result, "free space")
    assert not [path for path in out.rglob("*") if path.is_file() and path.suffix in (".npz", ".keras")]


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    first = open_run_folder(tmp_path / "run", {"seed": 0})
    code = (
        "import pathlib; from alzedge.runs.run_folder import open_run_folder\n"
        f"open_run_folder(pathlib.Path({str(first.path)!r}), {{'seed': 0}})"
    )
    assert "in use by another alzedge" in run_code(code).stderr
    del first
    assert run_code(code).returncode == 0, "the lock ends with the object"


@pytest.mark.parametrize("content", ["", "[]", '{"run": [], "phases": {}}', '{"run": {}, "phases": {"a": {}}}'])
def test_a_damaged_run_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UserError, match="choose another --out"):
        open_run_folder(tmp_path, {"seed": 0})
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_equal_names_of_inputs_are_told_apart(tmp_path: Path) -> None:
    """Two splits have files of the same name; a change in either must count."""
    run_folder = open_run_folder(tmp_path / "run", {"seed": 0})
    inputs = [tmp_path / split / "metrics.json" for split in ("official", "subject")]
    output = tmp_path / "run/out.txt"
    for path in inputs:
        path.parent.mkdir()
        path.write_text(path.parent.name)

    def perform() -> bool:
        return run_folder.perform("join", None, inputs, [output], lambda stem: output.write_text("done") and None)

    assert [perform(), perform()] == [True, False]
    for path in inputs:
        path.write_text("changed")
        assert [perform(), perform()] == [True, False]
    output.write_text("tampered")
    assert perform()


def test_the_model_for_unseen_people_is_released_whatever_the_order() -> None:
    assert in_order(("subject", "official")) == ["official", "subject"]
