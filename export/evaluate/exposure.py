"""Whom of a test set a model has seen in training: what its figures there may claim."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from alzedge.data.dataset import DataSet, Split

UNKNOWN = "The people are unknown, so nothing can be claimed about unseen people."


@dataclass(frozen=True)
class Exposure:
    """What one model has seen of one test set.

    Attributes:
        unseen_people: whether it was trained without everybody who is tested; None when nobody knows.
        seen_slices: test slices that trained it.
        seen_people: people tested of whom any slice trained it; None when unknown.
        statement: a sentence for the reader.
    """

    unseen_people: bool | None
    seen_slices: int
    seen_people: int | None
    statement: str

    def to_dict(self) -> dict[str, Any]:
        """As written into `metrics.json`."""
        return asdict(self)


def exposure(made: Split, test: Split, dataset: DataSet) -> Exposure:
    """What a model made with one split has seen of the test side of another, or of the same.

    Args:
        made: the split that the model was made with.
        test: its test side is judged on.
        dataset: of both.
    """
    seen_slices = len(np.intersect1d(made.train, test.test))
    if not dataset.subjects_known:
        return Exposure(None, seen_slices, None, UNKNOWN)
    tested = np.unique(dataset.subject[test.test])
    seen = len(np.intersect1d(tested, dataset.subject[made.train]))
    if not seen:
        return Exposure(True, 0, 0, f"Trained without any of the {len(tested)} people tested.")
    whom = f"all {seen}" if seen == len(tested) else f"{seen} of the {len(tested)}"
    outside = "" if made.fold is None else f", those outside fold {made.fold}"
    what = "on other slices of" if not seen_slices else f"on {seen_slices} of the {len(test.test)} slices tested and on"
    statement = f"Trained {what} {whom} people tested{outside}: these figures say nothing about new people."
    return Exposure(False, seen_slices, seen, statement)
