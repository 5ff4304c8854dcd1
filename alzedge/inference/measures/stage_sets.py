"""A person's stages: probabilities that agree with that of any dementia, and a conformal set of stated coverage.

Split conformal prediction (Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World") with the sets of
Sadinle, Lei and Wasserman 2019 (doi 10.1080/01621459.2017.1395341): a stage belongs to the set when 1 - P(stage) is at
most the stage's limit, under which 90 % of people at this stage lie who were not trained on. The coverage so holds at
each stage and not only over all people together (label-conditional, Vovk 2012, arXiv:1209.2673). Mild and moderate
dementia share a limit on 1 - P(mild or moderate), since hardly anybody has moderate dementia.
"""

import numpy as np

from alzedge.inference.measures.entry import Floats

STAGE_COVERAGE = 0.9
# Class of stages that share a limit, by stage.
CLASS_OF_STAGE = (0, 1, 2, 2)
CLASSES = 3


def stages_of(any_dementia: Floats, beyond: Floats, shares: Floats) -> Floats:
    """Stages by continuation ratios (Fienberg 1980, "The Analysis of Cross-Classified Categorical Data").

    Args:
        any_dementia: float64 (N,), probability of any dementia.
        beyond: float64 (N,), probability of mild or moderate dementia, given any.
        shares: float64 (3,), of the stages among people with any dementia; too few people have moderate dementia to tell
            it from mild by anything else.

    Returns:
        float64 (N, 4), rows sum to 1.
    """
    mild = shares[1] / (shares[1] + shares[2])
    further = any_dementia * beyond
    return np.stack([1 - any_dementia, any_dementia - further, further * mild, further * (1 - mild)], axis=1)


def improbability(probabilities: Floats) -> Floats:
    """Conformal score of each class of stages, 1 - P(class), float64 (3,), from the stages' probabilities (4,)."""
    classes: Floats = 1.0 - np.bincount(CLASS_OF_STAGE, probabilities).astype(np.float64)
    return classes


def stage_set(probabilities: Floats, limits: Floats) -> tuple[int, ...]:
    """Stages that cannot be ruled out, with all between them; none where all are too improbable.

    Args:
        probabilities: float64 (4,), of the person's stages.
        limits: float64 (3,), of each class of stages.
    """
    inside = np.flatnonzero(improbability(probabilities) <= limits)
    if not len(inside):
        return ()
    return tuple(stage for stage, own in enumerate(CLASS_OF_STAGE) if inside[0] <= own <= inside[-1])
