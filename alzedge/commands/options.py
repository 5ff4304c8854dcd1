"""Command-line options that several commands share."""

import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alzedge.data.split_names import SPLITS
from alzedge.errors import UserError
from alzedge.utils.archives import check_source

if TYPE_CHECKING:  # a command refuses its arguments before NumPy is imported
    from alzedge.data.dataset import DataSet
    from alzedge.runs.recipe import Recipe

PHANTOMS = "phantoms"
DATA_HELP = "DATA is the Kaggle archive as zip or folder, any folder or zip with one sub-folder per stage, or the word `phantoms`."

_WITH_RECIPE = ("distill", "export", "evaluate")  # commands that another one names as the next
_SETTINGS = "alzedge.settings"  # of --set, kept with the command's context


def recipe_option(command: Any) -> Any:
    """`--recipe NAME|FILE.toml`, and `--set`, which `load_source` and `next_command` read from the context."""

    def keep(ctx: click.Context, param: click.Parameter, settings: tuple[str, ...]) -> None:
        ctx.meta[_SETTINGS] = settings

    command = click.option(
        "--set",
        metavar="SECTION.NAME=VALUE",
        multiple=True,
        expose_value=False,
        callback=keep,
        help="Replaces one setting of the recipe, such as distill.epochs=3; may be repeated.",
    )(command)
    return click.option(
        "--recipe",
        "recipe_name",
        metavar="NAME|FILE.toml",
        help="Settings: a packaged recipe (cpu, quick, or another of alzedge/runs/recipes) or a TOML file. Default: cpu, for phantoms quick.",
    )(command)


def _settings() -> tuple[str, ...]:
    """Settings that `--set` gave the running command; none outside of one."""
    context = click.get_current_context(silent=True)
    return () if context is None else tuple(context.meta.get(_SETTINGS, ()))


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


def check_model(model: Path | None) -> None:
    """Refuse a `--model` that is neither a file nor the name of a repository; None is the bundled model.

    Raises:
        UserError: no such file, or not an ordinary one.
    """
    from alzedge.inference.hub import is_repository
    from alzedge.model_file.record import check_model_file

    if model is not None and not is_repository(model):
        check_model_file(model)


def split_option(help_text: str) -> Callable[[Any], Any]:
    """`--split NAME`."""
    return click.option("--split", type=click.Choice(SPLITS), help=help_text)


def command_name() -> str:
    """Command to call again: by name where the PATH finds it, else by the path used."""
    called = Path(sys.argv[0])
    if called.name != "alzedge":
        return "python -m alzedge"
    on_path = shutil.which("alzedge")
    return "alzedge" if on_path and Path(on_path).samefile(called) else str(called)


def next_command(*words: object, recipe_name: str | None = None, seed: int | None = None) -> str:
    """A line to type next, quoted for the shell, with this command's recipe, its --set and seed handed on."""
    recipe = ["--recipe", recipe_name] if recipe_name else []
    if words[0] in _WITH_RECIPE:
        recipe += [word for setting in _settings() for word in ("--set", setting)]
    seeded = ["--seed", str(seed)] if seed is not None else []
    return f"{command_name()} {shlex.join([*map(str, words), *recipe, *seeded])}"


@dataclass(frozen=True)
class Source:
    """A data set and the recipe it is used with."""

    dataset: "DataSet"
    recipe: "Recipe"


def check_data(data: str) -> None:
    """Refuse a DATA argument where nothing is.

    Raises:
        UserError: nothing is there.
    """
    if data != PHANTOMS:
        check_source(Path(data))


def load_source(data: str, recipe_name: str | None, seed: int | None, every_stage: bool = True) -> Source:
    """Read the DATA argument and the recipe options, with a progress bar, and print a line on the data.

    Args:
        data, recipe_name, seed: as given.
        every_stage: refuse data without images of one of the stages, which nothing can be trained on.

    Commands call it after all checks of their own and before they import what is heavy: data or a recipe that is
    refused should not take as long as TensorFlow.

    Raises:
        UserError: no such data or recipe, or they cannot be read.
    """
    check_data(data)
    phantoms = data == PHANTOMS
    from alzedge.data.phantom_set import make_phantoms
    from alzedge.runs.recipe_file import load_recipe

    recipe = load_recipe(recipe_name or ("quick" if phantoms else "cpu"), seed, _settings())
    if phantoms:
        dataset = make_phantoms(recipe.phantoms.subjects, recipe.phantoms.slices, recipe.seed)
    else:
        dataset = read_data(data, every_stage)
    click.echo(describe(dataset))
    return Source(dataset, recipe)


def fit_to_data(source: Source) -> Source:
    """Lower batch sizes of the recipe that the data are too few for, and print a line on it."""
    from alzedge.runs.batch_sizes import fit_batch_sizes, smallest_training_side

    recipe, sentence = fit_batch_sizes(source.recipe, smallest_training_side(source.dataset))
    if sentence:
        click.echo(sentence)
    return Source(source.dataset, recipe)


def read_data(source: str | Path, every_stage: bool = False) -> "DataSet":
    """Read a data set with a progress bar; see `alzedge.data.loading.load_dataset`."""
    from alzedge.commands.progress_bars import show_items
    from alzedge.data.loading import load_dataset

    return load_dataset(Path(source), lambda entries: show_items(entries, "reading slices"), every_stage)


def describe(dataset: "DataSet") -> str:
    """One line on a data set."""
    import numpy as np

    if dataset.subjects_known:
        return f"{dataset.name}: {len(dataset)} slices of {len(np.unique(dataset.subject))} people"
    return (
        f"{dataset.name}: {len(dataset)} slices; people unknown, so nothing can be said about unseen people "
        "(`alzedge subjects` says why, `alzedge subjects --help` what helps)"
    )
