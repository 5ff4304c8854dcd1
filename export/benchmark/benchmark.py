"""The same accuracy code for every model, and what its answers cost in time and bytes."""

import platform
from pathlib import Path
from typing import Any

from alzedge import __version__
from alzedge.commands.progress_bars import show_steps
from alzedge.data.dataset import DataSet, Split, split_dataset
from alzedge.errors import UserError
from alzedge.export.benchmark.latency import measure_models
from alzedge.export.benchmark.profiler import profile_operators
from alzedge.export.benchmark.speedup import Rival, add_speeds, check_goals
from alzedge.export.benchmark.tables import csv_table, markdown_table
from alzedge.export.evaluate.judge import evaluate_models
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.model_file.read_write import Record, read_record
from alzedge.runs.recipe import Recipe
from alzedge.runs.split_run import made_with
from alzedge.utils.files import check_own_folder, mark_own_folder, write_json, write_text
from alzedge.utils.fresh_process import in_process
from alzedge.utils.progress import OnStep, quiet


def benchmark_models(
    models: dict[str, Path],
    splits: dict[str, Any],
    calls: int,
    on_step: OnStep = quiet,
    rivals: dict[str, Rival] | None = None,
) -> dict[str, Any]:
    """Put size, memory and latency beside the figures; see `alzedge.export.benchmark.latency.measure_models`.

    Args:
        models: files by name, the reference of all ratios first.
        splits: by split the result of `alzedge.export.evaluate.judge.evaluate_models`.
        calls: timed calls per model and number of threads.
        on_step: told about every model and every number of threads.
        rivals: measured with the models; they have no figures.

    Returns:
        The content of `benchmark.json`.
    """
    rivals = rivals or {}
    measured = measure_models(models | {name: rival.path for name, rival in rivals.items()}, calls, on_step)
    add_speeds(measured)
    for name, entry in measured.items():
        goal = rivals[name].times_faster_goal if name in rivals else None
        entry |= {"rival": name in rivals, "times_faster_goal": goal}
    return {
        "alzedge": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "calls": calls,
        "models": measured,
        "goals": check_goals(measured),
        "splits": splits,
    }


def benchmark_files(
    models: list[Path],
    dataset: DataSet,
    recipe: Recipe,
    out: Path,
    *,
    with_rivals: bool = False,
    profiled: bool = False,
) -> dict[str, Any]:
    """Benchmark model files of one split; writes JSON, CSV, Markdown and a plot into `out`.

    Args:
        models: of one split, the reference of all ratios first.
        dataset: what they were made from.
        recipe: `benchmark` is used.
        out: a new folder, or that of an earlier benchmark.
        with_rivals: also measure what a user would pick instead; see `alzedge.export.benchmark.reference_models`. Their
            files are kept in `out / "rivals"`.
        profiled: also time each operator of the `.tflite` students; see `alzedge.export.benchmark.profiler`.

    Returns:
        The content of `benchmark.json`.

    Raises:
        UserError: files of different splits or of other data, two of the same name, or one that the
            runtime cannot run.
    """
    check_own_folder(out, "benchmark")
    named = {path.name: path for path in models}
    if len(named) < len(models):
        raise UserError("Two models have the same file name; rename one, so that the table can tell them apart.")
    records = {name: read_record(path) for name, path in named.items()}
    split = _common_split(named, records, dataset, recipe)
    with show_steps("evaluation") as on_step:
        figures = evaluate_models(named, dataset, split, on_step)
    mark_own_folder(out, "benchmark")
    rivals = _make_rivals(records, out / "rivals") if with_rivals else {}
    students = {name: path for name, path in named.items() if profiled and path.suffix == ".tflite"}
    profiles = {name: in_process(1, profile_operators, path) for name, path in students.items()}
    with show_steps("benchmark") as on_step:
        result = benchmark_models(named, {split.name: figures}, recipe.benchmark.calls, on_step, rivals)
    result["profiles"] = profiles
    write_json(out / "benchmark.json", result)
    write_reports(result, out)
    return result


def write_reports(benchmark: dict[str, Any], folder: Path) -> None:
    """Write the table as Markdown and CSV, and the plot, from the content of `benchmark.json`."""
    from alzedge.export.benchmark.plot import accuracy_latency  # imports matplotlib

    write_text(folder / "benchmark.md", markdown_table(benchmark) + "\n")
    write_text(folder / "benchmark.csv", csv_table(benchmark))
    accuracy_latency(benchmark, folder / "accuracy_latency.png")


def _common_split(models: dict[str, Path], records: dict[str, Record], dataset: DataSet, recipe: Recipe) -> Split:
    """The split that all the models were made with."""
    made = {name: made_with(records[name], dataset, recipe, path) for name, path in models.items()}
    if len({(found.fold, split) for found, split in made.values()}) > 1:
        splits = ", ".join(f"{name}: {split}, fold {found.fold}" for name, (found, split) in made.items())
        raise UserError(f"The models were made with different splits ({splits}); compare models of one split.")
    found, name = next(iter(made.values()))
    return split_dataset(dataset, name, found.fold)


def _make_rivals(records: dict[str, Record], folder: Path) -> dict[str, Rival]:
    from alzedge.export.benchmark.reference_models import rival_files  # imports TensorFlow

    students = [record for record in records.values() if record["kind"].startswith("student")]
    chosen = (students or list(records.values()))[0]
    with show_steps("rivals") as on_step:
        return rival_files(Preprocessing.from_dict(chosen["preprocessing"]), folder, on_step)
