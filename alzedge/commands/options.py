"""Command-line options that several commands share."""

import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
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
DATA_HELP = (
    "DATA is the Kaggle archive as zip or folder, any folder or zip with one sub-folder per stage, a folder of OASIS-1's scans "
    "from `alzedge prepare`, or the word `phantoms`. Several are joined, people of the same name being the same."
)

_WITH_RECIPE = ("distill", "export", "evaluate")  # commands that another one names as the next
_WITH_DATA = (*_WITH_RECIPE, "run")
_SETTINGS = "alzedge.settings"  # of --set, kept with the command's context
_PEOPLE = "alzedge.people"  # of --people


def people_option(command: Any) -> Any:
    """`--people CSV`, which `check_data`, `load_source` and `next_command` read from the context."""

    def keep(ctx: click.Context, param: click.Parameter, people: Path | None) -> None:
        ctx.meta[_PEOPLE] = people

    return click.option(
        "--people",
        metavar="CSV",
        type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False,
        callback=keep,
        help="OASIS-1's table: names the people of the Kaggle archive and of OASIS-1's scans, with their age and sex.",
    )(command)


def data_argument(command: Any) -> Any:
    """`DATA...`, a tuple that holds `phantoms` where nothing is named, and `--people`."""

    def default(ctx: click.Context, param: click.Parameter, data: tuple[str, ...]) -> tuple[str, ...]:
        return data or (PHANTOMS,)

    return people_option(click.argument("data", nargs=-1, callback=default)(command))


def people_table() -> Path | None:
    """Table that `--people` gave the running command; None outside of one."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(_PEOPLE)


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


def output_folder(out: Path | None, default: str, data: Sequence[str]) -> Path:
    """The folder to write to.

    Raises:
        UserError: it lies inside a data set, which would then hold images of ours.
    """
    sources = [Path(one).resolve() for one in data]
    name = "+".join((source.name if source.is_dir() else source.stem) or "data" for source in sources)
    chosen = out or Path(default.replace("DATA", name))
    for source in sources:
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
    """A line to type next, quoted for the shell, with this command's --people, recipe, its --set and seed handed on."""
    recipe = ["--recipe", recipe_name] if recipe_name else []
    if words[0] in _WITH_RECIPE:
        recipe += [word for setting in _settings() for word in ("--set", setting)]
    if words[0] in _WITH_DATA and (people := people_table()) is not None:
        recipe += ["--people", str(people)]
    seeded = ["--seed", str(seed)] if seed is not None else []
    return f"{command_name()} {shlex.join([*map(str, words), *recipe, *seeded])}"


@dataclass(frozen=True)
class Source:
    """A data set and the recipe it is used with."""

    dataset: "DataSet"
    recipe: "Recipe"


def check_data(data: Sequence[str]) -> None:
    """Refuse DATA arguments, and a `--people`, where nothing is.

    Raises:
        UserError: nothing is there, or phantoms are to be joined or identified.
    """
    people = people_table()
    for one in data:
        if one != PHANTOMS:
            check_source(Path(one))
        elif len(data) > 1 or people is not None:
            raise UserError(
                "phantoms are nobody: they go with no other data set and with no --people; leave either out."
            )
    if people is not None:
        check_source(people)


def load_source(data: Sequence[str], recipe_name: str | None, seed: int | None) -> Source:
    """Read the DATA arguments and the recipe options, with a progress bar, and print a line on the data.

    Commands call it after all checks of their own and before they import what is heavy: data or a recipe that is
    refused should not take as long as TensorFlow.

    Raises:
        UserError: no such data or recipe, they cannot be read or joined, or nobody's stage is known.
    """
    check_data(data)
    phantoms = tuple(data) == (PHANTOMS,)
    from alzedge.data.phantom_set import make_phantoms
    from alzedge.runs.recipe_file import load_recipe

    recipe = load_recipe(recipe_name or ("quick" if phantoms else "cpu"), seed, _settings())
    if phantoms:
        dataset = make_phantoms(recipe.phantoms.subjects, recipe.phantoms.slices, recipe.seed)
    else:
        dataset = _load_joined(data)
    click.echo(describe(dataset))
    if (dataset.labels < 0).all():
        raise UserError(f"{dataset.name}: nobody's stage is known; name OASIS-1's table with --people.")
    return Source(dataset, recipe)


def _load_joined(data: Sequence[str]) -> "DataSet":
    """The data sets as one, with a line on what was left out of it."""
    from alzedge.commands.progress_bars import show_items, show_steps
    from alzedge.data.joining import join_datasets
    from alzedge.data.loading import load_dataset

    parts = []
    for one in data:
        with show_steps("finding the people") as on_step:
            parts.append(
                load_dataset(Path(one), lambda items: show_items(items, "reading slices"), people_table(), on_step)
            )
    joined = join_datasets(*parts)
    left = sum(map(len, parts)) - len(joined)
    if left:
        click.echo(f"{left} slices of people of the Kaggle archive who were not identified are left out")
    return joined


def describe(dataset: "DataSet") -> str:
    """One line on a data set."""
    import numpy as np

    if dataset.subjects_known:
        unknown = np.unique(dataset.subject[dataset.labels < 0])
        note = f", {len(unknown)} of them of unknown stage" if len(unknown) else ""
        return f"{dataset.name}: {len(dataset)} slices of {len(np.unique(dataset.subject))} people{note}"
    return (
        f"{dataset.name}: {len(dataset)} slices; people unknown, so nothing can be said about unseen people "
        "(`alzedge subjects` says why, `alzedge subjects --help` what helps)"
    )
