"""Cross-validation of a whole recipe over people, pre-training included.

Each of the five folds of `alzedge.data.folds` is held out once: teacher and student are trained from nothing on
the other people, so that no image of a test person was ever seen, not even unlabelled. What the five
models answer about their own held-out people is pooled, and evaluated as one.
"""

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.folds import N_FOLDS
from alzedge.data.predictions import Predictions
from alzedge.data.split_names import SUBJECT
from alzedge.export.evaluate.crossval_folder import EVALUATION, UNTOLD_ANSWERS, fold_folder, sign
from alzedge.export.evaluate.evaluate_files import evaluate_files
from alzedge.export.evaluate.scoring import load_asker
from alzedge.export.evaluate.sources import CROSSVAL
from alzedge.export.phases import CROSSVAL_FILES, FILE_NAMES, STUDENT, TEACHER
from alzedge.export.pipeline import open_fold, train_and_export
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.runs.recipe import Recipe
from alzedge.runs.run_folder import open_run_folder
from alzedge.runs.split_run import SplitRun, run_identity
from alzedge.utils.fresh_process import in_process
from alzedge.utils.progress import OnPhase, quiet_phase

# By name of the file of pooled answers the model that gave them.
MODELS = {
    CROSSVAL_FILES["teacher"]: TEACHER,
    CROSSVAL_FILES["float32"]: STUDENT,
    CROSSVAL_FILES["int8"]: FILE_NAMES["int8"],
}
# Beside them of a recipe with demographics: the same file, told nothing.
_UNTOLD = {UNTOLD_ANSWERS: FILE_NAMES["int8"]}


def cross_validate(
    dataset: DataSet, recipe: Recipe, out: Path, jobs: int = 1, on_phase: OnPhase = quiet_phase
) -> SplitEvaluation:
    """Train, distill, export and answer for each fold, then pool and evaluate.

    Finished folds and phases are not done again. Each fold has a process and one thread of its own,
    so that the figures do not depend on how many run at once.

    Args:
        dataset: whose people are known.
        recipe: its `fold` and `splits` are not used.
        out: a new folder or that of the same cross-validation. Fold k's run is in `fold<k>`, the pooled
            answers are in `teacher.csv`, `student.csv` and `student_int8.csv`, with demographics also in
            `student_int8_untold.csv`, the figures in `evaluation`.
        jobs: folds at once.
        on_phase: a module's function, as it is called in the folds' processes; see `alzedge.export.pipeline.run`.

    Returns:
        The evaluation of the pooled answers.

    Raises:
        UserError: people unknown or fewer than folds, or a folder of something else.
    """
    split_dataset(dataset, SUBJECT)  # refuses before any work
    open_run_folder(out, run_identity(dataset, recipe, CROSSVAL))
    unwanted = Event()
    with ThreadPoolExecutor(jobs) as pool:
        folds = [
            pool.submit(in_process, 1, run_fold, dataset, recipe, out, fold, on_phase, unwanted=unwanted)
            for fold in range(N_FOLDS)
        ]
        try:
            for done in as_completed(folds):
                done.result()
        except BaseException:
            unwanted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    pooled = [pool_folds(out, name) for name in _models(recipe)]
    sign(out, dataset, recipe)
    return evaluate_files(pooled, dataset, recipe, out / EVALUATION, (CROSSVAL,), pooled[0], on_phase)[CROSSVAL]


def run_fold(dataset: DataSet, recipe: Recipe, out: Path, fold: int, on_phase: OnPhase = quiet_phase) -> None:
    """Make one fold's models and their answers about its people, in the folder `fold<k>`."""
    split_run = open_fold(dataset, recipe, out, fold)
    files = train_and_export(split_run, on_phase)
    _answer(split_run, {name: files[file] for name, file in _models(recipe).items()})


def pool_folds(out: Path, name: str) -> Path:
    """Put the folds' answers of one model, by the name of its file, into one file, in the order of paths; returns it."""
    output = out / name
    Predictions.pool([Predictions.load(_answers_file(fold_folder(out, fold), name)) for fold in range(N_FOLDS)]).save(
        output
    )
    return output


def _models(recipe: Recipe) -> dict[str, str]:
    return MODELS | (_UNTOLD if recipe.demographics.learn else {})


def _answer(split_run: SplitRun, models: dict[str, Path]) -> None:
    outputs = {name: _answers_file(split_run.folder, name) for name in models}
    test = split_run.dataset.take(split_run.split.test)
    every = np.arange(len(test))

    def action(stem: Path) -> None:
        for name, path in models.items():
            asked = _untold(test) if name in _UNTOLD else test
            found = load_asker(path)(asked, every).readings
            measured = (found.probabilities, found.brain_volume, found.age)
            Predictions.of(test, split_run.recipe.fold, *measured).save(outputs[name])

    split_run.perform("answers", [], list(models.values()), list(outputs.values()), action)


def _untold(dataset: DataSet) -> DataSet:
    """The same slices of people of whom neither age nor sex is known."""
    return replace(dataset, age=np.full(len(dataset), np.nan), sex=np.full(len(dataset), ""))


def _answers_file(folder: Path, name: str) -> Path:
    return folder / f"answers_{name}"
