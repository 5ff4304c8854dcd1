"""Readings: all that a student says of each slice, before any rule makes one person's answer of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.inference.measures.entry import Floats

# Groups of levels: group g holds heights from 12 g - 40 to 12 g - 28 mm in the frame; the outermost are open.
GROUPS = 8
_LOWEST, _THICKNESS = -40.0, 12.0
# int8 probabilities are multiples of 1/256: 0 and 1 stand for half of that.
_LEAST = 1 / 512
_MEASURED = ("brain_volume", "age")  # names of outputs


@dataclass(frozen=True, eq=False)
class Readings:
    """A student's outputs for some slices.

    Attributes:
        probabilities: float64 (N, 4), of the stages.
        height: float64 (N,), mm in the frame (see `alzedge.preparation.frame`); NaN where unknown.
        brain_volume: float64 (N,), nWBV as a share; None where the student does not measure it.
        age: float64 (N,), years; None likewise.
    """

    probabilities: Floats
    height: Floats
    brain_volume: Floats | None = None
    age: Floats | None = None

    def __len__(self) -> int:
        return len(self.probabilities)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> "Readings":
        """The slices at `index`."""
        measured = [None if one is None else one[index] for one in (self.brain_volume, self.age)]
        return Readings(self.probabilities[index], self.height[index], *measured)

    def each(self) -> "list[Readings]":
        """The slices one by one."""
        rows = [slice(row, row + 1) for row in range(len(self))]
        measured = (_parts(self.brain_volume, rows), _parts(self.age, rows))
        return [
            Readings(self.probabilities[row], self.height[row], volume, age)
            for row, volume, age in zip(rows, *measured, strict=True)
        ]

    @classmethod
    def of(cls, outputs: Mapping[str, NDArray[np.float32]], height: Floats) -> "Readings":
        """Read a student's outputs by name: `probabilities` (N, 4) and, where it measures, `brain_volume` and `age` (N, 1)."""
        measured = [outputs[name].reshape(-1).astype(np.float64) if name in outputs else None for name in _MEASURED]
        return cls(outputs["probabilities"].astype(np.float64), height, *measured)

    @classmethod
    def join(cls, several: "Sequence[Readings]") -> "Readings":
        """Put readings of one student behind one another; at least one."""
        if len(several) == 1:
            return several[0]
        volumes = [one.brain_volume for one in several if one.brain_volume is not None]
        ages = [one.age for one in several if one.age is not None]
        return cls(
            np.concatenate([one.probabilities for one in several]),
            np.concatenate([one.height for one in several]),
            np.concatenate(volumes) if len(volumes) == len(several) else None,
            np.concatenate(ages) if len(ages) == len(several) else None,
        )

    def evidence(self) -> Floats:
        """Features for any dementia: its log odds and, where measured, the brain volume, float64 (N, 1 or 2)."""
        features = [log_odds(1 - self.probabilities[:, 0])]
        return np.stack(features if self.brain_volume is None else [*features, self.brain_volume], axis=1)


def _parts(values: Floats | None, rows: list[slice]) -> list[Floats | None]:
    return [None if values is None else values[row] for row in rows]


def log_odds(probability: Floats) -> Floats:
    """Log odds of probabilities, kept finite."""
    clipped = np.clip(probability, _LEAST, 1 - _LEAST)
    odds: Floats = np.log(clipped / (1 - clipped))
    return odds


def logistic(log_odds: Floats) -> Floats:
    """Probabilities of log odds."""
    probability: Floats = 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
    return probability


def group_of(height: Floats) -> NDArray[np.intp]:
    """Group of levels of each height in mm, 0 to 7; -1 where the height is unknown."""
    known = np.isfinite(height)
    groups = np.floor((np.where(known, height, 0) - _LOWEST) / _THICKNESS).clip(0, GROUPS - 1).astype(np.intp)
    return np.where(known, groups, -1)


def group_means(values: Floats, group: NDArray[np.intp], groups: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Average slices within groups of levels.

    Args:
        values: float64 (N, features).
        group: int (N,), of each slice; slices of other groups are left out.
        groups: G groups.

    Returns:
        Means, float64 (G, features), 0 where there is no slice, and the number of slices, float64 (G,).
    """
    member = (group == np.array(groups)[:, np.newaxis]).astype(np.float64)
    count = member.sum(axis=1)
    return member @ values / np.maximum(count, 1)[:, np.newaxis], count
