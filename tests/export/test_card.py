"""The card and the table say what was measured, and the documents name commands that exist."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import assert_refused, call_cli, run_cli
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results
from PIL import Image

from alzedge.cli import _COMMANDS
from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.export.benchmark.results import TrainingTime, read_benchmark
from alzedge.export.hub.card import find_benchmark, model_card
from alzedge.export.hub.card_usage import BROWSER, GRADLE, KOTLIN, RASPBERRY_PI
from alzedge.export.phases import training_time
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.metrics.split_evaluation import Quote
from alzedge.metrics.tasks import TASKS
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import Record, read_record, read_tflite, write_tflite
from alzedge.runs.run_folder import RunFolder, open_run_folder
from alzedge.stages import DISCLAIMER, STAGES
from alzedge.utils.files import write_text

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE, EXAMPLE_BENCHMARK = ROOT / "docs" / "example-card.md", ROOT / "docs" / "example-benchmark.json"
in_checkout = pytest.mark.skipif(not EXAMPLE.is_file(), reason="needs the checkout with its documents")


def rewritten(folder: Path, **changes: object) -> Path:
    """The bundled model with a changed record, properly sealed."""
    flatbuffer, record = read_tflite(bundled_model())
    record.pop("sha256")
    write_tflite(folder / "student_int8.tflite", flatbuffer, record | changes)
    return folder / "student_int8.tflite"


def numbers_of(value: object) -> set[float]:
    if isinstance(value, dict | list):
        inside = value.values() if isinstance(value, dict) else value
        return set().union(*map(numbers_of, inside)) if inside else set()
    return {float(value)} if isinstance(value, int | float) else set()


def check_front_matter(text: str, record: Record) -> ModelCard:
    """It survives the Hub's own classes there and back, and each result is the record's figure."""
    card = ModelCard(text)
    assert str(ModelCard(str(card))) == str(card)
    assert card.data.license == "apache-2.0" and card.data.library_name == "litert"
    assert card.data.pipeline_tag == "image-classification" and "tflite" in card.data.tags
    name, results = model_index_to_eval_results(
        eval_results_to_model_index(card.data.model_name, card.data.eval_results)
    )
    assert name == "student_int8"
    found = {(r.dataset_config, r.metric_type): r.metric_value for r in results}
    expected = {
        (f"{split}-{level}", figure if task.name == "stages4" else f"{task.name}_{figure}"): round(measured.value, 4)
        for split, quoted in record["metrics"].items()
        for level, figures in Quote.from_json(quoted).summary.levels.items()
        for task in TASKS
        for figure in task.summary
        if (measured := figures.figure(task, figure)) is not None
    }
    assert found == expected and len(results) == len(expected)
    return card


def test_card_of_a_run_has_the_measured_figures_by_task_and_by_class(tiny_run: Path) -> None:
    card = check_front_matter((tiny_run / "README.md").read_text(), read_record(tiny_run / "student_int8.tflite"))
    assert DISCLAIMER in card.text and all(stage in card.text for stage in STAGES)
    assert "Phantoms are not medical data" in card.text and card.data.datasets is None
    evaluation = read_benchmark(tiny_run / "benchmark.json").splits["subject"].models["student_int8.tflite"]
    for level in evaluation.levels.values():
        for task in TASKS:
            figures = [level.figure(task, name) for name in task.summary]
            assert all(figure.text() in card.text for figure in figures if figure)
    for stage, of_class in evaluation.by_person.details["stages4"].by_class.items():
        row = next(line for line in card.text.splitlines() if line.startswith(f"| {stage} |"))
        assert all(figure.text() in row if figure else "not claimed" in row for figure in of_class.values())


def test_card_of_a_run_says_what_training_cost_and_shows_its_plots(tiny_run: Path) -> None:
    text = (tiny_run / "README.md").read_text()
    training = read_benchmark(tiny_run / "benchmark.json").training
    phases = json.loads((tiny_run / "run.json").read_text())["phases"]
    assert training and training.seconds == {name: phases[name]["seconds"] for name in training.seconds}
    assert set(training.seconds) == {f"subject/{name}" for name in ("pretrain", "finetune", "targets", "distill")}
    assert f"took {sum(training.seconds.values()) / 60:.1f} minutes" in text
    assert "![Accuracy against latency](accuracy_latency.png)" in text and "examples.png" not in text


def test_the_time_of_training_survives_a_new_start_and_is_unknown_where_a_phase_was_not_timed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_folder = RunFolder(folder, {"seed": 0})
    for phase in ("official/pretrain", "official/evaluate", "subject/distill"):
        run_folder.perform(phase, None, [], [folder / "out.txt"], lambda stem: write_text(folder / "out.txt", "done"))
    training = training_time(open_run_folder(folder, {"seed": 0}))
    assert isinstance(training, TrainingTime) and set(training.seconds) == {"official/pretrain", "subject/distill"}
    assert training.seconds["subject/distill"] == run_folder.phases["subject/distill"].seconds
    untimed = {name: replace(phase, seconds=None) for name, phase in run_folder.phases.items()}
    assert training_time(RunFolder(folder, {"seed": 0}, untimed)) is None


@in_checkout
def test_the_example_is_what_the_command_writes_of_the_bundled_student(tmp_path: Path) -> None:
    out = tmp_path / "README.md"
    result = run_cli("card", "--benchmark", EXAMPLE_BENCHMARK, "--out", out)
    assert result.returncode == 0, result.stderr
    again = "alzedge card --benchmark docs/example-benchmark.json --out docs/example-card.md"
    assert out.read_text() == EXAMPLE.read_text(), f"run `{again}`"


@in_checkout
def test_every_number_of_the_example_s_tables_was_measured() -> None:
    """Three or more decimals are never typed: each is a number of the record or the benchmark, rounded."""
    record, benchmark = read_record(bundled_model()), json.loads(EXAMPLE_BENCHMARK.read_text())
    card = check_front_matter(EXAMPLE.read_text(), record)
    assert ("**The published split leaks**" in card.text) == ("official" in record["metrics"])
    assert "**What was done**" in card.text and len(card.data.datasets) == 1
    known = {f"{number:.3f}" for number in numbers_of(record) | numbers_of(benchmark)}
    prose = card.text[: card.text.index("## How to load it")]
    written = re.findall(r"(?<![\w.])\d+\.\d{3}(?!\d)", prose)
    assert len(written) > 100 and set(written) <= known


def test_a_card_without_a_benchmark_says_what_it_does_not_know() -> None:
    text = model_card(bundled_model())
    assert "Its speed was not measured" in text and "Not measured: neither" in text and "By class" not in text
    assert f"{bundled_model().stat().st_size:,} bytes" in text


def test_cross_validated_figures_come_first(tmp_path: Path) -> None:
    record = read_record(bundled_model())
    pooled = json.loads(json.dumps(record["metrics"]["subject"])) | {"measured_on": "five sister models"}
    pooled["person"]["stages4"]["accuracy"] = {"value": 0.123456, "low": 0.1, "high": 0.2}
    official = record["metrics"]["subject"] | {"unseen_people": False}
    path = rewritten(tmp_path, metrics={**record["metrics"], "official": official, "crossval": pooled})
    card = check_front_matter(model_card(path), read_record(path))
    headings = re.findall(r"^### (.*)$", card.text, re.MULTILINE)
    assert "**The published split leaks**" in card.text
    assert headings[:3] == ["Unseen people, cross-validated", "Unseen people", "Official split"]
    assert "0.123 (0.100 to 0.200)" in card.text and "Measured on five sister models" in card.text


def test_a_student_of_steps_and_cross_fitted_teachers_says_so(tmp_path: Path) -> None:
    targets = {"cross_fit": 4, "fluid": True, "temperature": 1.25}
    preprocessing = Preprocessing(4, ("fluid",)).to_dict()
    text = model_card(rewritten(tmp_path, preprocessing=preprocessing, soft_targets=targets))
    assert (
        "learned from 4 teachers" in text and "temperature, 1.250," in text and "share of cerebrospinal fluid" in text
    )
    assert (
        "Preprocessing: fluid (see `alzedge.imaging.steps`), by the record's table" in text and "4 x 4 pixels" in text
    )
    assert "### Android" in text
    unknown = Preprocessing(2, ("clahe",)).to_dict()
    assert "### Android" not in model_card(rewritten(tmp_path, preprocessing=unknown))


def test_nothing_is_claimed_where_the_people_are_unknown(tmp_path: Path) -> None:
    record = read_record(bundled_model())
    random = record["metrics"]["subject"] | {"unseen_people": False, "description": "a random fifth"}
    random.pop("person")
    path = rewritten(
        tmp_path,
        metrics={"random": random},
        dataset=record["dataset"] | {"name": "clinic", "people": None},
        split=record["split"] | {"name": "random", "unseen_people": False, "test_people": None},
    )
    text = model_card(path)
    assert "nothing is claimed about unseen people" in text and "narrower than the truth" in text
    assert "Kaggle" not in text and "OASIS" not in text and "per person (n" not in text


@in_checkout
def test_a_benchmark_of_another_file_is_refused(tmp_path: Path) -> None:
    path = rewritten(tmp_path, licence="apache-2.0", notes="another size")
    shutil.copy(EXAMPLE_BENCHMARK, tmp_path / "benchmark.json")
    assert find_benchmark(path) is None
    assert_refused(call_cli("card", path, "--benchmark", tmp_path / "benchmark.json"), "is not of", path)
    found = read_benchmark(EXAMPLE_BENCHMARK)
    measured = found.models[path.name]
    same = replace(measured, footprint=replace(measured.footprint, bytes=path.stat().st_size))
    write_text(tmp_path / "benchmark.json", json.dumps(replace(found, models={path.name: same}).to_json()))
    assert find_benchmark(path) == tmp_path / "benchmark.json"


def test_a_card_without_figures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is not a benchmark\.json"):
        read_benchmark(bundled_model())
    with pytest.raises(UserError, match="carries no figures.*--benchmark"):
        model_card(rewritten(tmp_path, metrics={}))
    broken: dict[str, Any] = {"subject": {"description": "x"}}
    with pytest.raises(UserError, match="is not a model file with figures that this AlzEdge can read; export it again"):
        model_card(rewritten(tmp_path, metrics=broken))


def test_the_card_s_python_runs_as_it_stands(phantoms: DataSet, tmp_path: Path) -> None:
    Image.fromarray(phantoms.images[50]).save(tmp_path / "slice.png")
    shutil.copy(bundled_model(), tmp_path)
    program = re.search(r"^```python\n(.*?)^```", model_card(bundled_model()), re.DOTALL | re.MULTILINE)
    assert program is not None
    done = subprocess.run(
        [sys.executable, "-c", program[1]], check=False, cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert DISCLAIMER in done.stdout


@in_checkout
@pytest.mark.parametrize(
    "program, document",
    [(RASPBERRY_PI, "raspberry-pi.md"), (GRADLE, "android.md"), (KOTLIN, "android.md"), (BROWSER, "browser.md")],
)
def test_the_card_s_other_programs_are_those_of_the_documents(program: str, document: str) -> None:
    lines = {line.strip() for line in (ROOT / "docs" / document).read_text().splitlines()}
    assert {line.strip() for line in program.splitlines()} <= lines
    assert program in model_card(bundled_model())


def test_table_has_a_row_for_every_model_and_the_baselines(tiny_run: Path) -> None:
    benchmark = read_benchmark(tiny_run / "benchmark.json")
    table = (tiny_run / "benchmark.md").read_text()
    assert list(benchmark.models) == [
        "teacher.keras",
        "student.keras",
        "student_float32.tflite",
        "student_int8.tflite",
        "student_int8_heatmap.tflite",
    ]
    for name, model in benchmark.models.items():
        row = next(line for line in table.splitlines() if line.startswith(f"| {name} |"))
        for times in model.latency.values():
            assert f"{times.p50:.2f}/{times.p90:.2f}/{times.p95:.2f}" in row
        assert f"| {name} | {model.footprint.bytes / 1024:.0f} |" in row
    assert "| majority class |" in table and "| 1-nearest neighbour |" in table
    assert benchmark.splits["subject"].labels == STAGES


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documents_name_commands_that_exist(name: str) -> None:
    path = ROOT / name
    if not path.is_file():
        pytest.skip("not in a checkout")
    text = path.read_text()
    assert set(re.findall(r"(?:^|`|&& )alzedge ([a-z]+)", text, re.MULTILINE)) <= set(_COMMANDS)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"make ([a-z-]+)", text)) - {"and"} <= set(targets)
