"""One cell of a study: its training, and its answers for the test side, in a folder of its own.

Cells that share a pre-training or a teacher share its folder. What is finished in a folder is not done again.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.predictions import Predictions
from alzedge.errors import DivergedError, UserError
from alzedge.export.experiments.stored import (
    DIVERGED,
    DONE,
    MEMORY,
    REFUSED,
    CellResult,
    answers_file,
    memory_cure,
    result_file,
)
from alzedge.export.experiments.table import Cell
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.runs.run_folder import open_run_folder
from alzedge.runs.split_run import SplitRun, make_split_run
from alzedge.student.phases import distill_phase, targets_phase
from alzedge.teacher.phases import Resources, finetune_phase, pretrain_phase
from alzedge.utils.files import replacing, write_json
from alzedge.utils.progress import OnPhase, quiet_phase

# What a pre-training, and a teacher, depends on.
_PRETRAINED = ("seed", "preprocessing", "augment", "teacher", "pretrain")
_TEACHER = (*_PRETRAINED, "finetune", "measures")
_BATCH = 256
_PLAIN = Resources()
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "ResourceExhausted", "out of memory", "OOM")


class BusyError(Exception):
    """Another process makes what is needed; it can be had later."""


@dataclass(frozen=True, eq=False)
class StoredInputs(SplitRun):
    """A run whose preprocessed slices are computed once for all cells of a folder."""

    def inputs(self) -> NDArray[np.float32]:
        """All slices of the data set, float32 (N, rows, columns, 1)."""
        return stored_inputs(self.run_folder.path.parent.parent, self.dataset, self.recipe.preprocessing)

    def training_inputs(self) -> NDArray[np.float32]:
        """As of `SplitRun`."""
        return self.inputs()[self.split.train]


def stored_inputs(out: Path, dataset: DataSet, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Preprocess all slices of a data set, or read what was stored of them in `out`: float32 (N, rows, columns, 1)."""
    name = hashlib.sha256(f"{dataset.fingerprint}{preprocessing.to_dict()}".encode()).hexdigest()[:16]
    path = out / "inputs" / f"{name}.npy"
    if not path.exists():
        with replacing(path) as temporary:
            np.save(temporary, preprocessing(dataset.images))
    stored: NDArray[np.float32] = np.load(path, mmap_mode="r")
    return stored


def run_cell(
    out: Path, cell: Cell, dataset: DataSet, resources: Resources = _PLAIN, on_phase: OnPhase = quiet_phase
) -> CellResult:
    """Train one cell, and write its answers and its result.

    A training that diverges, does not fit in memory, or that the data do not allow is a result, too. Anything else
    that goes wrong is raised.

    Raises:
        BusyError: another process is making what this cell shares with others.
    """
    start = time.perf_counter()
    status, message = DONE, ""
    losses: list[float] = []
    with _failures(f"Memory is too small for this network and batch; {memory_cure(out, cell)}") as failure:
        losses = _train(out, cell, dataset, resources, on_phase)
    if failure:
        status, message = failure[0]
    seconds = round(time.perf_counter() - start, 1)
    result = CellResult(status, message, seconds, tuple(losses), cell.experiment.recipe.to_dict(), dataset.fingerprint)
    write_json(result_file(out, cell), result.to_json())
    return result


@contextmanager
def _failures(too_large: str) -> Iterator[list[tuple[str, str]]]:
    """Status and sentence of what went wrong, where that is a result; `too_large` is that on memory."""
    failure: list[tuple[str, str]] = []
    try:
        yield failure
    except DivergedError as error:
        failure.append((DIVERGED, str(error)))
    except UserError as error:
        failure.append((REFUSED, str(error)))
    except MemoryError:
        failure.append((MEMORY, too_large))
    except Exception as error:
        if not any(word in f"{type(error).__name__} {error}" for word in _OUT_OF_MEMORY):
            raise
        failure.append((MEMORY, too_large))


def _train(out: Path, cell: Cell, dataset: DataSet, resources: Resources, on_phase: OnPhase) -> list[float]:
    experiment, recipe = cell.experiment, cell.experiment.recipe
    split = split_dataset(dataset, cell.split, recipe.fold)

    def run_in(folder: Path) -> StoredInputs:
        run_folder = open_run_folder(folder, {"data": dataset.fingerprint[:16], "experiments": True})
        made = make_split_run(run_folder, folder, dataset, recipe, split)
        return StoredInputs(run_folder, folder, dataset, split, recipe, replace(made, title=cell.title).title)

    pretrained = _shared(
        _folder(out, cell, dataset, "pretrained", _PRETRAINED),
        lambda folder: pretrain_phase(run_in(folder), resources, on_phase),
    )
    model = teacher = _shared(
        _folder(out, cell, dataset, "teacher", _TEACHER),
        lambda folder: finetune_phase(run_in(folder), pretrained, resources, on_phase),
    )
    own = run_in(out / "cells" / cell.key)
    curve = teacher.with_name("teacher.loss.json")
    if experiment.model != "teacher":
        targets = targets_phase(own, teacher, pretrained, on_phase)
        model = distill_phase(own, targets, teacher, on_phase, resources)
        curve = own.folder / "student.loss.json"
    if experiment.model == "student_int8":
        from alzedge.export.phases import export_phase

        model = export_phase(own, model, on_phase)["int8"]
    _answer(own, model).save(answers_file(out, cell))
    losses: list[float] = json.loads(curve.read_text())
    return losses


def _answer(own: StoredInputs, model: Path) -> Predictions:
    test = own.split.test
    if model.suffix == ".keras":
        answers = _probabilities(model, own.inputs()[test])
    else:
        from alzedge.export.evaluate.scoring import load_scorer

        answers = load_scorer(model)(own.dataset.images[test]).astype(np.float64)
    if not np.isfinite(answers).all():
        raise DivergedError("The trained model answers NaN; lower learning_rate in the recipe.")
    return Predictions.of(own.dataset.take(test), own.recipe.fold, answers)


def _probabilities(path: Path, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Answers in batches of one size, for which a compiling backend compiles once."""
    from alzedge.teacher.keras_file import load_model

    model, _ = load_model(path)
    parts = []
    for start in range(0, len(inputs), _BATCH):
        batch = inputs[start : start + _BATCH]
        filled = np.concatenate([batch, np.zeros((_BATCH - len(batch), *batch.shape[1:]), np.float32)])
        outputs = model.predict_on_batch(filled)
        logits = outputs[0] if isinstance(outputs, list | tuple) else outputs
        parts.append(np.asarray(logits, np.float64)[: len(batch)])
    logits = np.concatenate(parts)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
    return probabilities


def _shared(folder: Path, make: Callable[[Path], Path]) -> Path:
    """Path of a model that cells share, made where it is missing; its folder is named like it."""
    path = folder / f"{folder.name.partition('-')[0]}.keras"
    if path.exists():
        return path
    lock = FileLock(folder.with_suffix(".lock"), blocking=False)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with lock:
            return path if path.exists() else make(folder)
    except Timeout as error:
        raise BusyError from error


def _folder(out: Path, cell: Cell, dataset: DataSet, what: str, sections: tuple[str, ...]) -> Path:
    settings = cell.experiment.recipe.to_dict()
    decisive = json.dumps([dataset.fingerprint, *(settings[name] for name in sections)], sort_keys=True)
    key = hashlib.sha256(decisive.encode()).hexdigest()[:12]
    return out / "shared" / f"{what}-{key}-{cell.split}-fold{cell.fold}"
