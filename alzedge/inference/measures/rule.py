"""One person's answer out of the readings of any number of slices: the record's entry `measures`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.inference.measures.discriminant import Discriminant
from alzedge.inference.measures.entry import Floats, read_numbers, short, wrong
from alzedge.inference.measures.norm import NormativeCurve
from alzedge.inference.measures.quantities import ApparentAge, BrainVolume
from alzedge.inference.measures.readings import GROUPS, Readings, group_means, group_of
from alzedge.inference.measures.regression import Regression
from alzedge.inference.measures.stage_sets import STAGE_COVERAGE, stage_set
from alzedge.model_file.read_write import Record
from alzedge.model_file.record_entries import count, entry_of

# The one group of slices whose heights are not asked for.
ANYWHERE = 0


@dataclass(frozen=True, eq=False)
class PersonRule:
    """A rule for slices of some groups of levels.

    Attributes:
        groups: the groups it knows, 0 to 7 in ascending order; for slices of unknown height (0,).
        usual: float64 (G,), slices that people had in each group when it was fitted, their harmonic mean.
        brain_volume, age: None where the student does not measure them, or nothing was known to fit them to.
        any_dementia: None likewise.
    """

    groups: tuple[int, ...]
    usual: Floats
    brain_volume: Regression | None
    age: Regression | None
    any_dementia: Discriminant | None

    def to_dict(self) -> dict[str, Any]:
        """As written into model files."""
        parts = {name: getattr(self, name) for name in ("brain_volume", "age", "any_dementia")}
        entries = {name: part and part.to_dict() for name, part in parts.items()}
        return {"groups": list(self.groups), "slices": short(self.usual), **entries}

    @classmethod
    def read(cls, entry: Any) -> "PersonRule":
        """Read `to_dict`; UserError for anything else."""
        groups = tuple(read_numbers(entry, "groups", above=-1).astype(int).tolist())
        if list(groups) != sorted(set(groups)) or groups[-1] >= GROUPS:
            raise wrong("groups", f"numbers from 0 to {GROUPS - 1} in ascending order")
        usual = read_numbers(entry, "slices", len(groups), above=0)
        volume, age, dementia = (entry_of(entry, name) for name in ("brain_volume", "age", "any_dementia"))
        return cls(
            groups,
            usual,
            None if volume is None else Regression.read(volume, len(groups)),
            None if age is None else Regression.read(age, len(groups)),
            None if dementia is None else Discriminant.read(dementia, len(groups)),
        )


@dataclass(frozen=True, eq=False)
class Measured:
    """One person's answer.

    Attributes:
        probabilities: float64 (4,), of the stages; 1 less the first is the probability of any dementia.
        brain_volume, apparent_age: None where the student does not measure them.
        stage_set: indices of the stages in the conformal set, of 90 % coverage; None without a calibration.
    """

    probabilities: Floats
    brain_volume: BrainVolume | None
    apparent_age: ApparentAge | None
    stage_set: tuple[int, ...] | None


@dataclass(frozen=True, eq=False)
class Measures:
    """The record's entry `measures`, fitted by `alzedge.export.calibration` on answers for people not trained on.

    Attributes:
        people: how many it was fitted on.
        by_level: rule for slices of known height; None where no heights were known.
        anywhere: rule for slices of unknown height, and for those of groups that `by_level` does not know.
        stage_shares: float64 (3,), shares of the stages among people with any dementia.
        norm: normative curve of the brain volume; None where nobody's age was known.
    """

    people: int
    by_level: PersonRule | None
    anywhere: PersonRule
    stage_shares: Floats
    norm: NormativeCurve | None

    @property
    def has_brain_volume(self) -> bool:
        """True where brain volumes are measured."""
        return self.anywhere.brain_volume is not None

    def person(self, readings: Readings, age: float | None = None, sex: str | None = None) -> Measured:
        """Answer for the person that all the slices are of; at least one.

        Slices of known height are weighted by their levels; where there is none, all slices count alike.

        Args:
            readings: of the slices.
            age, sex: years, and 'F' or 'M', for the percentile; None where unknown.

        Raises:
            UserError: the rule for any dementia weighs brain volumes and the student gives none.
        """
        rule, group = self._rule(readings.height)
        usual = rule.usual
        volume, apparent = None, None
        if rule.brain_volume and readings.brain_volume is not None:
            means, number = group_means(readings.brain_volume[:, np.newaxis], group, rule.groups)
            value, low, high = (min(max(x, 0.0), 1.0) for x in rule.brain_volume.interval(means[:, 0], number, usual))
            percentile = None if self.norm is None else self.norm.percentile(value, age, sex)
            volume = BrainVolume(value, low, high, percentile)
        if rule.age and readings.age is not None:
            means, number = group_means(readings.age[:, np.newaxis], group, rule.groups)
            apparent = ApparentAge(*(max(x, 0.0) for x in rule.age.interval(means[:, 0], number, usual)))
        if rule.any_dementia is None:
            return Measured(readings.probabilities.mean(axis=0), volume, apparent, None)
        evidence = readings.evidence()
        check_evidence(evidence, rule.any_dementia)
        means, number = group_means(evidence[:, : rule.any_dementia.without.shape[1]], group, rule.groups)
        ratio = rule.any_dementia.ratio(means, number, usual)
        stages = rule.any_dementia.stages(np.array([ratio]), self.stage_shares)[0]
        limit = rule.any_dementia.stage_limit[int(number.sum() > 1)]
        return Measured(stages, volume, apparent, stage_set(stages, limit))

    def _rule(self, height: Floats) -> tuple[PersonRule, NDArray[np.intp]]:
        """The rule for slices of these heights, and each slice's group in it, -1 for one that it leaves out."""
        if self.by_level is not None and not np.isnan(height).all():
            group = group_of(height)
            if np.isin(group, self.by_level.groups).any():
                return self.by_level, group
        return self.anywhere, np.full(len(height), ANYWHERE, np.intp)

    def rules_of_each(self, height: Floats) -> Iterator[tuple[PersonRule, int, NDArray[np.intp]]]:
        """The rules for slices one by one: a rule, the index of a group in it, and the slices that these are for.

        Args:
            height: float64 (N,), mm in the frame; NaN where unknown.
        """
        group, left = group_of(height), np.ones(len(height), np.bool_)
        for at, known in enumerate(self.by_level.groups if self.by_level is not None else ()):
            rows = np.flatnonzero(group == known)
            if self.by_level is not None and len(rows):
                left[rows] = False
                yield self.by_level, at, rows
        if left.any():
            yield self.anywhere, ANYWHERE, np.flatnonzero(left)

    def to_dict(self) -> dict[str, Any]:
        """As written into model files."""
        return {
            "people": self.people,
            "coverage": STAGE_COVERAGE,
            "by_level": self.by_level and self.by_level.to_dict(),
            "anywhere": self.anywhere.to_dict(),
            "stage_shares": short(self.stage_shares),
            "norm": self.norm and self.norm.to_dict(),
        }

    @classmethod
    def read(cls, record: Record) -> "Measures | None":
        """Read a record's entry `measures`; None where there is none.

        Raises:
            UserError: the entry is not as `to_dict` writes it.
        """
        entry = record.get("measures")
        if entry is None:
            return None
        people = count(entry_of(entry, "people"))
        if people is None:
            raise wrong("people", "a whole number")
        by_level, norm = entry_of(entry, "by_level"), entry_of(entry, "norm")
        return cls(
            people,
            None if by_level is None else PersonRule.read(by_level),
            PersonRule.read(entry_of(entry, "anywhere")),
            read_numbers(entry, "stage_shares", 3, above=0),
            None if norm is None else NormativeCurve.read(norm),
        )


def check_evidence(evidence: Floats, rule: Discriminant) -> None:
    """Refuse a student whose outputs lack what the rule for any dementia weighs.

    Raises:
        UserError: it weighs brain volumes and the student gives none.
    """
    if evidence.shape[1] < rule.without.shape[1]:
        raise UserError("The model file weighs brain volumes that its network does not give; export it again.")
