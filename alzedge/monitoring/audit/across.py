"""The audit across sources: people who are in two data sets, found by pixels, and whether a fold keeps them together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.data.folds import N_FOLDS, subject_folds
from alzedge.data.joining import identified
from alzedge.errors import UserError
from alzedge.monitoring.audit.stacks import Pair, compare_stacks, stacks_of

LEFT_OUT = -1


@dataclass(frozen=True)
class Across:
    """People of two data sets.

    Attributes:
        first, second: names of the data sets.
        people: number of people of each.
        compared: whether their pixels could be compared; they need the height of each slice, see `DataSet.height`.
        pairs: for each person of the first the most similar one of the second.
        by_name: people who have one name in both.
        folds: fold of each person of the first and of the second, `LEFT_OUT` for whoever is left out of work with both.
    """

    first: str
    second: str
    people: tuple[int, int]
    compared: bool
    pairs: tuple[Pair, ...]
    by_name: tuple[str, ...]
    folds: tuple[dict[str, int], dict[str, int]]

    @property
    def found(self) -> tuple[Pair, ...]:
        """People whom the pixels clearly show in both."""
        return tuple(pair for pair in self.pairs if pair.clear)

    @property
    def renamed(self) -> tuple[Pair, ...]:
        """Of these, whoever is in the second under another name although the first one's name is in it too."""
        return tuple(pair for pair in self.found if pair.first != pair.second and pair.first in self.by_name)

    @property
    def divided(self) -> tuple[tuple[str, str], ...]:
        """People in both, by pixels or by name, who train in one and test in the other."""
        ours, theirs = self.folds
        both = {(pair.first, pair.second) for pair in self.found} | {(name, name) for name in self.by_name}
        return tuple(
            sorted(p for p in both if ours[p[0]] != theirs[p[1]] and LEFT_OUT not in (ours[p[0]], theirs[p[1]]))
        )


def audit_across(datasets: Sequence[DataSet], on_phase: Callable[[str], None] = lambda title: None) -> list[Across]:
    """Compare each two of several data sets.

    Args:
        datasets: with their people named, each within itself at least.
        on_phase: called with what is done next.

    Raises:
        UserError: the people of a data set are not known.
    """
    for dataset in datasets:
        if not dataset.subjects_known:
            raise UserError(
                f"{dataset.name}: nobody says which slices show the same person, so people cannot be compared; add a subjects.csv."
            )
    on_phase("comparing")
    stacks = [stacks_of(dataset) for dataset in datasets]
    folds = _folds(datasets)
    found = []
    for one, other in combinations(range(len(datasets)), 2):
        here, there = stacks[one], stacks[other]
        pairs = compare_stacks(here, there) if here is not None and there is not None else []
        found.append(
            Across(
                datasets[one].name,
                datasets[other].name,
                (len(folds[one]), len(folds[other])),
                bool(pairs),
                tuple(pairs),
                tuple(sorted(set(folds[one]) & set(folds[other]))),
                (folds[one], folds[other]),
            )
        )
    return found


def _folds(datasets: Sequence[DataSet]) -> list[dict[str, int]]:
    """Fold of each person of each data set, as `alzedge.data.joining` and `subject_folds` have it.

    Where nobody of the Kaggle set is identified it is not joined with OASIS-1's scans, and its own folds are looked at.
    """
    subject = np.concatenate([dataset.subject for dataset in datasets])
    labels = np.concatenate([dataset.labels for dataset in datasets])
    enough = len(np.unique(subject)) >= N_FOLDS
    folds = subject_folds(subject, labels) if enough else np.zeros(len(subject), np.int64)
    sure: list[NDArray[np.bool_]] = identified(datasets)
    by_person, start = [], 0
    for dataset, known in zip(datasets, sure, strict=True):
        own = folds[start : start + len(dataset)].copy()
        start += len(dataset)
        if known.any():
            own[~known] = LEFT_OUT
        by_person.append({str(name): int(fold) for name, fold in zip(dataset.subject, own, strict=True)})
    return by_person


def sentence(across: Across) -> str:
    """Say whether the two data sets leak when they are used together, and why."""
    both = f"{across.first} and {across.second}"
    found, named, divided = len(across.found), len(across.by_name), len(across.divided)
    how = f"{found} people are in both by their pixels" if across.compared else f"{named} people are in both by name"
    if across.compared and named:
        how += f", {named} by name"
    if not across.compared:
        how += " (pixels were not compared, because they share no three heights of slices that are known)"
    if divided:
        return f"{both} leak: {how}, and {divided} of them would train in one and test in the other."
    if found or named:
        return f"{both} show no leak: {how}, and each of them is in one fold of both."
    return f"{both} share nobody that could be found: {how}."


def across_text(across: Across) -> str:
    """Write the sentence and the figures behind it as text."""
    rows = [
        ("people", f"{across.people[0]} / {across.people[1]}"),
        ("people in both, by name", str(len(across.by_name))),
    ]
    if across.compared:
        best = np.array([[pair.similarity, pair.runner_up] for pair in across.found]).reshape(-1, 2)
        rows.append(("people in both, by their pixels", str(len(across.found))))
        if len(best):
            middle, after = np.median(best, axis=0)
            rows.append(("   similarity, median, and that of the next person", f"{middle:.2f} / {after:.2f}"))
            rows.append(("   of these with one name in both", str(sum(p.first == p.second for p in across.found))))
            rows.append(("   in both by name, but under another name by pixels", str(len(across.renamed))))
        unseen = set(across.by_name) - {pair.first for pair in across.found}
        rows.append(("people in both by name, not clear by pixels", str(len(unseen))))
    rows.append(("people in training in one and in test in the other", str(len(across.divided))))
    width = max(len(name) for name, _ in rows)
    return "\n".join([sentence(across), "", *(f"{name:<{width}}  {value}" for name, value in rows)])


def to_json(across: Across) -> dict[str, object]:
    """The entry of one pair of data sets in `audit.json`."""
    ours, theirs = across.folds
    return {
        "data": [across.first, across.second],
        "sentence": sentence(across),
        "leaks": bool(across.divided),
        "people": list(across.people),
        "pixels_compared": across.compared,
        "shared_by_pixels": len(across.found),
        "shared_by_name": len(across.by_name),
        "divided": [list(names) for names in across.divided],
        "other_name": [[pair.first, pair.second] for pair in across.renamed],
        "pairs": [
            {
                "people": [pair.first, pair.second],
                "similarity": pair.similarity,
                "runner_up": pair.runner_up,
                "clear": pair.clear,
                "folds": [ours[pair.first], theirs[pair.second]],
            }
            for pair in across.pairs
        ],
    }
