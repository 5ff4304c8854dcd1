"""Several data sets as one, people who are in more than one of them being the same by name."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.data.folds import oasis_folds
from alzedge.data.kaggle import KAGGLE
from alzedge.data.prepared_scans import OASIS1
from alzedge.errors import UserError
from alzedge.stages import STAGES


def join_datasets(*datasets: DataSet) -> DataSet:
    """Join data sets, in the order given; slices of one subject name are of one person, whatever their source.

    Beside OASIS-1's scans, people of the Kaggle set who were not identified are left out: each of them is somebody among
    OASIS-1's people, nobody knows who, and any fold might be the wrong one. A `source` that is unknown becomes the data
    set's name; paths that are in two data sets get the name in front.

    Raises:
        UserError: nothing to join, phantoms and people together, one data set twice, the Kaggle set unidentified beside
            OASIS-1's scans, some people known and others not, or one person with two stages or two sexes.
    """
    if not datasets:
        raise UserError("no data set was named; name at least one.")
    if len(datasets) == 1:
        return datasets[0]
    _check_kinds(datasets)
    parts = [_sourced(part) for part in _without_unidentified(datasets)]
    paths = np.concatenate([part.paths for part in parts])
    if len(np.unique(paths)) < len(paths):
        parts = [replace(part, paths=np.char.add(f"{part.name}: ", part.paths)) for part in parts]
    arrays: dict[str, NDArray[Any]] = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(DataSet)
        if isinstance(getattr(parts[0], field.name), np.ndarray)
    }
    joined = DataSet(name=" + ".join(part.name for part in parts), synthetic=parts[0].synthetic, **arrays)
    _check_people(joined)
    return joined


def _check_kinds(datasets: tuple[DataSet, ...]) -> None:
    for number, one in enumerate(datasets):
        for other in datasets[:number]:
            if one.synthetic != other.synthetic:
                raise UserError(f"{other.name} and {one.name}: phantoms and people are not joined; name one kind.")
            if one.name == other.name and one.fingerprint == other.fingerprint:
                raise UserError(f"{one.name} is named twice; name each data set once.")
            if one.subjects_known != other.subjects_known:
                unknown = other if one.subjects_known else one
                raise UserError(
                    f"The people in {unknown.name} are unknown, so they may be those of the other data set; add a "
                    "subjects.csv (see `alzedge subjects --help`)."
                )


def _without_unidentified(datasets: tuple[DataSet, ...]) -> list[DataSet]:
    """The data sets, where OASIS-1's scans are among them without the Kaggle subjects who could be anybody of these."""
    if not any((dataset.source == OASIS1).any() for dataset in datasets):
        return list(datasets)
    people = list(oasis_folds())
    kept = []
    for dataset in datasets:
        sure = (dataset.source != KAGGLE) | np.isin(dataset.subject, people)
        if not sure.any():
            raise UserError(
                f"{dataset.name}: its people are among OASIS-1's, and which is not known, so the same person could train and "
                "test; name OASIS-1's table with --people."
            )
        kept.append(dataset if sure.all() else dataset.take(np.flatnonzero(sure)))
    return kept


def _sourced(dataset: DataSet) -> DataSet:
    return replace(dataset, source=np.where(dataset.source == "", dataset.name, dataset.source))


def _check_people(joined: DataSet) -> None:
    """Refuse a person with two stages or two sexes; unknown ones contradict nothing."""
    if not joined.subjects_known:
        return
    stage = np.array([STAGES[label] for label in joined.labels], str)
    for values, known in ((stage, joined.labels != UNKNOWN_STAGE), (joined.sex, joined.sex != "")):
        _, first, person = np.unique(joined.subject[known], return_index=True, return_inverse=True)
        here = values[known]
        other = np.flatnonzero(here != here[first][person])
        if len(other):
            at = other[0]
            sources = joined.source[known]
            raise UserError(
                f"{joined.subject[known][at]} is {here[first][person][at]} in {sources[first][person][at]} and {here[at]} in "
                f"{sources[at]}; give different people different names, or mend the tables."
            )
