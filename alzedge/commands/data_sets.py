"""Data sets as commands are given them: checked, read with a progress bar, joined, described."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alzedge.commands.options import PHANTOMS, people_table, recipe_settings
from alzedge.errors import UserError
from alzedge.utils.archives import check_source

if TYPE_CHECKING:  # a command refuses its arguments before NumPy is imported
    from alzedge.data.dataset import DataSet
    from alzedge.runs.recipe import Recipe


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


def load_source(data: Sequence[str], recipe_name: str | None, seed: int | None, every_stage: bool = True) -> Source:
    """Read the DATA arguments and the recipe options, with a progress bar, and print a line on the data.

    Args:
        data, recipe_name, seed: as given.
        every_stage: refuse data without images of one of the stages, which nothing can be trained on.

    Commands call it after all checks of their own and before they import what is heavy: data or a recipe that is
    refused should not take as long as TensorFlow.

    Raises:
        UserError: no such data or recipe, they cannot be read or joined, or nobody's stage is known.
    """
    check_data(data)
    phantoms = tuple(data) == (PHANTOMS,)
    from alzedge.data.phantom_set import make_phantoms
    from alzedge.runs.recipe_file import load_recipe

    recipe = load_recipe(recipe_name or ("quick" if phantoms else "cpu"), seed, recipe_settings())
    if phantoms:
        dataset = make_phantoms(recipe.phantoms.subjects, recipe.phantoms.slices, recipe.seed)
    else:
        dataset = read_data(data, every_stage)
    click.echo(describe(dataset))
    if (dataset.labels < 0).all():
        raise UserError(f"{dataset.name}: nobody's stage is known; name OASIS-1's table with --people.")
    return Source(dataset, recipe)


def fit_to_data(source: Source) -> Source:
    """Lower batch sizes of the recipe that the data are too few for, and print a line on it."""
    from alzedge.runs.batch_sizes import fit_batch_sizes, smallest_training_side

    recipe, sentence = fit_batch_sizes(source.recipe, smallest_training_side(source.dataset))
    if sentence:
        click.echo(sentence)
    return Source(source.dataset, recipe)


def read_data(data: Sequence[str], every_stage: bool = False) -> "DataSet":
    """Read data sets with a progress bar and join them, with a line on what was left out."""
    return join_parts(load_parts(data, every_stage))


def load_parts(data: Sequence[str], every_stage: bool = True) -> "list[DataSet]":
    """Read DATA arguments one by one, each with a progress bar, and the people of `--people`.

    Raises:
        UserError: see `alzedge.data.loading.load_dataset`.
    """
    from alzedge.commands.progress_bars import show_items, show_steps
    from alzedge.data.loading import load_dataset

    parts = []
    for one in data:
        with show_steps("finding the people") as on_step:
            parts.append(
                load_dataset(
                    Path(one), lambda items: show_items(items, "reading slices"), people_table(), on_step, every_stage
                )
            )
    return parts


def join_parts(parts: "Sequence[DataSet]") -> "DataSet":
    """Join data sets, with a line on what was left out.

    Raises:
        UserError: see `alzedge.data.joining.join_datasets`.
    """
    from alzedge.data.joining import join_datasets

    joined = join_datasets(*parts)
    if left := sum(map(len, parts)) - len(joined):
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
