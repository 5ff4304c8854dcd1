"""A person's stages: probabilities that agree with that of any dementia, and a conformal set of stated coverage.

Split conformal prediction (Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World") with the least
ambiguous sets of Sadinle, Lei and Wasserman 2019 (doi 10.1080/01621459.2017.1395341): a stage belongs to the set when
1 - P(stage) is at most the limit under which 90 % of people not trained on lie with their true stage. Over people like
these, and over all stages together, the set then holds the true stage for 90 %.
"""

import numpy as np

from alzedge.inference.measures.entry import Floats

STAGE_COVERAGE = 0.9
# Weight of the shares known beforehand against a slice's own: int8 probabilities of 0 mean less than 1/512.
_WEIGHT = 1 / 256


def person_stages(any_dementia: float, probabilities: Floats, shares: Floats) -> Floats:
    """Stages of a person: those with dementia share its probability as they do on average over the slices.

    Args:
        any_dementia: the person's probability of any dementia.
        probabilities: float64 (N, 4), of the slices.
        shares: float64 (3,), of the stages among people with dementia, for slices that see none.

    Returns:
        float64 (4,), sum 1.
    """
    ill = probabilities[:, 1:].mean(axis=0) + _WEIGHT * shares
    return np.concatenate([[1 - any_dementia], any_dementia * ill / ill.sum()])


def stage_set(probabilities: Floats, limit: float) -> tuple[int, ...]:
    """Stages whose 1 - P is at most the limit; none where all are too improbable, all where none can be ruled out."""
    return tuple(np.flatnonzero(1 - probabilities <= limit).tolist())
