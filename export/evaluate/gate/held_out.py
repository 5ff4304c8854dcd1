"""People on whom two models can be compared fairly: neither has seen them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.data.split_names import SUBJECT
from alzedge.errors import UserError
from alzedge.export.evaluate.evaluate_sources import choose_splits
from alzedge.export.evaluate.exposure import exposure
from alzedge.export.evaluate.sources import CROSSVAL, Source
from alzedge.metrics.baselines import Sides
from alzedge.monitoring.audit.overlap import find_overlap


@dataclass(frozen=True, eq=False)
class HeldOutPeople:
    """Slices of people whom no model that is compared has seen.

    Attributes:
        rows: int (N,), ascending, in the data set.
        sides: rows that train and that test the baseline; see `alzedge.export.evaluate.gate.people.pair_people`.
        sentence: who they are.
    """

    rows: NDArray[np.intp]
    sides: Sides
    sentence: str


def choose_held_out(
    sources: Sequence[Source], dataset: DataSet, fold: int, trained_on: Sequence[DataSet] = ()
) -> HeldOutPeople:
    """Choose the people to compare models on.

    Stored predictions are compared on all of their people, each of whom a model without them answered for. Models of the
    data set are compared on the people of their fold, which they must share. A model of other data has seen nobody of the
    data set, so far as pixels tell: who is found in `trained_on`, or in the Kaggle archive, is left out.

    Args:
        sources: one or two; see `alzedge.export.evaluate.sources.open_sources`.
        dataset: whose people are known.
        fold: held out where no model says which.
        trained_on: data that models of other data were trained on.

    Raises:
        UserError: the people are unknown, a model has seen some of them, or nobody is left.
    """
    if not dataset.subjects_known:
        raise UserError(f"{dataset.name}: the people are unknown, and the gate compares people; add a subjects.csv.")
    stored = [source for source in sources if source.pooled is not None]
    if stored:
        return _pooled(sources, stored, dataset, fold)
    made = [source for source in sources if source.made is not None]
    if made:
        split = choose_splits(list(made), dataset, fold, (SUBJECT,))[SUBJECT]
        train, rows, sentence = split.train, split.test, f"{dataset.name}: {split.description}"
        for source in made:
            seen = exposure(source.made or split, split, dataset)
            if not seen.unseen_people:
                raise UserError(f"{source.name}: {seen.statement} Name a model made with the split `{SUBJECT}`.")
    else:
        train, rows = np.array([], np.intp), np.arange(len(dataset))
        sentence = f"{dataset.name}: people of other data than the models were made from"
    if len(made) < len(sources):
        overlap = find_overlap(dataset, trained_on)
        rows = rows[~overlap.seen[rows]]
        others = ", ".join(source.name for source in sources if source.made is None)
        sentence = f"{sentence}. {others} was made from other data. {overlap.sentence}"
    rows = rows[dataset.labels[rows] != UNKNOWN_STAGE]
    if not len(rows):
        raise UserError(f"{dataset.name}: nobody is left whom the models have not seen; name other data.")
    return HeldOutPeople(rows, [(train, rows)], sentence)


def _pooled(sources: Sequence[Source], stored: Sequence[Source], dataset: DataSet, fold: int) -> HeldOutPeople:
    if len(stored) < len(sources):
        raise UserError("predictions and a model file are on different people; name two of the same kind.")
    split = choose_splits(list(stored), dataset, fold, (CROSSVAL,))[CROSSVAL]
    folds = stored[0].pooled.fold if stored[0].pooled else np.array([], np.int64)
    sides = []
    for own in np.unique(folds):
        test = split.test[folds == own]
        sides.append((np.setdiff1d(split.test, test), test))
    return HeldOutPeople(split.test, sides, f"{dataset.name}: {split.description}")
