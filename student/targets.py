"""A second opinion on a person: how much fluid there is, slice by slice.

Fluid takes the room of brain tissue that has gone, so its share tells stages apart without any network
(`alzedge audit` reports how well). It needs all slices of a person at once, which the student will not have;
as part of the soft targets it is privileged information (Lopez-Paz et al. 2016, arXiv:1511.03643). Like the
cross-fitted teachers, each regression answers only for people it was not fitted on.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from alzedge.metrics.baselines import features_of
from alzedge.stages import STAGES

_PLACES = 32
_COMPONENTS = 10
_INVERSE_STRENGTH = 0.1  # `C` of the regression, and the components: those of the floor in `alzedge.metrics.baselines`


def fluid_by_person(
    images: NDArray[np.uint8], person: NDArray[np.intp], places: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Shares of fluid of every person at 32 places from the first slice to the last, between slices interpolated.

    Args:
        images: uint8 (N, 208, 176).
        person: int (N,), whose slice it is, 0 to P - 1, nobody without a slice.
        places: int64 (N,), position in the volume; where it is unknown, equal, and the slices count as they come.

    Returns:
        float32 (P, 64).
    """
    fluid = features_of(images).fluid
    order = np.lexsort((places, person))
    first = np.searchsorted(person[order], np.arange(person.max() + 2))
    rows = []
    for start, end in pairwise(first):
        own = fluid[order[start:end]]
        at = np.linspace(0, 1, len(own)) if len(own) > 1 else np.zeros(1)
        rows.append([np.interp(np.linspace(0, 1, _PLACES), at, column) for column in own.T])
    return np.asarray(rows, np.float32).reshape(len(rows), -1)


def cross_fitted_regression(
    values: NDArray[np.float32], labels: NDArray[np.int64], part_of: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Logistic regression on principal components, fitted without each part of the people and asked about it.

    Args:
        values: float32 (P, features).
        labels: int64 (P,), index into `STAGES`.
        part_of: int64 (P,).

    Returns:
        float64 (P, 4), probabilities; 0 for a stage that nobody outside the part has.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    answers = np.zeros((len(values), len(STAGES)))
    for part in np.unique(part_of):
        others, own = np.flatnonzero(part_of != part), np.flatnonzero(part_of == part)
        components = PCA(min(_COMPONENTS, len(others), values.shape[1]), random_state=0)
        regression = LogisticRegression(C=_INVERSE_STRENGTH, solver="newton-cholesky")
        model = make_pipeline(StandardScaler(), components, regression).fit(values[others], labels[others])
        answers[np.ix_(own, model.classes_)] = model.predict_proba(values[own])
    return answers
