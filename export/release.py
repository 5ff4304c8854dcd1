"""The last phase before measuring: the files of the run, with what may be said of them."""

from pathlib import Path
from typing import Any

from alzedge.export.calibration.pooled import read_answers
from alzedge.export.calibration.record_entries import person_entries
from alzedge.export.evaluate.crossval_folder import INT8_ANSWERS, metrics_file
from alzedge.export.evaluate.sources import CROSSVAL
from alzedge.export.phases import CROSSVAL_FILES, FILE_NAMES
from alzedge.metrics.split_evaluation import Quote, SplitEvaluation, quote, read_metrics, read_split
from alzedge.model_file.read_write import read_tflite, write_tflite
from alzedge.runs.run_folder import RunFolder
from alzedge.runs.split_run import SplitRun
from alzedge.utils.files import write_json


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
