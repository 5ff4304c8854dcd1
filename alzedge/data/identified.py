"""Data sets of OASIS-1's people, with what its table says of them."""

from collections.abc import Sequence

from alzedge.data.dataset import DataSet
from alzedge.data.kaggle import KAGGLE
from alzedge.data.people.identify import recover
from alzedge.data.people.linking import link_people
from alzedge.data.people.table import Person
from alzedge.errors import UserError
from alzedge.utils.extras import require
from alzedge.utils.progress import OnStep, quiet


def with_people(dataset: DataSet, people: Sequence[Person], on_step: OnStep = quiet) -> DataSet:
    """Find the people of a data set in OASIS-1's table and add what it says of them.

    The Kaggle archive's people are recovered (`alzedge.data.people.identify`); whoever is known takes OASIS-1's identifier as
    subject, the others keep the archive's name. People whom a data set's own table names stay as they are.

    Args:
        dataset: the archive, or another data set whose people are known.
        people: OASIS-1's table.
        on_step: is told of the steps of the recovery.

    Raises:
        UserError: the people are not known, or of another data set; packages are missing.
    """
    if len(dataset) and (dataset.source == KAGGLE).all():
        require("audit")
        return link_people(dataset, recover(dataset, people, on_step))
    if not dataset.subjects_known:
        raise UserError(
            f"{dataset.name}: neither the Kaggle archive with its file names nor prepared scans of OASIS-1, so a table of "
            "people says nothing about it; leave --people out, or name the original archive.zip."
        )
    return dataset
