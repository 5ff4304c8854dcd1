"""Command-line options that several commands share."""

import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from alzedge.data.split_names import SPLITS
from alzedge.errors import UserError

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


def models_and_data(words: Sequence[str], suffixes: tuple[str, ...]) -> tuple[list[Path], tuple[str, ...]]:
    """Tell model files, by the ends of their names, from the data sets that follow them."""
    of_models = [word.lower().endswith(suffixes) for word in words]
    count = of_models.index(False) if False in of_models else len(words)
    return [Path(word) for word in words[:count]], tuple(words[count:])


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
        help="Settings: a packaged recipe (cpu, quick, measure, or another of alzedge/runs/recipes) or a TOML file. Default: cpu, for phantoms quick.",
    )(command)


def recipe_settings() -> tuple[str, ...]:
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
    """Refuse a `--model` that is neither a file nor named in a registry or on the Hub; None is the bundled model.

    Raises:
        UserError: no such file, not an ordinary one, or no name of a model in a registry.
    """
    from alzedge.inference.hub import is_repository
    from alzedge.model_file.record import check_model_file
    from alzedge.model_file.registry.location import Reference, is_registered

    if is_registered(model):
        Reference.parse(str(model))
    elif model is not None and not is_repository(model):
        check_model_file(model)


def sex_option(help_text: str) -> Callable[[Any], Any]:
    """`--sex F|M`, in small letters too; the command gets the large ones."""
    return click.option("--sex", type=click.Choice(("F", "M"), case_sensitive=False), help=help_text)


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
        recipe += [word for setting in recipe_settings() for word in ("--set", setting)]
    if words[0] in _WITH_DATA and (people := people_table()) is not None:
        recipe += ["--people", str(people)]
    seeded = ["--seed", str(seed)] if seed is not None else []
    return f"{command_name()} {shlex.join([*map(str, words), *recipe, *seeded])}"
