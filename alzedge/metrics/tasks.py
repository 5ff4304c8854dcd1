"""The tasks that models are evaluated on, one table for figures, curves, cards and pages."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.stages import STAGES

_DECIMALS = 12  # sums that differ by rounding alone are ties


@dataclass(frozen=True)
class Task:
    """One classification of slices or people.

    Attributes:
        name: key in every `metrics.json`.
        title: in tables and pictures.
        groups: indices into `STAGES` that make up each class; stages in no group are left out.
        classes: name of each class; of two, the second is the positive one.
    """

    name: str
    title: str
    groups: tuple[tuple[int, ...], ...]
    classes: tuple[str, ...]

    @property
    def summary(self) -> tuple[str, ...]:
        """The figures that a model file carries and tables show; the third is the one to compare models by."""
        return ("accuracy", "balanced_accuracy", "roc_auc" if self.binary else "macro_roc_auc", "ece")

    @property
    def binary(self) -> bool:
        """True for two classes, of which the second is the positive one."""
        return len(self.groups) == 2

    def labels(self, stages: NDArray[np.int64]) -> NDArray[np.int64]:
        """Class of each stage: int64 (N,) -> int64 (N,), -1 where it is left out or unknown (-1)."""
        lookup = np.full(len(STAGES) + 1, -1, np.int64)  # its last entry is that of the unknown stage
        for index, group in enumerate(self.groups):
            lookup[list(group)] = index
        classes: NDArray[np.int64] = lookup[stages]
        return classes

    def scores(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each class, float64 (N, 4) -> (N, classes): the sum over its stages.

        Rows sum to less than 1 where stages are left out. `normalised` makes up for that.
        """
        sums = np.stack([probabilities[:, list(group)].sum(axis=1) for group in self.groups], axis=1)
        return sums.round(_DECIMALS)


# Figures by their key in every `metrics.json`.
FIGURES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "macro_roc_auc": "macro ROC AUC",
    "micro_roc_auc": "micro ROC AUC",
    "macro_pr_auc": "macro PR AUC",
    "micro_pr_auc": "micro PR AUC",
    "ece": "expected calibration error",
    "brier": "Brier score",
    "log_loss": "log loss",
}


def normalised(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores as probabilities given that one of the classes is true; even where all of them are 0, as int8 has it."""
    total = scores.sum(axis=1, keepdims=True)
    even = np.full_like(scores, 1 / scores.shape[1])
    shares: NDArray[np.float64] = np.divide(scores, total, out=even, where=total > 0)
    return shares


STAGES4 = Task("stages4", "4 stages", ((0,), (1,), (2,), (3,)), STAGES)
# Two people of the Kaggle set carry the moderate class: too few for anything that stands on it alone.
STAGES3 = Task("stages3", "3 stages", ((0,), (1,), (2, 3)), (*STAGES[:2], "MildOrModerateDemented"))
ANY_DEMENTIA = Task("any_dementia", "any dementia against none", ((0,), (1, 2, 3)), ("none", "any dementia"))
CDR1 = Task("cdr1", "CDR 1 or more against 0, very mild left out", ((0,), (2, 3)), ("CDR 0", "CDR 1 or more"))

TASKS = (STAGES4, STAGES3, ANY_DEMENTIA, CDR1)
