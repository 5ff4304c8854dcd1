"""Many recipes against each other: from a table of experiments to one comparison.

Experiments that share a pre-training share its file, and what is done already is not done again. Every one is
judged on the same slices by the same code as everything else here.
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
from alzedge.export.phases import FILE_NAMES, TEACHER, evaluate_phase, export_phase
from alzedge.metrics.classification import summary
from alzedge.runs.recipe import Recipe, load_recipe
from alzedge.runs.run_folder import Ledger, open_ledger
from alzedge.runs.settings import build
from alzedge.runs.split_run import Job, make_job
from alzedge.student.phases import distill_phase, targets_phase
from alzedge.teacher.phases import finetune_phase, pretrain_phase
from alzedge.utils.files import write_json

MODELS = {"teacher": TEACHER, "student_int8": FILE_NAMES["int8"]}
_KEYS = {"group", "name", "recipe", "model", "vary"}
_PRETRAINING = ("seed", "preprocessing", "augment", "teacher", "pretrain")


@dataclass(frozen=True)
class Experiment:
    """One recipe, and which of its models is judged.

    Attributes:
        group: what it is compared with.
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
        found = [experiment for entry in entries for experiment in _expand(where, dict(entry), seed)]
    except FileNotFoundError as error:
        raise UserError(f"{where}: no such file; name a TOML file with tables [[experiment]].") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{where}: not a table of experiments ({error}); see the one in alzedge/export.") from error
    names = [(experiment.group, experiment.name) for experiment in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{where}: {twice[0][1]!r} is in group {twice[0][0]!r} twice; rename one.")
    known = list(dict.fromkeys(group for group, _ in names))
    if missing := [group for group in groups if group not in known]:
        raise UserError(f"{where} has no group {missing[0]!r}; its groups are {', '.join(known)}.")
    return [experiment for experiment in found if not groups or experiment.group in groups]


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
    dataset: DataSet, experiments: list[Experiment], out: Path, splits: tuple[str, ...]
) -> dict[str, Any]:
    """Run each experiment on each split; those finished already in `out` are not run again.

    Args:
        dataset: what to learn from.
        experiments: see `load_experiments`.
        out: output folder, new or of the same experiments.
        splits: names; see `alzedge.data.dataset.split_dataset`.

    Returns:
        The content of `experiments.json`: `splits`, by name `description`, `slices`, `people`, `unseen_people` and
        `floors`, and `experiments`, a list of `group`, `name`, `model`, `recipe` and `figures`, by split
        the summary of `alzedge.metrics.classification.evaluate`.

    Raises:
        UserError: as `alzedge.export.pipeline.run`.
    """
    identity = {"data": dataset.fingerprint[:16], "experiments": True}
    ledger = open_ledger(out, identity)
    told: dict[str, Any] = {}
    rows = []
    for experiment in experiments:
        figures = {}
        for name in in_order(splits):
            split = split_dataset(dataset, name, experiment.recipe.fold)
            found = json.loads(_run(ledger, dataset, experiment, split).read_text())
            told[name] = {key: found[key] for key in ("description", "slices", "people", "unseen_people", "floors")}
            figures[name] = summary(found["models"][MODELS[experiment.model]])
        entry = {"group": experiment.group, "name": experiment.name, "model": experiment.model}
        rows.append(entry | {"recipe": experiment.recipe.to_dict(), "figures": figures})
    content = {"splits": told, "experiments": rows}
    write_json(out / "experiments.json", content)
    return content


def _run(ledger: Ledger, dataset: DataSet, experiment: Experiment, split: Split) -> Path:
    """One experiment on one split; returns its `metrics.json`."""
    title = f"{experiment.group}: {experiment.name} ({split.name})"
    shared = _job(ledger, f"pretrained-{_pretraining_key(experiment.recipe)}-{split.name}", dataset, experiment, split)
    pretrained = pretrain_phase(replace(shared, title=title))
    folder = f"{_slug(experiment.group)}-{_slug(experiment.name)}-{split.name}"
    job = replace(_job(ledger, folder, dataset, experiment, split), title=title)
    teacher = finetune_phase(job, pretrained)
    models = {TEACHER: teacher}
    if experiment.model != "teacher":
        student = distill_phase(job, targets_phase(job, teacher, pretrained), teacher)
        models[MODELS[experiment.model]] = export_phase(job, student)["int8"]
    return evaluate_phase(job, models)


def _job(ledger: Ledger, folder: str, dataset: DataSet, experiment: Experiment, split: Split) -> Job:
    return make_job(ledger, ledger.folder / folder, dataset, experiment.recipe, split)


def _pretraining_key(recipe: Recipe) -> str:
    settings = recipe.to_dict()
    told = json.dumps([settings[name] for name in _PRETRAINING], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _slug(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())
