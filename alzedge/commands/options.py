"""Command-line options that several commands share."""

import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from alzedge.data.dataset import SPLITS, DataSet
from alzedge.errors import UserError
from alzedge.runs.recipe import Recipe

DATA_HELP = "DATA is the Kaggle archive as zip or folder, any folder or zip with one sub-folder per stage, or the word `phantoms`."

recipe_option = click.option(
    "--recipe",
    "recipe_name",
    metavar="NAME|FILE.toml",
    help="Settings: a packaged recipe (cpu, quick, or another of alzedge/runs/recipes) or a TOML file. Default: cpu, for phantoms quick.",
)
seed_option = click.option("--seed", type=int, help="Replaces the recipe's seed; equal seeds give equal files.")


def out_option(default: str) -> Callable[[Any], Any]:
    """`--out DIR`; its default, in which `DATA` stands for the data's name, is filled in by `output_folder`."""
    return click.option(
        "--out", type=click.Path(path_type=Path, file_okay=False), help=f"Output folder.  [default: {default}]"
    )


def output_folder(out: Path | None, default: str, data: str) -> Path:
    """The folder to write to.

    Raises:
        UserError: it lies inside the data set, which would then hold images of ours.
    """
    source = Path(data).resolve()
    name = source.name if source.is_dir() else source.stem
    chosen = out or Path(default.replace("DATA", name or "data"))
    if source.is_dir() and chosen.resolve().is_relative_to(source):
        raise UserError(f"{chosen} lies inside the data set {source}; choose an --out elsewhere.")
    return chosen


def split_option(help_text: str) -> Callable[[Any], Any]:
    """`--split NAME`."""
    return click.option("--split", type=click.Choice(SPLITS), help=help_text)


def command_name() -> str:
    """How the user can call us again: by name where the PATH finds us, else by the path used."""
    called = Path(sys.argv[0])
    if called.name != "alzedge":
        return "python -m alzedge"
    found = shutil.which("alzedge")
    return "alzedge" if found and Path(found).samefile(called) else str(called)


def next_command(*words: object, recipe_name: str | None = None, seed: int | None = None) -> str:
    """A line to type next, quoted for the shell, with this command's recipe and seed handed on."""
    recipe = ["--recipe", recipe_name] if recipe_name else []
    seeded = ["--seed", str(seed)] if seed is not None else []
    return f"{command_name()} {shlex.join([*map(str, words), *recipe, *seeded])}"


@dataclass(frozen=True)
class Source:
    """A data set and the recipe it is used with."""

    dataset: DataSet
    recipe: Recipe


def load_source(data: str, recipe_name: str | None, seed: int | None) -> Source:
    """Read the DATA argument and the recipe options, with a progress bar, and say what was found."""
    from alzedge.commands.progress_bars import show_items
    from alzedge.data.loading import load_dataset
    from alzedge.data.phantom_set import make_phantoms
    from alzedge.runs.recipe import load_recipe

    phantoms = data == "phantoms"
    recipe = load_recipe(recipe_name or ("quick" if phantoms else "cpu"), seed)
    if phantoms:
        dataset = make_phantoms(recipe.phantoms.subjects, recipe.phantoms.slices, recipe.seed)
    else:
        dataset = load_dataset(Path(data), lambda entries: show_items(entries, "reading slices"))
    click.echo(describe(dataset))
    return Source(dataset, recipe)


def describe(dataset: DataSet) -> str:
    """One line on a data set."""
    import numpy as np

    if dataset.subjects_known:
        return f"{dataset.name}: {len(dataset)} slices of {len(np.unique(dataset.subject))} people"
    return (
        f"{dataset.name}: {len(dataset)} slices; people unknown, so nothing can be said about unseen people "
        "(`alzedge subjects` says why, `alzedge subjects --help` what helps)"
    )
