"""The whole path, from a data set to a quantized student with its figures."""

from pathlib import Path

from alzedge.data.dataset import DataSet, available_splits, in_order, split_dataset
from alzedge.export.phases import (
    FILE_NAMES,
    STUDENT,
    TEACHER,
    benchmark_phase,
    evaluate_phase,
    export_phase,
    release_phase,
    report_phase,
)
from alzedge.runs.recipe import Recipe
from alzedge.runs.run_folder import open_ledger
from alzedge.runs.split_run import Job, make_job, run_identity
from alzedge.student.phases import distill_phase, targets_phase
from alzedge.teacher.phases import finetune_phase, pretrain_phase


def run(dataset: DataSet, recipe: Recipe, out: Path, crossval: Path | None = None) -> Path:
    """Train, distill, export, evaluate, benchmark and report, for each split.

    What is done already in `out` is not done again; a phase that was interrupted goes on
    from its last checkpoint.

    Args:
        dataset: what to learn from.
        recipe: settings; its `splits`, or all the data set allows.
        out: output folder, new or of the same run.
        crossval: `metrics.json` of a cross-validation of the recipe, to be quoted in the files.

    Returns:
        Path of `benchmark.json`.

    Raises:
        UserError: a split the data set does not allow, or a folder of another run.
    """
    names = in_order(recipe.splits or available_splits(dataset))
    splits = [split_dataset(dataset, name, recipe.fold) for name in names]
    ledger = open_ledger(out, run_identity(dataset, recipe))
    jobs = [make_job(ledger, out / split.name, dataset, recipe, split) for split in splits]
    metrics = [_run_split(job) for job in jobs]
    released = release_phase(ledger, jobs, metrics, crossval)
    last = jobs[-1].folder
    models = {TEACHER: last / TEACHER, STUDENT: last / STUDENT}
    models |= {FILE_NAMES[fmt]: path for fmt, path in released.items()}
    benchmark = benchmark_phase(ledger, models, out / "metrics.json", recipe)
    report_phase(ledger, benchmark, jobs, released["int8"])
    return benchmark


def _run_split(job: Job) -> Path:
    return evaluate_phase(job, train_and_export(job))


def train_and_export(job: Job) -> dict[str, Path]:
    """Teacher, student and its files on one split; returns all models by file name."""
    teacher = finetune_phase(job, pretrain_phase(job))
    student = distill_phase(job, targets_phase(job, teacher), teacher)
    files = export_phase(job, student)
    return {TEACHER: teacher, STUDENT: student} | {FILE_NAMES[fmt]: path for fmt, path in files.items()}
