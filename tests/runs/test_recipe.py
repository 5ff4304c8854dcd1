"""Recipes: read strictly, written back losslessly."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.commands import assert_refused, call_cli

from alzedge.errors import UserError
from alzedge.runs.recipe import Recipe
from alzedge.runs.recipe_file import load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_packaged_recipes_load_and_survive_a_round_trip(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    path = tmp_path / "again.toml"
    path.write_text(recipe.to_toml())
    assert load_recipe(str(path)) == recipe


def test_any_name_survives_the_round_trip(tmp_path: Path) -> None:
    path = tmp_path / 'brain \N{BRAIN} "quoted" \\ 脳.toml'
    path.write_text("seed = 3\n")
    recipe = load_recipe(str(path))
    again = tmp_path / "again.toml"
    again.write_text(recipe.to_toml(), "utf-8")
    assert recipe.name == path.stem and load_recipe(str(again)) == recipe


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
        ("splits = ['person']", "splits: expected one of official, leaky, random, subject"),
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
    assert_refused(call_cli("run", "--recipe", path, "--out", tmp_path / "out"), "bad.toml", "teacher.widht")
    assert_refused(call_cli("run", "--recipe", "fast", "--out", tmp_path / "out"), "fast", "cpu, ", "quick")
    assert_refused(call_cli("run", "--seed", "-1", "--out", tmp_path / "out"), "--seed")
    assert not (tmp_path / "out").exists()


def test_a_recipe_stands_on_its_base_and_single_settings_on_both(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.toml", tmp_path / "other.toml"
    mine.write_text('base = "cpu"\n[distill]\nviews = 3\n')
    other.write_text('base = "mine.toml"\n[distill]\nepochs = 7\n')
    cpu, found = load_recipe("cpu"), load_recipe(str(other))
    assert found.name == "other" and found.distill == replace(cpu.distill, views=3, epochs=7)
    assert found.teacher == cpu.teacher != Recipe().teacher
    settings = ["distill.epochs=3", "student.filters=[4, 8, 16]", "finetune.sampling=balanced", "seed = 5"]
    found = load_recipe(str(other), settings=settings)
    assert found.distill.epochs == 3 and found.distill.views == 3 and found.student.filters == (4, 8, 16)
    assert found.finetune.sampling == "balanced" and found.seed == 5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("distill.epoch=3", "distill.epoch is not a setting"),
        ("distill.epochs=0", "distill.epochs: expected 1 to"),
        ("distill.epochs", "expected SECTION.NAME=VALUE"),
        ("distill=3", r"distill: expected a table \[distill\]"),
    ],
)
def test_settings_that_are_none_are_named(settings: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_recipe("cpu", settings=[settings])


def test_a_base_in_a_circle_or_of_another_type_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('base = "b.toml"')
    (tmp_path / "b.toml").write_text('base = "a.toml"')
    with pytest.raises(UserError, match="leads back to itself"):
        load_recipe(str(tmp_path / "a.toml"))
    (tmp_path / "a.toml").write_text("base = 3")
    with pytest.raises(UserError, match="expected the name of a recipe, got 3"):
        load_recipe(str(tmp_path / "a.toml"))


def test_a_base_that_no_file_can_be_is_refused(tmp_path: Path) -> None:
    for base, words in (("9" * 300, "name too long"), (".", "directory")):
        (tmp_path / "a.toml").write_text(f'base = "{base}"')
        with pytest.raises(UserError, match=words):
            load_recipe(str(tmp_path / "a.toml"))


def test_set_reaches_the_recipe_of_a_command() -> None:
    assert_refused(call_cli("run", "phantoms", "--set", "distill.epoch=3"), "distill.epoch is not a setting")
