"""Truths that a measuring student is taught: stage, brain volume and age, each known or not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.runs.recipe import MeasuresRecipe
from alzedge.stages import STAGES


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation over training slices, in the unit of what is measured."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class Scales:
    """Scales of brain volume (nWBV, a share) and of age (years)."""

    brain_volume: Scale
    age: Scale

    @property
    def deviations(self) -> tuple[float, float]:
        """Standard deviations of brain volume and age."""
        return self.brain_volume.deviation, self.age.deviation


@dataclass(frozen=True, eq=False)
class Truths:
    """Truths of N slices.

    Attributes:
        stages: float32 (N, 4), 1 at the stage; a row of zeros where it is unknown.
        measures: float32 (N, 2), nWBV as a share and age in years; NaN where unknown.
    """

    stages: NDArray[np.float32]
    measures: NDArray[np.float32]

    def take(self, index: NDArray[np.intp]) -> "Truths":
        """Truths of some of the slices, in that order."""
        return Truths(self.stages[index], self.measures[index])

    def table(self) -> NDArray[np.float32]:
        """Stages and measures side by side, float32 (N, 6)."""
        return np.concatenate([self.stages, self.measures], axis=1)

    def scales(self) -> Scales:
        """Scales over the slices whose truth is known."""
        means, deviations = np.nanmean(self.measures, axis=0), np.nanstd(self.measures, axis=0)
        volume, age = (Scale(float(mean), max(float(one), 1e-6)) for mean, one in zip(means, deviations, strict=True))
        return Scales(volume, age)


def truths_of(dataset: DataSet, recipe: MeasuresRecipe) -> Truths:
    """Collect the truths of a data set's slices.

    People whom nobody examined have no stage, but for those younger than `recipe.healthy_below`, who are taken for
    healthy: nobody in OASIS-1 has dementia below that age.

    Raises:
        UserError: nobody's brain volume, or nobody's age, is known.
    """
    for name, values in (("brain volume (nwbv)", dataset.nwbv), ("age", dataset.age)):
        if not np.isfinite(values).any():
            raise UserError(
                f"{dataset.name}: nobody's {name} is known, which measures.learn of the recipe wants; name --people "
                "with OASIS-1's table, give a subjects.csv that has it, or take a recipe without measures."
            )
    stages = np.zeros((len(dataset), len(STAGES)), np.float32)
    healthy = (dataset.labels < 0) & (dataset.age < recipe.healthy_below)
    labels = np.where(healthy, 0, dataset.labels)
    known = labels >= 0
    stages[known, labels[known]] = 1
    return Truths(stages, np.stack([dataset.nwbv, dataset.age], axis=1).astype(np.float32))
