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
from alzedge.runs.run_folder import Ledger
from alzedge.runs.split_run import Job
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


def export_phase(job: Job, student: Path) -> dict[str, Path]:
    """Convert and quantize; writes and returns the `.tflite` files by format."""
    outputs = {name: job.folder / file for name, file in FILE_NAMES.items()}

    def action(stem: Path) -> None:
        from alzedge.export.export_student import export_student

        with show_steps(f"{job.title}: export") as on_step:
            for done, (name, path) in enumerate(outputs.items(), start=1):
                fmt, heat_map = name.removesuffix(_HEAT_MAP), name.endswith(_HEAT_MAP)
                export_student(student, path, fmt, job.dataset, job.split, job.recipe, heat_map=heat_map)
                on_step(Step(done, len(outputs), done, len(outputs)))

    job.perform("export", ["export"], [student], list(outputs.values()), action)
    return outputs


def evaluate_phase(job: Job, models: dict[str, Path]) -> Path:
    """Figures of every model on the test side; writes and returns the split's `metrics.json`."""
    output = job.folder / "metrics.json"

    def action(stem: Path) -> None:
        from alzedge.export.evaluate.judge import evaluate_models

        with show_steps(f"{job.title}: evaluation") as on_step:
            write_json(output, evaluate_models(models, job.dataset, job.split, on_step, teacher=TEACHER))

    job.perform("evaluate", [], list(models.values()), [output], action)
    return output


def release_phase(
    ledger: Ledger, jobs: list[Job], metrics: list[Path], crossval: Path | None = None
) -> dict[str, Path]:
    """Put the figures of all splits into the last split's files; returns the files by format.

    The last split is the one with unseen people where there is one: the official split's
    students have seen everybody, so theirs are sister models whose figures are quoted; so are
    those of a cross-validation.
    """
    outputs = {name: ledger.folder / file for name, file in FILE_NAMES.items()}
    chosen = jobs[-1]
    sources = {name: chosen.folder / file for name, file in FILE_NAMES.items()}
    figures = ledger.folder / "metrics.json"

    def action(stem: Path) -> None:
        splits = {job.split.name: json.loads(path.read_text()) for job, path in zip(jobs, metrics, strict=True)}
        write_json(figures, splits)
        if crossval:
            splits |= {CROSSVAL: json.loads(crossval.read_text())[CROSSVAL]}
        for name, source in sources.items():
            flatbuffer, record = read_tflite(source)
            quoted = {split: _quoted(split, found, name, chosen.split.name) for split, found in splits.items()}
            write_tflite(outputs[name], flatbuffer, record | {"metrics": quoted})

    inputs = [*sources.values(), *metrics, *([crossval] if crossval else [])]
    ledger.perform("release", [job.split.name for job in jobs], inputs, [*outputs.values(), figures], action)
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


def benchmark_phase(ledger: Ledger, models: dict[str, Path], metrics: Path, recipe: Recipe) -> Path:
    """Size and latency of each model beside its figures; writes and returns `benchmark.json`."""
    output = ledger.folder / "benchmark.json"

    def action(stem: Path) -> None:
        from alzedge.export.benchmark.benchmark import benchmark_models

        splits = json.loads(metrics.read_text())
        with show_steps("benchmark") as on_step:
            found = benchmark_models(models, splits, recipe.benchmark.calls, on_step)
        write_json(output, found | {"training": training_time(ledger)})

    ledger.perform("benchmark", recipe.benchmark.calls, [*models.values(), metrics], [output], action)
    return output


def training_time(ledger: Ledger) -> dict[str, Any] | None:
    """How long the run trained: `machine`, `processors` and, by phase, `seconds` (see `Ledger`); None when not timed."""
    phases = {name: phase for name, phase in ledger.phases.items() if name.rsplit("/", 1)[-1] in _TRAINING}
    if not all("seconds" in phase for phase in phases.values()):
        return None
    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "seconds": {name: phase["seconds"] for name, phase in phases.items()},
    }


def report_phase(ledger: Ledger, benchmark: Path, jobs: list[Job], model: Path) -> list[Path]:
    """Table, plots and model card; returns what was written, the card first."""
    folder = ledger.folder
    curves = {
        f"{job.split.name}: {title}": job.folder / f"{name}.loss.json"
        for job in jobs
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
        plots.example_answers(jobs[-1].dataset.take(jobs[-1].split.test), model, examples)
        write_text(card, model_card(model, found, list(PICTURES)))

    ledger.perform("report", None, [benchmark, model, *curves.values()], outputs, action)
    return outputs
