"""Phases of a run behind the student: files, figures, latency, report."""

import json
import os
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

from alzedge.export.benchmark.results import TrainingTime, read_benchmark
from alzedge.export.calibration.pooled import read_answers
from alzedge.export.calibration.record_entries import person_entries
from alzedge.export.evaluate.crossval_folder import INT8_ANSWERS, STUDENT_ANSWERS, TEACHER_ANSWERS, metrics_file
from alzedge.export.evaluate.sources import CROSSVAL
from alzedge.export.target import Target
from alzedge.metrics.split_evaluation import Quote, SplitEvaluation, quote, read_metrics, read_split
from alzedge.model_file.read_write import read_tflite, write_tflite
from alzedge.runs.recipe import Recipe
from alzedge.runs.run_folder import RunFolder
from alzedge.runs.split_run import SplitRun
from alzedge.utils.files import write_json, write_text
from alzedge.utils.progress import OnPhase, Step, quiet_phase

TEACHER = "teacher.keras"
STUDENT = "student.keras"
FILE_NAMES = {
    "float32": "student_float32.tflite",
    "int8": "student_int8.tflite",
    "int8-heat-map": "student_int8_heatmap.tflite",
}

# The float32 file answers as the Keras student does, to the last few bits.
CROSSVAL_FILES = {"teacher": TEACHER_ANSWERS, "float32": STUDENT_ANSWERS, "int8": INT8_ANSWERS}
_TARGETS = {"float32": Target("float32"), "int8": Target("int8"), "int8-heat-map": Target("int8", heat_map=True)}
_TRAINING = ("init", "pretrain", "finetune", "targets", "distill")
REPORTS = ("benchmark.md", "benchmark.csv", "accuracy_latency.png")


def export_phase(split_run: SplitRun, student: Path, on_phase: OnPhase = quiet_phase) -> dict[str, Path]:
    """Convert and quantize a student; writes and returns the `.tflite` files by name in `FILE_NAMES`."""
    outputs = {name: split_run.folder / file for name, file in FILE_NAMES.items()}

    def action(stem: Path) -> None:
        from alzedge.export.export_student import export_student
        from alzedge.export.prepared_student import prepare_student

        with on_phase(f"{split_run.title}: export") as on_step:
            prepared = prepare_student(student, split_run.dataset, split_run.split, split_run.recipe)
            for done, (name, path) in enumerate(outputs.items(), start=1):
                export_student(prepared, path, _TARGETS[name])
                on_step(Step(done, len(outputs), done, len(outputs)))

    split_run.perform("export", ["export"], [student], list(outputs.values()), action)
    return outputs


def evaluate_phase(split_run: SplitRun, models: dict[str, Path], on_phase: OnPhase = quiet_phase) -> Path:
    """Evaluate every model on the test side; writes and returns the split's `metrics.json`."""
    output = split_run.folder / "metrics.json"

    def action(stem: Path) -> None:
        from alzedge.export.evaluate.evaluate_models import evaluate_models

        with on_phase(f"{split_run.title}: evaluation") as on_step:
            evaluation = evaluate_models(models, split_run.dataset, split_run.split, on_step, teacher=TEACHER)
        write_json(output, evaluation.to_json())

    split_run.perform("evaluate", [], list(models.values()), [output], action)
    return output


def release_phase(
    run_folder: RunFolder, split_runs: list[SplitRun], metrics: list[Path], crossval: Path | None = None
) -> dict[str, Path]:
    """Put the figures of all splits into the last split's files; returns the files by name in `FILE_NAMES`.

    The last split is the one with unseen people where there is one: the official split's
    students have seen everybody, so theirs are sister models whose figures are quoted; so are
    those of a cross-validation.
    """
    outputs = {name: run_folder.path / file for name, file in FILE_NAMES.items()}
    chosen = split_runs[-1]
    sources = {name: chosen.folder / file for name, file in FILE_NAMES.items()}
    figures = run_folder.path / "metrics.json"

    def action(stem: Path) -> None:
        splits = {split_run.split.name: read_split(path) for split_run, path in zip(split_runs, metrics, strict=True)}
        write_json(figures, {name: found.to_json() for name, found in splits.items()})
        measured: dict[str, Any] = {}
        if crossval:
            splits[CROSSVAL] = read_metrics(metrics_file(crossval))[CROSSVAL]
            answers = read_answers(crossval / INT8_ANSWERS, chosen.dataset)
            measured = person_entries(answers, held_out=chosen.split.fold) if answers else {}
        for name, source in sources.items():
            flatbuffer, record = read_tflite(source)
            quotes = {split: _quote(split, found, name, chosen.split.name) for split, found in splits.items()}
            quoted = {split: found.to_json() for split, found in quotes.items()}
            write_tflite(outputs[name], flatbuffer, record | {"metrics": quoted} | measured)

    inputs = [*sources.values(), *metrics, *([metrics_file(crossval), crossval / INT8_ANSWERS] if crossval else [])]
    run_folder.perform(
        "release", [split_run.split.name for split_run in split_runs], inputs, [*outputs.values(), figures], action
    )
    return outputs


def _quote(split: str, found: SplitEvaluation, fmt: str, own: str) -> Quote:
    """One split's figures as a file of the split `own` quotes them."""
    if split == CROSSVAL:
        model = CROSSVAL_FILES["float32" if fmt == "float32" else "int8"]
        whose = "five sister models of the same recipe, each on people it has not seen"
    else:
        model = FILE_NAMES[fmt]
        whose = "this model" if split == own else "a sister model of the same recipe"
    return quote(found, model, whose)


def benchmark_phase(
    run_folder: RunFolder,
    models: dict[str, Path],
    metrics: Path,
    recipe: Recipe,
    on_phase: OnPhase = quiet_phase,
    trained: RunFolder | None = None,
) -> Path:
    """Measure size and latency of each model; writes them beside its figures into `benchmark.json` and returns that.

    `trained` is the folder of the run that trained the models where that is another one.
    """
    output = run_folder.path / "benchmark.json"

    def action(stem: Path) -> None:
        from alzedge.export.benchmark.benchmark import benchmark_models

        splits = read_metrics(metrics)
        with on_phase("benchmark") as on_step:
            measured = benchmark_models(models, splits, recipe.benchmark.calls, on_step)
        write_json(output, replace(measured, training=training_time(trained or run_folder)).to_json())

    run_folder.perform("benchmark", recipe.benchmark.calls, [*models.values(), metrics], [output], action)
    return output


def training_time(run_folder: RunFolder) -> TrainingTime | None:
    """Wall-clock time of the run's training (see `RunFolder`).

    Returns:
        None when a phase was not timed, as in run folders of older versions.
    """
    phases = {name: phase for name, phase in run_folder.phases.items() if name.rsplit("/", 1)[-1] in _TRAINING}
    seconds = {name: phase.seconds for name, phase in phases.items() if phase.seconds is not None}
    if len(seconds) < len(phases):
        return None
    return TrainingTime(f"{platform.system()} {platform.machine()}", os.cpu_count(), seconds)


def report_phase(
    run_folder: RunFolder, benchmark: Path, split_runs: list[SplitRun], model: Path, crossval: Path | None = None
) -> list[Path]:
    """Write table, plots and model card; returns the files, the card first.

    The card tells of the people of a cross-validation where one is given.
    """
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

        measured = read_benchmark(benchmark)
        confusion, loss, examples = pictures
        write_reports(measured, folder)
        plots.confusion_matrices(measured.splits, FILE_NAMES["int8"], confusion)
        plots.loss_curves({name: json.loads(path.read_text()) for name, path in curves.items()}, loss)
        plots.example_answers(split_runs[-1].dataset.take(split_runs[-1].split.test), model, examples)
        pooled = read_metrics(metrics_file(crossval)) if crossval else None
        write_text(card, model_card(model, measured, list(PICTURES), pooled))

    quoted = [metrics_file(crossval)] if crossval else []
    run_folder.perform("report", None, [benchmark, model, *curves.values(), *quoted], outputs, action)
    return outputs
