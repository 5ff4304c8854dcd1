"""A run on one split of one data set under one recipe, which every phase is given."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.inference.measures.demographics import Coding
from alzedge.model_file.origin import DatasetOrigin, Origin, SplitOrigin
from alzedge.model_file.read_write import Record
from alzedge.runs.recipe import Recipe
from alzedge.runs.run_folder import RunFolder
from alzedge.runs.truths import Truths, truths_of
from alzedge.utils.files import write_text


@dataclass(frozen=True, eq=False)
class SplitRun:
    """A run on one split.

    Attributes:
        run_folder: of the whole run.
        folder: of this split's files, the run's or one below it.
        dataset, split, recipe: what is worked on, and how.
        title: how progress lines begin.
    """

    run_folder: RunFolder
    folder: Path
    dataset: DataSet
    split: Split
    recipe: Recipe
    title: str

    def perform(
        self, phase: str, settings: list[str], inputs: list[Path], outputs: list[Path], action: Callable[[Path], None]
    ) -> bool:
        """`RunFolder.perform` for a phase that depends on these sections of the recipe."""
        depends = {
            "data": self.dataset.fingerprint,
            "split": [self.split.name, self.split.fold],
            "recipe": self._sections(settings),
        }
        return self.run_folder.perform(self._phase_name(phase), depends, inputs, outputs, action)

    def _phase_name(self, phase: str) -> str:
        return phase if self.folder == self.run_folder.path else f"{self.folder.name}/{phase}"

    def training_inputs(self) -> NDArray[np.float32]:
        """Preprocessed training slices, float32 (N, rows, columns, 1)."""
        return self.recipe.preprocessing(self.dataset.images[self.split.train])

    def training_labels(self) -> NDArray[np.int64]:
        """Labels of the training slices, int64 (N,)."""
        return self.dataset.labels[self.split.train]

    def training_truths(self) -> Truths | None:
        """Truths of the training slices for a recipe that learns measures; None for others.

        Raises:
            UserError: see `alzedge.runs.truths.truths_of`.
        """
        if not self.recipe.measures.learn:
            return None
        return truths_of(self.dataset.take(self.split.train), self.recipe.measures)

    def training_demographics(self) -> NDArray[np.float32] | None:
        """Age and sex of the person on each training slice, float32 (N, 4); None for a recipe that leaves them out.

        The columns are those of `alzedge.inference.measures.demographics`.

        Raises:
            UserError: nobody's age or sex is known.
        """
        if not self.recipe.demographics.learn:
            return None
        data = self.dataset.take(self.split.train)
        told = Coding().of_people(data.age, data.sex)
        if not told.any():
            raise UserError(
                f"{data.name}: nobody's age or sex is known, which demographics.learn of the recipe wants; name --people "
                "with OASIS-1's table, give a subjects.csv that has them, or take a recipe without demographics."
            )
        return told

    def training_people(self) -> NDArray[np.str_]:
        """The person on each training slice, str (N,); where nobody knows, each slice is a person of its own."""
        names = self.dataset.subject if self.dataset.subjects_known else self.dataset.paths
        return names[self.split.train]

    def training_scans(self) -> NDArray[np.str_]:
        """The acquisition each training slice was cut from, str (N,); the person where that is unknown."""
        scans = self.dataset.scan[self.split.train]
        return np.where(scans == "", self.training_people(), scans)

    def _sections(self, settings: list[str]) -> dict[str, Any]:
        recipe = self.recipe.to_dict()
        return {name: recipe[name] for name in ["seed", "preprocessing", *settings]}

    def provenance(self, settings: list[str], made_from: Record | None = None) -> dict[str, Any]:
        """The provenance that a model file carries: its recipe, data set and split.

        Args:
            settings: sections of the recipe that this phase used.
            made_from: record of the model it was made from, whose sections are kept: the
                recipe may have changed since.
        """
        recipe = {"name": self.recipe.name} | (made_from["recipe"] if made_from else {}) | self._sections(settings)
        return {"recipe": recipe} | self._origin().to_dict()

    def _origin(self) -> Origin:
        data, split = self.dataset, self.split
        people = len(np.unique(data.subject)) if data.subjects_known else None
        test_people = len(np.unique(data.subject[split.test])) if data.subjects_known else None
        return Origin(
            DatasetOrigin(data.name, data.synthetic, data.fingerprint, len(data), people),
            SplitOrigin(
                name=split.name,
                description=split.description,
                fold=split.fold,
                unseen_people=split.unseen_people,
                training_slices=len(split.train),
                test_slices=len(split.test),
                test_people=test_people,
            ),
        )


def make_split_run(run_folder: RunFolder, folder: Path, dataset: DataSet, recipe: Recipe, split: Split) -> SplitRun:
    """Make the run on one split, its folder, and a copy of the recipe at the top of the run's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(run_folder.path / "recipe.toml", recipe.to_toml())
    return SplitRun(run_folder, folder, dataset, split, recipe, split.name)


def run_identity(dataset: DataSet, recipe: Recipe, split: str | None = None) -> dict[str, Any]:
    """Identity of a run; other settings under the same recipe name only redo some phases."""
    identity = {"data": dataset.fingerprint[:16], "recipe": recipe.name, "seed": recipe.seed}
    return identity if split is None else identity | {"split": split}


def made_with(record: Record, dataset: DataSet, recipe: Recipe, path: Path) -> tuple[Recipe, str]:
    """The recipe to go on with from a model file, and the split the file was made with.

    Split, fold and preprocessing are the file's: with others its test people would have been
    trained on, or its inputs would differ.

    Raises:
        UserError: the file was made from other data, so who it has seen cannot be told apart.
    """
    origin = Origin.read(record)
    if origin.dataset.fingerprint != dataset.fingerprint:
        raise UserError(
            f"{path} was made from other data ({origin.dataset.name}) than {dataset.name}, so who it has seen is "
            "unknown; name the data it was made from."
        )
    preprocessing = Preprocessing.from_dict(record["preprocessing"])
    fold = recipe.fold if origin.split.fold is None else origin.split.fold
    return replace(recipe, fold=fold, preprocessing=preprocessing), origin.split.name
