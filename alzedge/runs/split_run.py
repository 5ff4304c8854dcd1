"""One split of one data set under one recipe: what every phase of a run is given."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split
from alzedge.errors import UserError
from alzedge.imaging.preprocessing import Preprocessing
from alzedge.model_file.read_write import Record
from alzedge.runs.recipe import Recipe
from alzedge.runs.run_folder import Ledger
from alzedge.utils.files import write_text


@dataclass(frozen=True, eq=False)
class Job:
    """The work on one split.

    Attributes:
        ledger: of the run.
        folder: where this split's files go, the ledger's folder or one below it.
        dataset, split, recipe: what is worked on, and how.
        title: how progress lines begin.
    """

    ledger: Ledger
    folder: Path
    dataset: DataSet
    split: Split
    recipe: Recipe
    title: str

    def perform(
        self, phase: str, settings: list[str], inputs: list[Path], outputs: list[Path], action: Callable[[Path], None]
    ) -> bool:
        """`Ledger.perform` for a phase that depends on these sections of the recipe."""
        depends = {
            "data": self.dataset.fingerprint,
            "split": [self.split.name, self.split.fold],
            "recipe": self._sections(settings),
        }
        return self.ledger.perform(self._phase_name(phase), depends, inputs, outputs, action)

    def _phase_name(self, phase: str) -> str:
        return phase if self.folder == self.ledger.folder else f"{self.folder.name}/{phase}"

    def training_inputs(self) -> NDArray[np.float32]:
        """Preprocessed training slices, float32 (N, rows, columns, 1)."""
        return self.recipe.preprocessing(self.dataset.images[self.split.train])

    def training_labels(self) -> NDArray[np.int64]:
        """Labels of the training slices, int64 (N,)."""
        return self.dataset.labels[self.split.train]

    def training_people(self) -> NDArray[np.str_]:
        """Who is on each training slice, str (N,); where nobody knows, each slice is a person of its own."""
        names = self.dataset.subject if self.dataset.subjects_known else self.dataset.paths
        return names[self.split.train]

    def _sections(self, settings: list[str]) -> dict[str, Any]:
        recipe = self.recipe.to_dict()
        return {name: recipe[name] for name in ["seed", "preprocessing", *settings]}

    def provenance(self, settings: list[str], made_from: Record | None = None) -> dict[str, Any]:
        """What a model file says about where it comes from.

        Args:
            settings: sections of the recipe that this phase used.
            made_from: record of the model it was made from, whose sections are kept: the
                recipe may have changed since.
        """
        recipe = {"name": self.recipe.name} | (made_from["recipe"] if made_from else {}) | self._sections(settings)
        known = self.dataset.subjects_known
        return {
            "recipe": recipe,
            "dataset": {
                "name": self.dataset.name,
                "synthetic": self.dataset.synthetic,
                "fingerprint": self.dataset.fingerprint,
                "slices": len(self.dataset),
                "people": len(np.unique(self.dataset.subject)) if known else None,
            },
            # Counts, not names: a file that leaves the house must not list a clinic's patients.
            "split": {
                "name": self.split.name,
                "description": self.split.description,
                "fold": self.split.fold,
                "unseen_people": self.split.unseen_people,
                "training_slices": len(self.split.train),
                "test_slices": len(self.split.test),
                "test_people": len(np.unique(self.dataset.subject[self.split.test])) if known else None,
            },
        }


def make_job(ledger: Ledger, folder: Path, dataset: DataSet, recipe: Recipe, split: Split) -> Job:
    """Make the job, its folder, and a copy of the recipe at the top of the run's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(ledger.folder / "recipe.toml", recipe.to_toml())
    return Job(ledger, folder, dataset, split, recipe, split.name)


def run_identity(dataset: DataSet, recipe: Recipe, split: str | None = None) -> dict[str, Any]:
    """What makes a run this run; other settings under the same recipe name only redo some phases."""
    identity = {"data": dataset.fingerprint[:16], "recipe": recipe.name, "seed": recipe.seed}
    return identity if split is None else identity | {"split": split}


def made_with(record: Record, dataset: DataSet, recipe: Recipe, path: Path) -> tuple[Recipe, str]:
    """The recipe to go on with from a model file, and the split the file was made with.

    Split, fold and preprocessing are the file's: with others its test people would have been
    trained on, or its inputs would differ.

    Raises:
        UserError: the file was made from other data, so who it has seen cannot be told apart.
    """
    made_from, split = record["dataset"], record["split"]
    if made_from["fingerprint"] != dataset.fingerprint:
        raise UserError(
            f"{path} was made from other data ({made_from['name']}) than {dataset.name}, so who it has seen is "
            "unknown; name the data it was made from."
        )
    preprocessing = Preprocessing.from_dict(record["preprocessing"])
    fold = recipe.fold if split["fold"] is None else split["fold"]
    return replace(recipe, fold=fold, preprocessing=preprocessing), str(split["name"])
