"""Limits from which on an exported model is refused.

A file is refused when it does not hold what its format promises (`alzedge.export.convert.format_traits`), or when one
of these is true on held-out slices:

- It outputs NaN, or the same for every slice where Keras' probabilities span more than `_SPAN`.
- float32, onnx, saved_model, keras and float16 promise the same numbers: the largest difference passes the format's
  tolerance.
- The quantized rest promises the same network with some noise. Its mean difference passes `_NOISE` of Keras' signal:
  the mean difference of a file that gives every slice Keras' mean output and so looks at none. A hardly trained
  student has next to no signal; two steps of an int8 output are always allowed.
- qat-int8, pruned and clustered are other networks, trained further; only their figures are looked at.
- For all: accuracy per slice or AUC of any dementia (per person where known) is worse by more than `_LOSS`
  for certain, that is, the whole 95 % interval of the loss lies above it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.export.convert.contents import Contents
from alzedge.export.convert.format_traits import TRAITS
from alzedge.metrics.classification import Loss

_STEP = 1 / 256  # of an int8 probability
_SPAN = 4 * _STEP
_NOISE, _LOSS = 0.5, 0.05


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The test side of a split, with the Keras student's output for it.

    Attributes:
        inputs: float32 (N, rows, columns, 1), preprocessed.
        labels: int64 (N,), index into `STAGES`.
        subject: str (N,), or None when people are unknown.
        keras: float32 (N, 4), probabilities.
        measures: float32 (N, 1) by name, `brain_volume` and `age` of a measuring student.
        demographics: float32 (N, 4), of the person on each slice; None for a student of the image alone.
    """

    inputs: NDArray[np.float32]
    labels: NDArray[np.int64]
    subject: NDArray[np.str_] | None
    keras: NDArray[np.float32]
    measures: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    demographics: NDArray[np.float32] | None = None

    @property
    def people(self) -> int | None:
        """Number of people; None when they are unknown."""
        return None if self.subject is None else len(np.unique(self.subject))


@dataclass(frozen=True)
class Goals:
    """Requirements on a file besides its format's.

    Attributes:
        float32_bytes: size of the same student as float32 flatbuffer, which a converted file must stay below.
        sparsity: least share of zeros among kernel weights, 0 to 1, for pruned.
        clusters: largest number of different values in a filter, for clustered.
        max_auc_drop: largest fall of the AUC of any dementia below Keras', 0 to 1; None: only a certain loss is refused.
    """

    float32_bytes: int
    sparsity: float = 0.0
    clusters: int = 0
    max_auc_drop: float | None = None


def refuse_empty_quantization(fmt: str, contents: Contents, goals: Goals) -> None:
    """Refuse a file that does not hold what its format promises.

    Raises:
        UserError: names the first promise that is broken.
    """
    traits = TRAITS[fmt]
    if traits.weights is None:
        return
    share = contents.weights.get(traits.weights, 0) / max(1, sum(contents.weights.values()))
    problems = {
        f"its tensors {', '.join(contents.floats[:3])} are floating-point": (
            traits.integer_only and bool(contents.floats)
        ),
        f"only {share:.0%} of its weights are {traits.weights}": share < (1 if traits.integer_only else 0.5),
        "it has no int16 activations": fmt == "int16x8" and not contents.tensors.get("int16"),
        f"its {contents.bytes} bytes are no less than float32's {goals.float32_bytes}": (
            contents.bytes >= goals.float32_bytes
        ),
        f"only {contents.sparsity:.0%} of its weights are zero, not {goals.sparsity:.0%}": (
            fmt == "pruned" and contents.sparsity < 0.95 * goals.sparsity
        ),
        f"a filter has {contents.values} different weights, not {goals.clusters}": (
            fmt == "clustered" and contents.values > goals.clusters
        ),
    }
    for problem, present in problems.items():
        if present:
            raise UserError(f"No {fmt} model was written: {problem}; export this student as float32.")


def refuse_collapse(fmt: str, probabilities: NDArray[np.float32], held_out: HeldOut) -> None:
    """Refuse an output that is not the student's any more.

    Args:
        fmt: a name from `TRAITS`.
        probabilities: float32 (N, 4), of the file for `held_out.inputs`.
        held_out: to compare with.

    Raises:
        UserError: names the difference and the cure.
    """
    broken = ~np.isfinite(probabilities).all(axis=1)
    if broken.any():
        raise _collapse(fmt, f"it answers NaN to {broken.sum()} of {len(probabilities)} held-out slices")
    if np.ptp(held_out.keras, axis=0).max() > _SPAN and np.ptp(probabilities, axis=0).max() < 1e-6:
        raise _collapse(fmt, "it gives every held-out slice the same answer")
    traits = TRAITS[fmt]
    difference = np.abs(probabilities.astype(np.float64) - held_out.keras)
    if traits.tolerance is not None and difference.max() > traits.tolerance:
        raise _collapse(fmt, f"it differs from Keras by up to {difference.max():.2g} instead of {traits.tolerance:g}")
    signal = float(np.abs(held_out.keras - held_out.keras.mean(axis=0)).mean())
    limit = max(2 * _STEP, _NOISE * signal)
    if traits.tolerance is None and not traits.trained and difference.mean() > limit:
        raise _collapse(fmt, f"it differs from Keras by {difference.mean():.2g} on average, over the limit {limit:.2g}")


def refuse_loss(fmt: str, losses: dict[str, Loss | None]) -> None:
    """Refuse a file whose figures are worse for certain.

    Args:
        fmt: a name from `TRAITS`.
        losses: by name of the figure; None where a class is absent.

    Raises:
        UserError: names the figure and the cure.
    """
    for name, found in losses.items():
        if found is not None and found.loss.low > _LOSS:
            raise _collapse(fmt, f"its {name} on held-out slices is {found.after:.3f} instead of {found.before:.3f}")


def refuse_auc_drop(fmt: str, auc: Loss | None, limit: float | None) -> None:
    """Refuse a file whose AUC of any dementia falls by more than the user allows, certain or not.

    Raises:
        UserError: it does, or there is no AUC because a class is absent on the test side.
    """
    if limit is None:
        return
    if auc is None:
        raise UserError(
            f"No {fmt} model was written: the test side has one class, so its AUC is unknown; leave --max-auc-drop out."
        )
    if auc.before - auc.after > limit:
        raise _collapse(fmt, f"its AUC falls from {auc.before:.3f} to {auc.after:.3f}, by more than {limit:g}")


def _collapse(fmt: str, problem: str) -> UserError:
    cures = {
        "qat-int8": "train longer or with a lower compress.learning_rate in the recipe, or export as int8",
        "pruned": "lower compress.sparsity in the recipe or train longer, or export as int8",
        "clustered": "raise compress.clusters in the recipe or train longer, or export as int8",
        "float32": "train the student again",
    }
    calibrated = "calibrate on more slices (--calibration-slices), or export as float16"
    cure = cures.get(fmt, calibrated if TRAITS[fmt].calibrated else "export as float32")
    return UserError(f"No {fmt} model was written: {problem}; {cure}.")
