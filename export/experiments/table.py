"""The table of experiments: from TOML to recipes, and to the cells that a study trains."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from alzedge.data.folds import N_FOLDS
from alzedge.data.split_names import LEAKY, SPLITS, SUBJECT
from alzedge.errors import UserError
from alzedge.runs.recipe import Recipe
from alzedge.runs.recipe_file import load_recipe
from alzedge.runs.settings import build

MODELS = ("teacher", "student", "student_int8")
_TABLES = {"experiment", "groups"}
_KEYS = {"group", "name", "recipe", "model", "vary", "reference"}
_GROUP_KEYS = {"splits", "folds", "seeds"}
_LABEL_KEYS = {"label", "reference"}
_LARGEST_SEED = 2**31 - 1  # as of a recipe


@dataclass(frozen=True)
class Plan:
    """Trainings that each experiment of a group stands for.

    Attributes:
        splits: names; empty: all that the data set allows.
        folds: held-out folds of unseen people.
        seeds: of every experiment.
    """

    splits: tuple[str, ...] = ()
    folds: tuple[int, ...] = (0,)
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Experiment:
    """One recipe, and the model of it that is evaluated.

    Attributes:
        group: experiments that are compared with each other.
        name: different from that of every other in the group.
        recipe: whole.
        model: one of `MODELS`.
        reference: name of the experiment of the group that it is compared with; its own for a reference.
        plan: of its group.
        labels: what the name is joined from.
    """

    group: str
    name: str
    recipe: Recipe
    model: str
    reference: str
    plan: Plan = Plan()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One training: an experiment on one split, with its seed and fold.

    Attributes:
        experiment: what is trained; its recipe has the cell's seed and fold.
        split: name.
    """

    experiment: Experiment
    split: str

    @property
    def seed(self) -> int:
        """Seed of the training."""
        return self.experiment.recipe.seed

    @property
    def fold(self) -> int:
        """Fold that is held out; 0 for splits that have none."""
        return self.experiment.recipe.fold

    @property
    def title(self) -> str:
        """Name in progress lines and messages."""
        fold = f" fold {self.fold}" if self.split == SUBJECT else ""
        return f"{self.experiment.group}: {self.experiment.name} ({self.split}{fold}, seed {self.seed})"

    @property
    def key(self) -> str:
        """Name of its folder."""
        words = (self.experiment.group, self.experiment.name, self.split, f"fold{self.fold}", f"seed{self.seed}")
        return "-".join(map(slug, words))


def load_experiments(table: Path | None, seed: int | None, groups: Sequence[str] = ()) -> list[Experiment]:
    """Read a table of experiments; see the packaged `experiments.toml` for its form.

    Args:
        table: a TOML file; None for the packaged one.
        seed: replaces the seeds of recipes and groups.
        groups: only these, or all.

    Raises:
        UserError: not such a table, a recipe or setting that does not exist, no name or one twice, or no such group.
    """
    where = str(table or "experiments.toml")
    try:
        text = table.read_text("utf-8") if table else _packaged()
        content = tomllib.loads(text)
        if unknown := set(content) - _TABLES:
            raise UserError(f"{where}: {min(unknown)!r} is not known; name {', '.join(sorted(_TABLES))}.")
        plans = {name: _plan(where, name, entry) for name, entry in content.get("groups", {}).items()}
        experiments = [one for entry in content["experiment"] for one in _expand(where, dict(entry), plans, seed)]
    except FileNotFoundError as error:
        raise UserError(f"{where}: no such file; name a TOML file with tables [[experiment]].") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{where}: not a table of experiments ({error}); see the one in alzedge/export.") from error
    _check(where, experiments, plans)
    known = list(dict.fromkeys(experiment.group for experiment in experiments))
    if missing := [group for group in groups if group not in known]:
        raise UserError(f"{where} has no group {missing[0]!r}; its groups are {', '.join(known)}.")
    return [experiment for experiment in experiments if not groups or experiment.group in groups]


def cells_of(experiments: Sequence[Experiment], possible: Sequence[str], asked: Sequence[str] = ()) -> list[Cell]:
    """List the trainings of experiments, what matters most first: one seed and fold of all, further seeds, further folds.

    Args:
        experiments: see `load_experiments`.
        possible: splits that the data set allows.
        asked: only these splits; those of each group where empty.
    """
    ranked = [
        ((experiment.plan.seeds.index(seed) > 0) + 2 * (fold != experiment.plan.folds[0]), cell)
        for experiment in experiments
        for split in _splits(experiment.plan.splits, possible, asked)
        for seed in experiment.plan.seeds
        for fold in (experiment.plan.folds if split == SUBJECT else experiment.plan.folds[:1])
        for cell in [Cell(replace(experiment, recipe=replace(experiment.recipe, seed=seed, fold=fold)), split)]
    ]
    return [cell for _, cell in sorted(ranked, key=lambda pair: pair[0])]


def _splits(planned: Sequence[str], possible: Sequence[str], asked: Sequence[str]) -> Sequence[str]:
    if asked:
        return tuple(dict.fromkeys(asked))
    return [split for split in planned if split in possible] or possible


def slug(name: str) -> str:
    """Letters, digits and hyphens of a name, for folders."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())


def _packaged() -> str:
    return resources.files("alzedge.export.experiments").joinpath("experiments.toml").read_text("utf-8")


def _plan(where: str, name: str, entry: dict[str, Any]) -> Plan:
    if unknown := set(entry) - _GROUP_KEYS:
        raise UserError(
            f"{where}: groups.{name}: {min(unknown)!r} is not known; name {', '.join(sorted(_GROUP_KEYS))}."
        )
    plan = Plan(**{key: tuple(values) for key, values in entry.items()})
    if wrong := [split for split in plan.splits if split not in SPLITS]:
        raise UserError(f"{where}: groups.{name}: {wrong[0]!r} is not a split; name {', '.join(SPLITS)}.")
    for what, values, most in (("folds", plan.folds, N_FOLDS - 1), ("seeds", plan.seeds, _LARGEST_SEED)):
        fits = all(type(one) is int and 0 <= one <= most for one in values)
        if not values or not fits or len(set(values)) < len(values):
            raise UserError(f"{where}: groups.{name}: {what} is a list of different whole numbers from 0 to {most}.")
    return plan


def _expand(where: str, entry: dict[str, Any], plans: dict[str, Plan], seed: int | None) -> Iterator[Experiment]:
    """Every combination that one [[experiment]] stands for."""
    settings = {key: value for key, value in entry.items() if key not in _KEYS}
    if entry["model"] not in MODELS:
        raise UserError(f"{where}: model {entry['model']!r} is not known; name one of {', '.join(MODELS)}.")
    if not isinstance(entry["group"], str) or not slug(entry["group"]):
        raise UserError(f"{where}: {entry['group']!r} is not the name of a group; write one of letters or digits.")
    base = load_recipe(entry["recipe"], seed).to_dict()
    plan = plans.get(entry["group"], Plan(seeds=(base["seed"],)))
    if seed is not None:
        plan = replace(plan, seeds=(seed,))
    vary = entry.get("vary", [])
    chosen = [next((one["label"] for one in options if one.get("reference")), None) for options in vary]
    first = [entry["name"]] if "name" in entry else []
    for changes in itertools.product(*vary):
        labels = [*first, *(change["label"] for change in changes)]
        against = [*first, *(flagged or change["label"] for flagged, change in zip(chosen, changes, strict=True))]
        changed = _merged(base, settings)
        for change in changes:
            changed = _merged(changed, {key: value for key, value in change.items() if key not in _LABEL_KEYS})
        name = ", ".join(labels)
        recipe: Recipe = build(Recipe, changed, f"{where}: {name}", "")
        reference = entry.get("reference", ", ".join(against))
        yield Experiment(entry["group"], name, recipe, entry["model"], reference, plan, tuple(labels))


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        merged[key] = _merged(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged


def _check(where: str, experiments: list[Experiment], plans: Mapping[str, Plan]) -> None:
    if not experiments:
        raise UserError(f"{where} holds no experiment; add a table [[experiment]].")
    groups = {experiment.group for experiment in experiments}
    if unused := [group for group in plans if group not in groups]:
        raise UserError(
            f"{where}: groups.{unused[0]}: no experiment is in this group; name one of {', '.join(sorted(groups))}."
        )
    if unnamed := [experiment for experiment in experiments if not slug(experiment.name)]:
        raise UserError(
            f"{where}: an experiment of group {unnamed[0].group!r} has no name; add one of letters or digits."
        )
    names = [(experiment.group, experiment.name) for experiment in experiments]
    slugs = [(slug(group), slug(name)) for group, name in names]
    if twice := [name for name, short in zip(names, slugs, strict=True) if slugs.count(short) > 1]:
        raise UserError(f"{where}: {twice[0][1]!r} is in group {twice[0][0]!r} twice; rename one.")
    for experiment in experiments:
        if (experiment.group, experiment.reference) not in names:
            raise UserError(
                f"{where}: {experiment.name!r} is compared with {experiment.reference!r}, which group "
                f"{experiment.group!r} has not; name one of its experiments as reference."
            )


def possible_splits(people_known: bool, came_with_split: bool) -> tuple[str, ...]:
    """The splits that a data set allows: unseen people and leaked ones need people."""
    official = ("official",) if came_with_split else ()
    return official + ((LEAKY, SUBJECT) if people_known else ()) or ("random",)
