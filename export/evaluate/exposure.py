"""Exposure of a model to a test set in its training, which decides what its figures there may claim."""

import numpy as np

from alzedge.data.dataset import DataSet, Split
from alzedge.metrics.split_evaluation import Exposure

UNKNOWN = "The people are unknown, so nothing can be claimed about unseen people."


def exposure(made: Split, test: Split, dataset: DataSet) -> Exposure:
    """Count what a model made with one split has seen of the test side of another, or of the same.

    Args:
        made: the split that the model was made with.
        test: the model is evaluated on its test side.
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
