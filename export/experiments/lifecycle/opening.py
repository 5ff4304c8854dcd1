"""Data and recipe of a pipeline, as text that a step anywhere can open again."""

from dataclasses import dataclass
from pathlib import Path

from alzedge.data.dataset import DataSet
from alzedge.data.joining import join_datasets
from alzedge.data.loading import load_dataset
from alzedge.data.phantom_set import PHANTOMS, make_phantoms
from alzedge.runs.batch_sizes import fit_batch_sizes, smallest_training_side
from alzedge.runs.recipe import Recipe
from alzedge.runs.recipe_file import load_recipe


@dataclass(frozen=True)
class Spec:
    """Data and recipe by name.

    Attributes:
        data: sources as `alzedge run` takes them, at paths that every step can read; 'phantoms' alone for phantoms.
        people: OASIS-1's table; '' without.
        recipe: name or file; '' for cpu, for phantoms quick.
        seed: replaces the recipe's; -1 for the recipe's own.
    """

    data: tuple[str, ...]
    people: str = ""
    recipe: str = ""
    seed: int = -1


@dataclass(frozen=True, eq=False)
class Opened:
    """Data and recipe, read."""

    dataset: DataSet
    recipe: Recipe


def open_spec(spec: Spec) -> Opened:
    """Read data and recipe; batch sizes that the data are too few for are lowered.

    Raises:
        UserError: no such data or recipe, or they cannot be read or joined.
    """
    phantoms = spec.data == (PHANTOMS,)
    recipe = load_recipe(spec.recipe or ("quick" if phantoms else "cpu"), None if spec.seed < 0 else spec.seed)
    if phantoms:
        dataset = make_phantoms(recipe.phantoms.subjects, recipe.phantoms.slices, recipe.seed)
    else:
        table = Path(spec.people) if spec.people else None
        dataset = join_datasets(*(load_dataset(Path(one), people=table) for one in spec.data))
    return Opened(dataset, fit_batch_sizes(recipe, smallest_training_side(dataset))[0])
