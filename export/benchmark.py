"""The same accuracy code for every model, and what its answers cost in time and bytes."""

import platform
from pathlib import Path
from typing import Any

from alzedge import __version__
from alzedge.dataset import DataSet, Split, split_dataset
from alzedge.errors import UserError
from alzedge.export.latency import measure_latency
from alzedge.export.scoring import load_scorer
from alzedge.files import write_json, write_text
from alzedge.floors import floor_accuracies
from alzedge.job import made_with
from alzedge.metrics import evaluate
from alzedge.modelfile import read_record
from alzedge.progress import OnStep, Step, quiet, show_steps
from alzedge.recipe import Recipe
from alzedge.stages import STAGES

# Marks a folder as a benchmark's own; a run's folder has a benchmark.json too, and must not be written to.
_OWN = ".alzedge-benchmark"


def evaluate_models(models: dict[str, Path], dataset: DataSet, split: Split, on_step: OnStep = quiet) -> dict[str, Any]:
    """Figures of each model on the test side of a split.

    Args:
        models: `.keras` and `.tflite` files by name.
        dataset, split: what to test on.
        on_step: told about every model.

    Returns:
        `labels`, `description`, `unseen_people`, `floors` (see
        `alzedge.floors.floor_accuracies`) and `models`, by name the result of `alzedge.metrics.evaluate`.
    """
    test = dataset.take(split.test)
    subject = test.subject if dataset.subjects_known else None
    figures = {}
    for done, (name, path) in enumerate(models.items(), start=1):
        figures[name] = evaluate(load_scorer(path)(test.images), test.labels, subject)
        on_step(Step(done, len(models), done, len(models)))
    return {
        "labels": list(STAGES),
        "description": split.description,
        "unseen_people": split.unseen_people,
        "floors": floor_accuracies(dataset, split),
        "models": figures,
    }


def benchmark_models(
    models: dict[str, Path], splits: dict[str, Any], calls: int, on_step: OnStep = quiet
) -> dict[str, Any]:
    """Put size and latency beside the figures; see `alzedge.export.latency.measure_latency`.

    Args:
        models: files by name, the reference of all ratios first.
        splits: by split the result of `evaluate_models`.
        calls: timed calls per model.
        on_step: told about every number of threads.

    Returns:
        The content of `benchmark.json`.
    """
    latency = measure_latency(models, calls, on_step)
    return {
        "alzedge": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "calls": calls,
        "models": {
            name: {"file": path.name, "bytes": path.stat().st_size, "latency_ms": latency[name]}
            for name, path in models.items()
        },
        "splits": splits,
    }


def benchmark_files(models: list[Path], dataset: DataSet, recipe: Recipe, out: Path) -> dict[str, Any]:
    """Benchmark model files of one split; writes JSON, Markdown and a plot into `out`.

    Returns:
        The content of `benchmark.json`.

    Raises:
        UserError: files of different splits or of other data, or two of the same name.
    """
    from alzedge.export.plots import accuracy_latency
    from alzedge.export.table import markdown_table

    if out.exists() and any(out.iterdir()) and not (out / _OWN).exists():
        raise UserError(f"{out} is not empty and holds no earlier benchmark; choose another --out.")
    named = {path.name: path for path in models}
    if len(named) < len(models):
        raise UserError("Two models have the same file name; rename one, so that the table can tell them apart.")
    made = {name: made_with(read_record(path), dataset, recipe, path) for name, path in named.items()}
    if len({(found.fold, split) for found, split in made.values()}) > 1:
        splits = ", ".join(f"{name}: {split}, fold {found.fold}" for name, (found, split) in made.items())
        raise UserError(f"The models were made with different splits ({splits}); compare models of one split.")
    found, name = next(iter(made.values()))
    split = split_dataset(dataset, name, found.fold)
    with show_steps("evaluation") as on_step:
        figures = evaluate_models(named, dataset, split, on_step)
    with show_steps("benchmark") as on_step:
        result = benchmark_models(named, {name: figures}, recipe.benchmark.calls, on_step)
    write_text(out / _OWN, "The files beside this one are made by `alzedge benchmark`, which replaces them.\n")
    write_json(out / "benchmark.json", result)
    write_text(out / "benchmark.md", markdown_table(result) + "\n")
    accuracy_latency(result, out / "accuracy_latency.png")
    return result
