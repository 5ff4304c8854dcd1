"""The pooled answers of a cross-validation beside what is known of the people."""

from pathlib import Path

import numpy as np

from alzedge.data.dataset import DataSet
from alzedge.data.predictions import Predictions
from alzedge.export.calibration.slice_answers import SliceAnswers
from alzedge.inference.measures.readings import Readings


def read_answers(path: Path, dataset: DataSet) -> SliceAnswers | None:
    """Read stored predictions of a measuring student beside what is known of the people.

    Args:
        path: predictions of slices of `dataset`, as `alzedge crossval` writes them.
        dataset: whose people are known.

    Returns:
        None where the student does not measure brain volume and age.

    Raises:
        UserError: see `alzedge.data.predictions.Predictions.load`.
    """
    stored = Predictions.load(path)
    if not (np.isfinite(stored.brain_volume).all() and np.isfinite(stored.age).all()):
        return None
    place = {image: row for row, image in enumerate(dataset.paths.tolist())}
    rows = np.array([place[image] for image in stored.paths.tolist()], np.intp)
    readings = Readings(stored.probabilities, dataset.height[rows], stored.brain_volume, stored.age)
    return SliceAnswers.of(dataset.take(rows), readings, stored.fold)
