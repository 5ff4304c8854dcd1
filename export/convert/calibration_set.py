"""The slices of the training side that integer formats are calibrated on."""

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet, Split
from alzedge.errors import UserError


def calibration_images(dataset: DataSet, split: Split, count: int, seed: int) -> NDArray[np.intp]:
    """Choose slices to calibrate on, from the training side only and evenly over the stages.

    Args:
        dataset, split: the student's own.
        count: how many; all training slices if there are fewer.
        seed: of the random order within a stage.

    Returns:
        int (count,), ascending positions in the data set.

    Raises:
        UserError: there is no training slice, or one is of the test side or of a person there.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(split.train)
    # Deal round after round over the stages until there are enough.
    labels = dataset.labels[shuffled]
    turn = np.empty(len(shuffled), np.int64)
    for label in np.unique(labels):
        turn[labels == label] = np.arange((labels == label).sum())
    chosen: NDArray[np.intp] = np.sort(shuffled[np.lexsort((labels, turn))[:count]])
    if not len(chosen):
        raise UserError(f"{dataset.name} has no training slices to calibrate on; ask for at least one, of other data.")
    _refuse_test_slices(dataset, split, chosen)
    return chosen


def _refuse_test_slices(dataset: DataSet, split: Split, chosen: NDArray[np.intp]) -> None:
    tested = np.isin(chosen, split.test)
    if split.unseen_people:
        tested |= np.isin(dataset.subject[chosen], dataset.subject[split.test])
    if tested.any():
        raise UserError(
            f"{dataset.name}: {tested.sum()} of {len(chosen)} calibration slices belong to the test side of the "
            f"{split.name} split; take them from training people alone."
        )
