"""The whole path, from a data set to a quantized student with its figures."""

from dataclasses import replace
from pathlib import Path

from alzedge.data.dataset import DataSet, available_splits, in_order, split_dataset
from alzedge.data.split_names import SUBJECT
from alzedge.export.evaluate.crossval_folder import check_finished, fold_folder
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
from alzedge.runs.run_folder import open_run_folder
from alzedge.runs.split_run import SplitRun, make_split_run, run_identity
from alzedge.student.phases import distill_phase, targets_phase
from alzedge.teacher.phases import finetune_phase, pretrain_phase
from alzedge.utils.files import write_text
from alzedge.utils.progress import OnPhase, quiet_phase


def run(
    dataset: DataSet, recipe: Recipe, out: Path, crossval: Path | None = None, on_phase: OnPhase = quiet_phase
) -> Path:
    """Train, distill, export, evaluate, benchmark and report, for each split.

    A phase that is finished in `out` is not repeated; one that was interrupted goes on from its last checkpoint.

    Args:
        dataset: slices to learn from and to test on.
        recipe: settings; its `splits`, or all the data set allows.
        out: output folder, new or of the same run.
        crossval: folder of a finished cross-validation of the recipe: its fold is the run on unseen people, its
            figures are quoted in the files, and what turns slices into one person's measures is fitted to its answers.
        on_phase: called with the title of each phase that is not finished, such as 'subject: export'.

    Returns:
        Path of `benchmark.json`.

    Raises:
        UserError: a split the data set does not allow, a folder of another run, or a cross-validation of something else.
    """
    names = in_order(recipe.splits or available_splits(dataset))
    splits = [split_dataset(dataset, name, recipe.fold) for name in names]
    if crossval:
        check_finished(crossval, dataset, recipe)
    run_folder = open_run_folder(out, run_identity(dataset, recipe))
    write_text(out / "recipe.toml", recipe.to_toml())
    split_runs = [
        open_fold(dataset, recipe, crossval, recipe.fold)
        if crossval and split.name == SUBJECT
        else make_split_run(run_folder, out / split.name, dataset, recipe, split)
        for split in splits
    ]
    metrics = [evaluate_phase(split_run, train_and_export(split_run, on_phase), on_phase) for split_run in split_runs]
    released = release_phase(run_folder, split_runs, metrics, crossval)
    last = split_runs[-1].folder
    models = {TEACHER: last / TEACHER, STUDENT: last / STUDENT}
    models |= {FILE_NAMES[name]: path for name, path in released.items()}
    trained = split_runs[-1].run_folder
    benchmark = benchmark_phase(run_folder, models, out / "metrics.json", recipe, on_phase, trained)
    report_phase(run_folder, benchmark, split_runs, released["int8"], crossval)
    return benchmark


def open_fold(dataset: DataSet, recipe: Recipe, out: Path, fold: int) -> SplitRun:
    """Open one fold's run in the folder `fold<k>` of a cross-validation.

    Raises:
        UserError: people unknown or fewer than folds, or a folder of something else.
    """
    own = replace(recipe, fold=fold)
    folder = fold_folder(out, fold)
    split = split_dataset(dataset, SUBJECT, fold)
    run_folder = open_run_folder(folder, run_identity(dataset, own, SUBJECT) | {"fold": fold})
    return replace(make_split_run(run_folder, folder, dataset, own, split), title=f"fold {fold}")


def train_and_export(split_run: SplitRun, on_phase: OnPhase = quiet_phase) -> dict[str, Path]:
    """Train a teacher, distill and export its student on one split; returns all models by file name."""
    teacher = finetune_phase(split_run, pretrain_phase(split_run, on_phase=on_phase), on_phase=on_phase)
    student = distill_phase(split_run, targets_phase(split_run, teacher, on_phase=on_phase), teacher, on_phase)
    files = export_phase(split_run, student, on_phase)
    return {TEACHER: teacher, STUDENT: student} | {FILE_NAMES[name]: path for name, path in files.items()}
