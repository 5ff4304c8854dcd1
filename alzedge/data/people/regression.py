"""Ridge regressions whose estimates never rest on the person they are for."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FOLDS = 10
_PENALTIES = np.logspace(-4, 2, 13)


def cross_fitted(features: Floats, targets: Floats, weights: Floats | None = None) -> Floats:
    """Estimates of each person's targets by regressions on the other people.

    People are dealt into ten folds by their row number, neighbours apart. Penalties are
    chosen for each target by generalised cross-validation on the training folds.

    Args:
        features: float64 (P, D).
        targets: float64 (P, T).
        weights: float64 (P,), of the people; None for equal ones.

    Returns:
        float64 (P, T).
    """
    from sklearn.linear_model import RidgeCV
    from threadpoolctl import threadpool_limits

    estimates = np.empty_like(targets)
    fold = np.arange(len(features)) % min(_FOLDS, len(features))
    with threadpool_limits(1):  # the same to the last bit on any machine's number of cores
        for test in range(fold.max() + 1):
            here, there = fold == test, fold != test
            model = RidgeCV(_PENALTIES, alpha_per_target=True)
            model.fit(features[there], targets[there], None if weights is None else weights[there])
            estimates[here] = model.predict(features[here]).reshape(-1, targets.shape[1])
    return estimates
