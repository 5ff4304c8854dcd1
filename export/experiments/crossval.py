"""Cross-validation of a whole recipe over people, pre-training included.

Each of the five folds of `alzedge.data.folds` is held out once: teacher and student are trained from nothing on
the other people, so that no image of a test person was ever seen, not even unlabelled. What the five
models answer about their own held-out people is pooled, and judged as one.
"""

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.folds import N_FOLDS
from alzedge.data.predictions import Predictions
from alzedge.errors import UserError
from alzedge.export.evaluate.evaluate_files import evaluate_files
from alzedge.export.evaluate.scoring import load_scorer
from alzedge.export.evaluate.sources import CROSSVAL
from alzedge.export.phases import CROSSVAL_FILES, FILE_NAMES, STUDENT, TEACHER
from alzedge.export.pipeline import train_and_export
from alzedge.runs.recipe import Recipe
from alzedge.runs.run_folder import open_ledger
from alzedge.runs.split_run import Job, make_job, run_identity
from alzedge.utils.files import write_json
from alzedge.utils.fresh_process import in_process

# By name of the file of pooled answers the model that gave them.
MODELS = {
    CROSSVAL_FILES["teacher"]: TEACHER,
    CROSSVAL_FILES["float32"]: STUDENT,
    CROSSVAL_FILES["int8"]: FILE_NAMES["int8"],
}
EVALUATION = "evaluation"
_SPLIT = "subject"
_ABOUT = "crossval.json"
# Sections of a recipe that decide what the models of a run answer.
_DECISIVE = ("seed", "preprocessing", "augment", "teacher", "pretrain", "finetune", "student", "distill", "export")


def cross_validate(dataset: DataSet, recipe: Recipe, out: Path, jobs: int = 1) -> dict[str, Any]:
    """Train, distill, export and answer for each fold, then pool and judge.

    Finished folds and phases are not done again. Each fold has a process and one thread of its own,
    so that the figures do not depend on how many run at once.

    Args:
        dataset: whose people are known.
        recipe: its `fold` and `splits` are not used.
        out: a new folder or that of the same cross-validation. Fold k's run is in `fold<k>`, the pooled
            answers are in `teacher.csv`, `student.csv` and `student_int8.csv`, the figures in `evaluation`.
        jobs: folds at once.

    Returns:
        What `alzedge.export.evaluate.evaluate_files.evaluate_files` finds for the pooled answers.

    Raises:
        UserError: people unknown or fewer than folds, or a folder of something else.
    """
    split_dataset(dataset, _SPLIT)  # refuses before any work
    open_ledger(out, run_identity(dataset, recipe, CROSSVAL))
    with ThreadPoolExecutor(jobs) as pool:
        folds = [pool.submit(in_process, 1, run_fold, dataset, recipe, out, fold) for fold in range(N_FOLDS)]
        try:
            for done in as_completed(folds):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    pooled = [pool_folds(out, name) for name in MODELS]
    write_json(out / _ABOUT, _about(dataset, recipe))
    figures: dict[str, Any] = evaluate_files(pooled, dataset, recipe, out / EVALUATION, (CROSSVAL,), pooled[0])
    return figures


def crossval_metrics(folder: Path, dataset: DataSet, recipe: Recipe) -> Path:
    """The `metrics.json` of a cross-validation of this very recipe on this very data.

    Raises:
        UserError: there is none in the folder, or it is of another recipe or other data.
    """
    try:
        about = json.loads((folder / _ABOUT).read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder} holds no finished cross-validation; name the --out of `alzedge crossval`."
        ) from error
    differs = [name for name, value in _about(dataset, recipe).items() if about.get(name) != value]
    if differs:
        raise UserError(f"{folder} cross-validated something else ({', '.join(differs)}); repeat `alzedge crossval`.")
    return folder / EVALUATION / "metrics.json"


def _about(dataset: DataSet, recipe: Recipe) -> dict[str, Any]:
    settings = recipe.to_dict()
    return {"data": dataset.fingerprint} | {name: settings[name] for name in _DECISIVE}


def run_fold(dataset: DataSet, recipe: Recipe, out: Path, fold: int) -> None:
    """One fold's models and their answers about its people, in the folder `fold<k>`."""
    sys.stdout = _Lines(sys.stdout.buffer, sys.stdout.encoding, line_buffering=True)
    own = replace(recipe, fold=fold)
    folder = fold_folder(out, fold)
    split = split_dataset(dataset, _SPLIT, fold)
    ledger = open_ledger(folder, run_identity(dataset, own, _SPLIT) | {"fold": fold})
    job = replace(make_job(ledger, folder, dataset, own, split), title=f"fold {fold}")
    files = train_and_export(job)
    _answer(job, {name: files[file] for name, file in MODELS.items()})


def fold_folder(out: Path, fold: int) -> Path:
    """Where a fold's run is."""
    return out / f"fold{fold}"


def pool_folds(out: Path, name: str) -> Path:
    """Put the folds' answers of one of `MODELS` into one file, in the order of paths; returns it."""
    parts = [Predictions.load(_answers_file(fold_folder(out, fold), name)) for fold in range(N_FOLDS)]
    order = np.argsort(np.concatenate([part.paths for part in parts]), kind="stable")
    columns = ("paths", "subject", "labels", "fold", "probabilities")
    joined = {column: np.concatenate([getattr(part, column) for part in parts])[order] for column in columns}
    output = out / name
    Predictions(**joined).save(output)
    return output


def _answer(job: Job, models: dict[str, Path]) -> None:
    outputs = {name: _answers_file(job.folder, name) for name in models}
    test = job.dataset.take(job.split.test)

    def action(stem: Path) -> None:
        for name, path in models.items():
            probabilities = load_scorer(path)(test.images).astype(np.float64)
            fold = np.full(len(test), job.split.fold)
            Predictions(test.paths, test.subject, test.labels, fold, probabilities).save(outputs[name])

    job.perform("answers", [], list(models.values()), list(outputs.values()), action)


def _answers_file(folder: Path, name: str) -> Path:
    return folder / f"answers_{name}"


class _Lines(io.TextIOWrapper):
    """The terminal, for one of several processes: whole lines instead of bars that overwrite each other."""

    def isatty(self) -> bool:
        return False
