"""The phases of a run behind the student: files, figures, latency, report."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from alzedge.commands.progress_bars import show_steps
from alzedge.export.evaluate.sources import CROSSVAL
from alzedge.metrics.classification import summary
from alzedge.model_file.read_write import read_tflite, write_tflite
from alzedge.runs.recipe import Recipe
from alzedge.runs.run_folder import RunFolder
from alzedge.runs.split_run import SplitRun
from alzedge.utils.files import write_json, write_text
from alzedge.utils.progress import Step

TEACHER = "teacher.keras"
STUDENT = "student.keras"
FILE_NAMES = {
    "float32": "student_float32.tflite",
    "int8": "student_int8.tflite",
    "int8-heat-map": "student_int8_heatmap.tflite",
}

# The float32 file answers as the Keras student does, to the last few bits.
CROSSVAL_FILES = {"teacher": "teacher.csv", "float32": "student.csv", "int8": "student_int8.csv"}
_HEAT_MAP = "-heat-map"
_TRAINING = ("init", "pretrain", "finetune", "targets", "distill")
REPORTS = ("benchmark.md", "benchmark.csv", "accuracy_latency.png")


def export_phase(split_run: SplitRun, student: Path) -> dict[str, Path]:
    """Convert and quantize; writes and returns the `.tflite` files by format."""
    outputs = {name: split_run.folder / file for name, file in FILE_NAMES.items()}

    def action(stem: Path) -> None:
        from alzedge.export.export_student import export_student

        with show_steps(f"{split_run.title}: export") as on_step:
            for done, (name, path) in enumerate(outputs.items(), start=1):
                fmt, heat_map = name.removesuffix(_HEAT_MAP), name.endswith(_HEAT_MAP)
                export_student(
                    student, path, fmt, split_run.dataset, split_run.split, split_run.recipe, heat_map=heat_map
                )
                on_step(Step(done, len(outputs), done, len(outputs)))

    split_run.perform("export", ["export"], [student], list(outputs.values()), action)
    return outputs


def evaluate_phase(split_run: SplitRun, models: dict[str, Path]) -> Path:
    """Figures of every model on the test side; writes and returns the split's `metrics.json`."""
    output = split_run.folder / "metrics.json"

    def action(stem: Path) -> None:
        from alzedge.export.evaluate.judge import evaluate_models

        with show_steps(f"{split_run.title}: evaluation") as on_step:
            write_json(output, evaluate_models(models, split_run.dataset, split_run.split, on_step, teacher=TEACHER))

    split_run.perform("evaluate", [], list(models.values()), [output], action)
    return output


def release_phase(
    run_folder: RunFolder, split_runs: list[SplitRun], metrics: list[Path], crossval: Path | None = None
) -> dict[str, Path]:
    """Put the figures of all splits into the last split's files; returns the files by format.

    The last split is the one with unseen people where there is one: the official split's
    students have seen everybody, so theirs are sister models whose figures are quoted; so are
    those of a cross-validation.
    """
    outputs = {name: run_folder.path / file for name, file in FILE_NAMES.items()}
    chosen = split_runs[-1]
    sources = {name: chosen.folder / file for name, file in FILE_NAMES.items()}
    figures = run_folder.path / "metrics.json"

    def action(stem: Path) -> None:
        splits = {
            split_run.split.name: json.loads(path.read_text())
            for split_run, path in zip(split_runs, metrics, strict=True)
        }
        write_json(figures, splits)
        if crossval:
            splits |= {CROSSVAL: json.loads(crossval.read_text())[CROSSVAL]}
        for name, source in sources.items():
            flatbuffer, record = read_tflite(source)
            quoted = {split: _quoted(split, found, name, chosen.split.name) for split, found in splits.items()}
            write_tflite(outputs[name], flatbuffer, record | {"metrics": quoted})

    inputs = [*sources.values(), *metrics, *([crossval] if crossval else [])]
    run_folder.perform(
        "release", [split_run.split.name for split_run in split_runs], inputs, [*outputs.values(), figures], action
    )
    return outputs


def _quoted(split: str, found: dict[str, Any], fmt: str, own: str) -> dict[str, Any]:
    """One split's figures as a file of the split `own` quotes them."""
    if split == CROSSVAL:
        model = CROSSVAL_FILES["float32" if fmt == "float32" else "int8"]
        whose = "five sister models of the same recipe, each on people it has not seen"
    else:
        model = FILE_NAMES[fmt]
        whose = "this model" if split == own else "a sister model of the same recipe"
    entries = {name: found[name] for name in ("description", "unseen_people", "floors")}
    return entries | {"measured_on": whose} | summary(found["models"][model])


def benchmark_phase(run_folder: RunFolder, models: dict[str, Path], metrics: Path, recipe: Recipe) -> Path:
    """Size and latency of each model beside its figures; writes and returns `benchmark.json`."""
    output = run_folder.path / "benchmark.json"

    def action(stem: Path) -> None:
        from alzedge.export.benchmark.benchmark import benchmark_models

        splits = json.loads(metrics.read_text())
        with show_steps("benchmark") as on_step:
            found = benchmark_models(models, splits, recipe.benchmark.calls, on_step)
        write_json(output, found | {"training": training_time(run_folder)})

    run_folder.perform("benchmark", recipe.benchmark.calls, [*models.values(), metrics], [output], action)
    return output


def training_time(run_folder: RunFolder) -> dict[str, Any] | None:
    """How long the run trained: `machine`, `processors` and, by phase, `seconds` (see `RunFolder`); None when not timed."""
    phases = {name: phase for name, phase in run_folder.phases.items() if name.rsplit("/", 1)[-1] in _TRAINING}
    seconds = {name: phase.seconds for name, phase in phases.items()}
    if None in seconds.values():
        return None
    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "seconds": seconds,
    }


def report_phase(run_folder: RunFolder, benchmark: Path, split_runs: list[SplitRun], model: Path) -> list[Path]:
    """Table, plots and model card; returns what was written, the card first."""
    folder = run_folder.path
    curves = {
        f"{split_run.split.name}: {title}": split_run.folder / f"{name}.loss.json"
        for split_run in split_runs
        for name, title in (("pretrained", "pre-training"), ("teacher", "fine-tuning"), ("student", "distillation"))
    }
    pictures = [folder / name for name in ("confusion.png", "loss.png", "examples.png")]
    card = folder / "README.md"
    outputs = [card, *(folder / name for name in REPORTS), *pictures]

    def action(stem: Path) -> None:
        from alzedge.export.benchmark.benchmark import write_reports
        from alzedge.export.hub.card import PICTURES, model_card
        from alzedge.export.report import plots

        found = json.loads(benchmark.read_text())
        confusion, loss, examples = pictures
        write_reports(found, folder)
        plots.confusion_matrices(found, FILE_NAMES["int8"], confusion)
        plots.loss_curves({name: json.loads(path.read_text()) for name, path in curves.items()}, loss)
        plots.example_answers(split_runs[-1].dataset.take(split_runs[-1].split.test), model, examples)
        write_text(card, model_card(model, found, list(PICTURES)))

    run_folder.perform("report", None, [benchmark, model, *curves.values()], outputs, action)
    return outputs
