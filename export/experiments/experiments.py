"""Many recipes against each other: from a table of experiments to one comparison.

Experiments that share a pre-training share its file, and what is done already is not done again. Every one is
evaluated on the same slices by the same code as everything else here.
"""

import hashlib
import itertools
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from alzedge.data.dataset import DataSet, Split, in_order, split_dataset
from alzedge.errors import UserError
from alzedge.export.experiments.comparison import Comparison, ExperimentResult
from alzedge.export.phases import FILE_NAMES, TEACHER, evaluate_phase, export_phase
from alzedge.metrics.split_evaluation import EvaluationSet, SplitEvaluation, read_split
from alzedge.runs.recipe import Recipe
from alzedge.runs.recipe_file import load_recipe
from alzedge.runs.run_folder import RunFolder, open_run_folder
from alzedge.runs.settings import build
from alzedge.runs.split_run import SplitRun, make_split_run
from alzedge.student.phases import distill_phase, targets_phase
from alzedge.teacher.phases import finetune_phase, pretrain_phase
from alzedge.utils.files import write_json
from alzedge.utils.progress import OnPhase, quiet_phase

MODELS = {"teacher": TEACHER, "student_int8": FILE_NAMES["int8"]}
_KEYS = {"group", "name", "recipe", "model", "vary"}
_PRETRAINING = ("seed", "preprocessing", "augment", "teacher", "pretrain")


@dataclass(frozen=True)
class Experiment:
    """One recipe, and the model of it that is evaluated.

    Attributes:
        group: experiments that are compared with each other.
        name: different from that of every other in the group.
        recipe: whole.
        model: a key of `MODELS`.
    """

    group: str
    name: str
    recipe: Recipe
    model: str


def load_experiments(table: Path | None, seed: int | None, groups: tuple[str, ...] = ()) -> list[Experiment]:
    """Read a table of experiments; see the packaged `experiments.toml` for its form.

    Args:
        table: a TOML file; None for the packaged one.
        seed: replaces the recipes'.
        groups: only these, or all.

    Raises:
        UserError: not such a table, a recipe or setting that does not exist, one name twice, or no such group.
    """
    where = str(table or "experiments.toml")
    try:
        text = table.read_text("utf-8") if table else _packaged()
        entries = tomllib.loads(text)["experiment"]
        experiments = [experiment for entry in entries for experiment in _expand(where, dict(entry), seed)]
    except FileNotFoundError as error:
        raise UserError(f"{where}: no such file; name a TOML file with tables [[experiment]].") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{where}: not a table of experiments ({error}); see the one in alzedge/export.") from error
    names = [(experiment.group, experiment.name) for experiment in experiments]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{where}: {twice[0][1]!r} is in group {twice[0][0]!r} twice; rename one.")
    known = list(dict.fromkeys(group for group, _ in names))
    if missing := [group for group in groups if group not in known]:
        raise UserError(f"{where} has no group {missing[0]!r}; its groups are {', '.join(known)}.")
    return [experiment for experiment in experiments if not groups or experiment.group in groups]


def _packaged() -> str:
    return resources.files("alzedge.export.experiments").joinpath("experiments.toml").read_text("utf-8")


def _expand(where: str, entry: dict[str, Any], seed: int | None) -> Iterator[Experiment]:
    """Every combination that one [[experiment]] stands for."""
    settings = {key: value for key, value in entry.items() if key not in _KEYS}
    if entry["model"] not in MODELS:
        raise UserError(f"{where}: model {entry['model']!r} is not known; name one of {', '.join(MODELS)}.")
    base = load_recipe(entry["recipe"], seed).to_dict()
    for changes in itertools.product(*entry.get("vary", [])):
        labels = [entry["name"]] if "name" in entry else []
        changed = _merged(base, settings)
        for change in changes:
            labels.append(change["label"])
            changed = _merged(changed, {key: value for key, value in change.items() if key != "label"})
        name = ", ".join(labels)
        recipe: Recipe = build(Recipe, changed, f"{where}: {name}", "")
        yield Experiment(entry["group"], name, recipe, entry["model"])


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        merged[key] = _merged(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged


def run_experiments(
    dataset: DataSet,
    experiments: list[Experiment],
    out: Path,
    splits: tuple[str, ...],
    on_phase: OnPhase = quiet_phase,
) -> Comparison:
    """Run each experiment on each split and write `experiments.json`; those finished already in `out` are not run again.

    Args:
        dataset: to learn from and to test on.
        experiments: see `load_experiments`.
        out: output folder, new or of the same experiments.
        splits: names; see `alzedge.data.dataset.split_dataset`.
        on_phase: see `alzedge.export.pipeline.run`.

    Raises:
        UserError: as `alzedge.export.pipeline.run`.
    """
    identity = {"data": dataset.fingerprint[:16], "experiments": True}
    run_folder = open_run_folder(out, identity)
    evaluated_on: dict[str, EvaluationSet] = {}
    results = []
    for experiment in experiments:
        figures = {}
        for name in in_order(splits):
            split = split_dataset(dataset, name, experiment.recipe.fold)
            evaluation = _run(run_folder, dataset, experiment, split, on_phase)
            evaluated_on[name] = evaluation.evaluated_on
            figures[name] = evaluation.models[MODELS[experiment.model]].summary()
        results.append(
            ExperimentResult(experiment.group, experiment.name, experiment.model, experiment.recipe, figures)
        )
    comparison = Comparison(evaluated_on, tuple(results))
    write_json(out / "experiments.json", comparison.to_json())
    return comparison


def _run(
    run_folder: RunFolder, dataset: DataSet, experiment: Experiment, split: Split, on_phase: OnPhase
) -> SplitEvaluation:
    """Run one experiment on one split."""
    title = f"{experiment.group}: {experiment.name} ({split.name})"
    shared = _job(
        run_folder, f"pretrained-{_pretraining_key(experiment.recipe)}-{split.name}", dataset, experiment, split
    )
    pretrained = pretrain_phase(replace(shared, title=title), on_phase=on_phase)
    folder = f"{_slug(experiment.group)}-{_slug(experiment.name)}-{split.name}"
    split_run = replace(_job(run_folder, folder, dataset, experiment, split), title=title)
    teacher = finetune_phase(split_run, pretrained, on_phase=on_phase)
    models = {TEACHER: teacher}
    if experiment.model != "teacher":
        targets = targets_phase(split_run, teacher, pretrained, on_phase)
        student = distill_phase(split_run, targets, teacher, on_phase)
        models[MODELS[experiment.model]] = export_phase(split_run, student, on_phase)["int8"]
    return read_split(evaluate_phase(split_run, models, on_phase))


def _job(run_folder: RunFolder, folder: str, dataset: DataSet, experiment: Experiment, split: Split) -> SplitRun:
    return make_split_run(run_folder, run_folder.path / folder, dataset, experiment.recipe, split)


def _pretraining_key(recipe: Recipe) -> str:
    settings = recipe.to_dict()
    decisive = json.dumps([settings[name] for name in _PRETRAINING], sort_keys=True)
    return hashlib.sha256(decisive.encode()).hexdigest()[:12]


def _slug(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())
