"""Reading recipes: packaged ones and TOML files, on top of a base, with single settings replaced."""

import contextlib
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from alzedge.errors import UserError
from alzedge.runs.recipe import Recipe
from alzedge.runs.settings import build, checked
from alzedge.utils.parsing import parsing

_Table = dict[str, Any]


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    folder = resources.files("alzedge.runs").joinpath("recipes")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_recipe(name_or_path: str, seed: int | None = None, settings: Sequence[str] = ()) -> Recipe:
    """Load a recipe by the name of a packaged one or the path of a TOML file.

    Its entry `base` names another recipe, whose settings hold where this one says nothing; a path is relative to the
    file's folder.

    Args:
        name_or_path: a name from `recipe_names()`, or a path that ends with `.toml`.
        seed: replaces the recipe's seed.
        settings: replace single ones, such as 'distill.epochs=3'; the values are TOML's.

    Raises:
        UserError: no such recipe, not TOML, an unknown key, an impossible value, or a base that leads back to itself.
    """
    with parsing(f"{name_or_path}: not a recipe", "`alzedge run --help` shows an example."):
        table, name = _table_on_base(name_or_path, ())
        for setting in settings:
            table = _merged(table, _set(setting))
        recipe: Recipe = build(Recipe, {"name": name} | table, name_or_path, "")
    if seed is not None:
        recipe = replace(recipe, seed=checked(seed, int, Recipe.__dataclass_fields__["seed"].metadata, "--seed"))
    return recipe


def _table_on_base(name_or_path: str, above: tuple[str, ...]) -> tuple[_Table, str]:
    text, name = _read(name_or_path)
    with parsing(f"{name_or_path}: not a TOML file", "`alzedge run --help` shows an example."):
        table = tomllib.loads(text)
    base = table.pop("base", None)
    if base is None:
        return table, name
    if not isinstance(base, str):
        raise UserError(f"{name_or_path}: base: expected the name of a recipe, got {base!r}.")
    if base not in recipe_names():
        base = str(Path(name_or_path).parent / base)
    if base in (*above, name_or_path):
        raise UserError(f"{name_or_path}: base: {base} leads back to itself; name another recipe.")
    return _merged(_table_on_base(base, (*above, name_or_path))[0], table), name


def _merged(base: _Table, table: _Table) -> _Table:
    both = {key for key in table if isinstance(table[key], dict) and isinstance(base.get(key), dict)}
    return base | table | {key: _merged(base[key], table[key]) for key in both}


def _set(setting: str) -> _Table:
    """A setting such as 'distill.epochs=3' as a nested table; a word without quotes is a text."""
    key, equals, value = (part.strip() for part in setting.partition("="))
    if not key or not equals or not value:
        raise UserError(f"--set {setting}: expected SECTION.NAME=VALUE, for example --set distill.epochs=3.")
    parsed: Any = value
    with parsing(f"--set {key}", "give a TOML value."), contextlib.suppress(tomllib.TOMLDecodeError):
        parsed = tomllib.loads(f"value = {value}")["value"]
    for part in reversed(key.split(".")):
        parsed = {part: parsed}
    return dict(parsed)


def _read(name_or_path: str) -> tuple[str, str]:
    if name_or_path in recipe_names():
        packaged = resources.files("alzedge.runs").joinpath("recipes", f"{name_or_path}.toml")
        return packaged.read_text(encoding="utf-8"), name_or_path
    path = Path(name_or_path)
    try:
        return path.read_text(encoding="utf-8-sig"), path.stem
    except FileNotFoundError as error:
        names = ", ".join(recipe_names())
        raise UserError(f"{name_or_path}: no such recipe; name one of {names}, or a TOML file.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{name_or_path}: not a text file; a recipe is TOML in UTF-8.") from error
    except OSError as error:  # a folder, a name that is too long, no permission
        raise UserError(f"{name_or_path}: {error.strerror}; check the path and its permissions.") from error
