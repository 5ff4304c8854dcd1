"""Calibration and test slices from other data than a student was made from."""

import numpy as np

from alzedge.audit.overlap import find_overlap
from alzedge.data.dataset import DataSet, Split
from alzedge.errors import UserError
from alzedge.export.evaluate.external import external_split


def test_slices(test: DataSet, dataset: DataSet) -> DataSet:
    """Slices of other data to verify an exported file on, without the people who are found in known data.

    Args:
        test: data to test on.
        dataset: that the student was made from.

    Raises:
        UserError: nobody is left.
    """
    return test.take(external_split(test, find_overlap(test, [dataset])).test)


def calibration_split(calibration: DataSet, tested: DataSet) -> Split:
    """Slices of other data to calibrate on, as the training side of a split, without those that test.

    Raises:
        UserError: all of them test.
    """
    left = np.flatnonzero(~find_overlap(calibration, [tested], archive=False).seen)
    if not len(left):
        raise UserError(
            f"{calibration.name}: all slices are found among those that test; name other data to calibrate on."
        )
    return Split("elsewhere", left, np.array([], np.intp), None, f"calibrated on {calibration.name}", None)
