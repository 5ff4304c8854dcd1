"""Recipes: read strictly, written back losslessly."""

from pathlib import Path

import pytest
from helpers.commands import assert_refused, run_cli

from alzedge.errors import UserError
from alzedge.runs.recipe import Recipe, load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_packaged_recipes_load_and_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    path = tmp_path / "again.toml"
    path.write_text(recipe.to_toml())
    assert load_recipe(str(path)) == recipe


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("")
    assert load_recipe(str(path), seed=7) == Recipe(name="mine", seed=7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[distill]\nepoch = 3", "distill.epoch is not a setting; known here: epochs"),
        ("[destill]\nepochs = 3", "destill is not a setting"),
        ("[distill]\nepochs = 0", "distill.epochs: expected 1 to"),
        ("[distill]\nepochs = 1.5", "distill.epochs: expected int, got 1.5"),
        ("[distill]\nepochs = true", "distill.epochs: expected int, got True"),
        ("[distill]\nepochs = '3'", "distill.epochs: expected int, got '3'"),
        ("[distill]\nlearning_rate = nan", "distill.learning_rate: expected 1e-08 to"),
        ("[teacher]\ndepth = 19", "teacher.depth: expected one of 18, 34, 50"),
        ("[student]\nfilters = [8, 16]", "student.filters: expected a list of 3"),
        ("[student]\nfilters = [8, 16, 'x']", "student.filters: expected int"),
        ("splits = ['person']", "splits: expected one of official, random, subject"),
        ("[preprocessing]\nshrink = 3", "preprocessing.shrink: expected 1, 2 or 4"),
        ("teacher = 3", r"teacher: expected a table \[teacher\]"),
        ("epochs: 3", "not a TOML file"),
    ],
)
def test_mistakes_are_named(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        load_recipe(str(path))


def test_the_command_refuses_a_bad_recipe_and_a_missing_one(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("[teacher]\nwidht = 1.0\n")
    assert_refused(run_cli("run", "--recipe", path, "--out", tmp_path / "out"), "bad.toml", "teacher.widht")
    assert_refused(run_cli("run", "--recipe", "fast", "--out", tmp_path / "out"), "fast", "cpu, ", "quick")
    assert_refused(run_cli("run", "--seed", "-1", "--out", tmp_path / "out"), "--seed")
    assert not (tmp_path / "out").exists()
