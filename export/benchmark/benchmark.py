"""Benchmark of models: the same accuracy code for all, and the time and bytes that their answers take."""

import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from alzedge import __version__
from alzedge.data.dataset import DataSet, Split, split_dataset
from alzedge.errors import UserError
from alzedge.export.benchmark.latency import measure_models
from alzedge.export.benchmark.profiler import profile_operators
from alzedge.export.benchmark.results import Benchmark
from alzedge.export.benchmark.speedup import check_goals
from alzedge.export.benchmark.tables import csv_table, markdown_table
from alzedge.export.evaluate.evaluate_models import evaluate_models
from alzedge.export.evaluate.external import evaluate_external, external_split
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.model_file.read_write import Record, Role, kind_of, read_record
from alzedge.monitoring.audit.overlap import find_overlap
from alzedge.runs.recipe import Recipe
from alzedge.runs.split_run import made_with
from alzedge.utils.files import check_own_folder, mark_own_folder, write_json, write_text
from alzedge.utils.fresh_process import in_process
from alzedge.utils.progress import OnPhase, OnStep, quiet, quiet_phase

if TYPE_CHECKING:
    from alzedge.export.benchmark.reference_models import ReferenceModel


def benchmark_models(
    models: Mapping[str, Path],
    splits: Mapping[str, SplitEvaluation],
    calls: int,
    on_step: OnStep = quiet,
    reference_models: "Mapping[str, ReferenceModel] | None" = None,
) -> Benchmark:
    """Measure size, memory and latency, and put them beside the figures.

    Args:
        models: files by name, the reference of all speeds first.
        splits: evaluations of the models.
        calls: timed calls per model and number of threads.
        on_step: called after every model and every number of threads.
        reference_models: measured with the models; they have no figures.
    """
    others = reference_models or {}
    files = {**models, **{name: model.path for name, model in others.items()}}
    measured = {
        name: replace(model, is_reference=True, times_faster_goal=others[name].times_faster_goal)
        if name in others
        else model
        for name, model in measure_models(files, calls, on_step).items()
    }
    return Benchmark(
        alzedge=__version__,
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        calls=calls,
        models=measured,
        goals=check_goals(measured),
        splits=dict(splits),
    )


def benchmark_files(
    models: list[Path],
    dataset: DataSet | None,
    recipe: Recipe,
    out: Path,
    *,
    test: DataSet | None = None,
    with_reference_models: bool = False,
    profiled: bool = False,
    on_phase: OnPhase = quiet_phase,
) -> Benchmark:
    """Benchmark model files of one split, or on other data; writes JSON, CSV, Markdown and a plot into `out`.

    Args:
        models: of one split where there is no `test`, the reference of all speeds first.
        dataset: that they were made from; None where it is not at hand and there is a `test`.
        recipe: `benchmark` is used.
        out: a new folder, or that of an earlier benchmark.
        test: data that they were not made from, to measure accuracy on; people who are found in the Kaggle archive or
            in `dataset` are left out. None: the test side of the models' split.
        with_reference_models: also measure what one would take instead; see `alzedge.export.benchmark.reference_models`.
            Their files are kept in `out / "reference-models"`.
        profiled: also time each operator of the `.tflite` students; see `alzedge.export.benchmark.profiler`.
        on_phase: called with the title of each part, then for its steps.

    Raises:
        UserError: files of different splits or of other data, two of the same name, or one that the
            runtime cannot run.
    """
    check_own_folder(out, "benchmark")
    named = {path.name: path for path in models}
    if len(named) < len(models):
        raise UserError("Two models have the same file name; rename one, so that the table can tell them apart.")
    records = {name: read_record(path) for name, path in named.items()}
    name, evaluation = _evaluation(named, records, dataset, test, recipe, on_phase)
    mark_own_folder(out, "benchmark")
    others = _build_reference_models(records, out / "reference-models", on_phase) if with_reference_models else {}
    students = {name: path for name, path in named.items() if profiled and path.suffix.lower() == ".tflite"}
    profiles = {name: in_process(1, profile_operators, path) for name, path in students.items()}
    with on_phase("benchmark") as on_step:
        measured = benchmark_models(named, {name: evaluation}, recipe.benchmark.calls, on_step, others)
    benchmark = replace(measured, profiles=profiles)
    write_json(out / "benchmark.json", benchmark.to_json())
    write_reports(benchmark, out)
    return benchmark


def write_reports(benchmark: Benchmark, folder: Path) -> None:
    """Write the table as Markdown and CSV, and the plot."""
    from alzedge.export.benchmark.plot import accuracy_latency  # imports matplotlib

    write_text(folder / "benchmark.md", markdown_table(benchmark) + "\n")
    write_text(folder / "benchmark.csv", csv_table(benchmark))
    accuracy_latency(benchmark, folder / "accuracy_latency.png")


def _evaluation(
    models: dict[str, Path],
    records: dict[str, Record],
    dataset: DataSet | None,
    test: DataSet | None,
    recipe: Recipe,
    on_phase: OnPhase,
) -> tuple[str, SplitEvaluation]:
    """Name and evaluation of the split that the models are tested on."""
    if test is not None:
        overlap = find_overlap(test, [dataset] if dataset else [])
        split = external_split(test, overlap)
        with on_phase("evaluation") as on_step:
            return split.name, evaluate_external(models, test, split, overlap, on_step).evaluation
    if dataset is None:
        raise UserError("No data to test on; name the data that the models were made from, or other data.")
    split = _common_split(models, records, dataset, recipe)
    with on_phase("evaluation") as on_step:
        return split.name, evaluate_models(models, dataset, split, on_step)


def _common_split(models: dict[str, Path], records: dict[str, Record], dataset: DataSet, recipe: Recipe) -> Split:
    """The split that all the models were made with."""
    made = {name: made_with(records[name], dataset, recipe, path) for name, path in models.items()}
    if len({(own_recipe.fold, split) for own_recipe, split in made.values()}) > 1:
        splits = ", ".join(f"{name}: {split}, fold {own_recipe.fold}" for name, (own_recipe, split) in made.items())
        raise UserError(f"The models were made with different splits ({splits}); compare models of one split.")
    own_recipe, name = next(iter(made.values()))
    return split_dataset(dataset, name, own_recipe.fold)


def _build_reference_models(
    records: dict[str, Record], folder: Path, on_phase: OnPhase
) -> "Mapping[str, ReferenceModel]":
    from alzedge.export.benchmark.reference_models import build_reference_models  # imports TensorFlow

    students = [record for record in records.values() if kind_of(record).role is Role.STUDENT]
    chosen = (students or list(records.values()))[0]
    with on_phase("reference models") as on_step:
        return build_reference_models(Preprocessing.from_dict(chosen["preprocessing"]), folder, on_step)
