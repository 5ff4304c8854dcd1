"""The command as its users meet it."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from helpers.commands import assert_refused, call_cli, run_cli, run_code
from PIL import Image

from alzedge.cli import _COMMANDS, cli
from alzedge.data.dataset import DataSet
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_record
from alzedge.stages import DISCLAIMER, STAGES

HEAVY = {"tensorflow", "keras", "sklearn", "matplotlib", "gradio", "fastapi", "uvicorn", "huggingface_hub"}


@pytest.fixture
def slices(tmp_path: Path, phantoms: DataSet) -> list[Path]:
    paths = [tmp_path / f"slice {i}.png" for i in range(3)]
    for path, image in zip(paths, phantoms.images, strict=False):
        Image.fromarray(image).save(path)
    return paths


def beside_answers() -> list[str]:
    """What stands beside answers of the bundled student: operating point, measures, stages, disclaimer."""
    from alzedge.metrics.caveats import cannot_sentence, measured_sentences, operating_sentence

    record = read_record(bundled_model())
    return [operating_sentence(record), *measured_sentences(record).values(), cannot_sentence(record), DISCLAIMER]


def test_predict_answers_with_the_bundled_student(slices: list[Path]) -> None:
    result = run_cli("predict", "--no-guard", *slices)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [str(path) for path in slices]
    assert all(any(stage in line for stage in STAGES) for line in lines)
    assert result.stderr.splitlines() == beside_answers()
    assert all(re.search(": any dementia 0.*; brain volume 0.*; apparent age [1-9]", line) for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of Unix")
def test_on_a_terminal_an_answer_takes_several_lines(slices: list[Path]) -> None:
    import pty

    ours, its = pty.openpty()
    words = [sys.executable, "-m", "alzedge", "predict", "--no-guard", slices[0]]
    process = subprocess.run(words, stdout=its, stderr=subprocess.PIPE, check=True, timeout=60)
    os.close(its)
    shown = os.read(ours, 2**16).decode().splitlines()
    os.close(ours)
    assert process.stderr.decode().splitlines() == beside_answers()
    starts = [f"{slices[0]}: any dementia 0.", "  brain volume 0.", "  apparent age ", "  "]
    assert all(line.startswith(start) for line, start in zip(shown, starts, strict=True)), shown


def test_predict_as_json(slices: list[Path]) -> None:
    document = json.loads(call_cli("predict", "--no-guard", "--json", *slices).stdout)
    assert [p["path"] for p in document["predictions"]] == [str(path) for path in slices]
    for prediction in document["predictions"]:
        assert list(prediction["probabilities"]) == list(STAGES)
        assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert prediction["stage"] == max(prediction["probabilities"], key=prediction["probabilities"].get)
    assert "not a medical device" in document["disclaimer"]


def test_one_bad_image_among_good_ones_gives_one_sentence_and_the_others_are_answered(slices: list[Path]) -> None:
    slices[1].write_bytes(slices[1].read_bytes()[:300])
    result = call_cli("predict", "--no-guard", *slices)
    assert result.returncode == 2
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [str(slices[0]), str(slices[2])]
    error, *beside = result.stderr.splitlines()
    assert "slice 1.png" in error and "damaged or cut off" in error and beside == beside_answers()
    assert_refused(call_cli("predict", "absent.png"), "absent.png: no such file")


def test_inspect_shows_figures_of_the_bundled_student_itself_and_of_its_sisters() -> None:
    record = json.loads(call_cli("inspect", bundled_model(), "--json").stdout)
    itself, sisters = record["metrics"]["subject"], record["metrics"]["crossval"]
    assert itself["unseen_people"] is sisters["unseen_people"] is True
    assert itself["measured_on"] == "this model" and "sister models" in sisters["measured_on"]
    assert 0 < itself["person"]["people"] < sisters["person"]["people"] < record["dataset"]["people"]
    assert bundled_model().stat().st_size < 64 * 1024


def test_predict_imports_nothing_heavy(slices: list[Path]) -> None:
    code = (
        f"import sys; sys.argv = ['alzedge', 'predict', {str(slices[0])!r}]\n"
        "from alzedge.cli import _run; code = _run()\n"
        f"print(code, sorted({HEAVY!r} & {{name.split('.')[0] for name in sys.modules}}))"
    )
    result = run_code(code)
    assert result.stdout.splitlines()[-1] == "0 []", result.stderr


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    """The examples are calls that the command takes, and no option is without a word of help."""
    result = call_cli(command, "--help")
    assert result.returncode == 0 and result.stdout.startswith(f"Usage: alzedge {command} ")
    lines = [line.strip() for line in result.stdout.splitlines()[1:]]
    examples = [re.split(" {3,}", line)[0] for line in lines if line.startswith(f"alzedge {command}")]
    assert examples
    parser = cli.get_command(click.Context(cli), command)
    assert parser is not None
    for example in examples:
        parser.make_context(command, shlex.split(example)[2:])
    assert all(option.help for option in parser.params if isinstance(option, click.Option))


def test_the_top_level_help_lists_the_commands_and_the_disclaimer() -> None:
    result = call_cli("--help")
    assert all(command in result.stdout for command in _COMMANDS)
    assert "not a medical device" in result.stdout


def test_usage_errors_exit_with_2() -> None:
    for arguments in (("nonsense",), ("predict",), ("run", "--sed", "3"), ("export", "x.keras", "--format", "int4")):
        result = call_cli(*arguments)
        assert result.returncode == 2 and "Usage: alzedge" in result.stderr and "Traceback" not in result.stderr


def test_training_refuses_a_data_set_of_one_stage(tmp_path: Path, phantoms: DataSet) -> None:
    folder = tmp_path / "slices" / STAGES[0]
    folder.mkdir(parents=True)
    for i, image in enumerate(phantoms.images[phantoms.labels == 0][:10]):
        Image.fromarray(image).save(folder / f"{i}.png")
    result = call_cli("train", folder.parent, "--out", tmp_path / "out")
    assert_refused(result, STAGES[1], "has no images; add some")
    assert not list((tmp_path / "out").glob("*.keras"))


# What is wrong with each call is in its arguments, so nothing heavy is needed to say so.
REFUSED = (
    ("run", "nothere"),
    ("run", "--out", "{folder}/inside", "{folder}"),
    ("run", "{folder}", "phantoms"),
    ("run", "--people", "{folder}/slice.png"),
    ("run", "{folder}", "--people", "nothere.csv"),
    ("train", "nothere"),
    ("probe", "nothere.keras"),
    ("distill", "nothere.keras"),
    ("export", "nothere.keras", "--out", "student.tflite"),
    ("export", "nothere.keras", "--out", "student.onnx"),
    ("benchmark", "nothere.tflite"),
    ("evaluate", "nothere.tflite", "phantoms"),
    ("evaluate", "nothere.csv", "phantoms"),
    ("evaluate", "nothere.tflite"),
    ("evaluate", "phantoms", "phantoms"),
    ("crossval", "nothere"),
    ("gate", "nothere.tflite", "phantoms"),
    ("gate", "nothere.tflite", "--against", "nothere.csv", "phantoms"),
    ("registry", "push", "nothere.tflite"),
    ("registry", "list", "--registry", "{folder}"),
    ("registry", "promote", "--registry", "nothere"),
    ("pipeline", "run", "nothere"),
    ("pipeline", "compile", "nothere.txt"),
    ("gain", "nothere", "{folder}/slice.png", "phantoms"),
    ("gain", "{folder}/slice.png", "{folder}/slice.png", "nothere"),
    ("experiments", "nothere"),
    ("experiments", "--table", "nothere.toml"),
    ("explain", "nothere.png", "--out", "evidence.png"),
    ("explain", "{folder}/slice.png", "--out", "evidence.jpg"),
    ("report", "nothere.nii.gz", "--out", "report.pdf"),
    ("report", "{folder}/slice.png", "--out", "report.txt"),
    ("agreement", "nothere.csv", "nothere.csv"),
    ("audit", "nothere"),
    ("audit", "{folder}", "nothere"),
    ("audit", "{folder}", "--people", "{folder}/slice.png"),
    ("stats", "nothere"),
    ("stats", "{folder}", "--model", "nothere.tflite"),
    ("schema", "nothere.pb"),
    ("validate", "nothere", "--schema", "nothere.pbtxt"),
    ("validate", "{folder}", "--schema", "nothere.pbtxt"),
    ("drift", "--reference", "nothere.pb", "nothere.jsonl"),
    ("drift", "--reference", "{folder}/slice.png", "nothere.jsonl"),
    ("prepare", "nothere.nii.gz", "--out", "prepared"),
    ("predict", "{folder}/slice.png", "--model", "nothere.tflite"),
    ("predict", "{folder}/slice.png", "--json", "--csv", "-"),
    ("predict", "{folder}/slice.png", "--age", "700"),
    ("card", "nothere.tflite"),
    ("push", "nobody"),
    ("inspect", "nothere.tflite"),
    ("model", "--out", "{folder}/model.onnx"),
    ("subjects", "nothere"),
    ("subjects", "{folder}", "--people", "nothere.csv"),
    ("subjects", "{folder}", "--volumes", "{folder}"),
    ("deidentify", "nothere", "clean", "--key", "key.txt"),
    ("phantoms", "{folder}"),
    ("demo", "--model", "nothere.tflite"),
    ("space", "build", "page", "--model", "nothere.tflite"),
)
REFUSE = """
import json, sys
from alzedge.cli import _run
for call in json.loads(sys.stdin.read()):
    sys.argv = ["alzedge", *call]
    code = _run()
    heavy = sorted({"numpy", "tensorflow", "keras", "sklearn", "gradio"} & set(sys.modules))
    print(code, heavy, *call, file=sys.stdout)
"""


def test_every_command_refuses_its_arguments_before_it_imports_anything_heavy(tmp_path: Path) -> None:
    (tmp_path / "slice.png").write_bytes(b"never read")
    calls = [[word.format(folder=tmp_path) for word in call] for call in REFUSED]
    assert {call[0] for call in calls} == set(_COMMANDS)
    result = run_code(REFUSE, stdin=json.dumps(calls))
    assert result.stdout.splitlines() == [f"2 [] {' '.join(call)}" for call in calls], result.stderr


def test_a_missing_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['gradio'] = None; sys.argv = ['alzedge', 'demo', '--port', '7999']\n"
        "from alzedge.cli import main; main()"
    )
    result = run_code(code)
    assert_refused(result, "gradio", "pip install 'alzedge[demo]'")
