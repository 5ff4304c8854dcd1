"""The card and the table say what was measured, and the documents name commands that exist."""

import json
import re
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from alzedge.cli import _COMMANDS
from alzedge.stages import DISCLAIMER, STAGES
from alzedge.tasks import TASKS

ROOT = Path(__file__).resolve().parent.parent


def test_card_has_front_matter_disclaimer_and_the_measured_figures(tiny_run: Path) -> None:
    card = ModelCard((tiny_run / "README.md").read_text())
    assert card.data.license == "apache-2.0" and card.data.library_name == "litert"
    assert card.data.pipeline_tag == "image-classification"
    assert DISCLAIMER in card.text and all(stage in card.text for stage in STAGES)
    assert "Phantoms are not medical data" in card.text
    metrics = json.loads((tiny_run / "metrics.json").read_text())["subject"]["models"]["student_int8.tflite"]
    results = {(r.dataset_name, r.metric_type): r.metric_value for r in card.data.eval_results}
    for level in ("slice", "person"):
        for task in TASKS:
            for figure in task.summary:
                name = figure if task.name == "stages4" else f"{task.name}_{figure}"
                shown = results[f"phantoms (unseen people, per {level})", name]
                assert shown == pytest.approx(metrics[level][task.name][figure]["value"], abs=5e-5)


def test_table_has_a_row_for_every_model_and_the_floor(tiny_run: Path) -> None:
    benchmark = json.loads((tiny_run / "benchmark.json").read_text())
    table = (tiny_run / "benchmark.md").read_text()
    assert list(benchmark["models"]) == [
        "teacher.keras",
        "student.keras",
        "student_float32.tflite",
        "student_int8.tflite",
        "student_int8_heatmap.tflite",
    ]
    for name, model in benchmark["models"].items():
        row = next(line for line in table.splitlines() if line.startswith(f"| {name} |"))
        for threads in ("threads_1", "threads_2"):
            times = model["latency_ms"][threads]
            assert f"{times['p50']:.2f}/{times['p90']:.2f}/{times['p95']:.2f}" in row
            assert 0 < times["p50"] <= times["p95"]
        if name.endswith(".tflite"):
            assert model["bytes"] == (tiny_run / name).stat().st_size
            assert f"| {name} | {model['bytes'] / 1024:.0f} |" in row
    assert "| majority class |" in table
    assert benchmark["splits"]["subject"]["labels"] == list(STAGES)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documents_name_commands_that_exist(name: str) -> None:
    path = ROOT / name
    if not path.is_file():
        pytest.skip("not in a checkout")
    text = path.read_text()
    assert set(re.findall(r"(?:^|`|&& )alzedge ([a-z]+)", text, re.MULTILINE)) <= set(_COMMANDS)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"make ([a-z-]+)", text)) - {"and"} <= set(targets)
