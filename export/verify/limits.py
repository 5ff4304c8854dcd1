"""When an exported model is refused.

A file is refused when it does not hold what its format promises, or when one of these is true on held-out slices:

- It answers NaN, or the same for every slice where Keras' answers span more than `_SPAN`.
- float32, onnx, saved_model, keras and float16 promise the same numbers: the largest difference passes `_EXACT`
  or, for float16, `_HALF`.
- The quantized rest promises the same network with some noise. Its mean difference passes `_NOISE` of Keras' signal:
  the mean difference a file would have that gives every slice Keras' mean answer and so looks at none. A hardly
  trained student has next to no signal; two steps of an int8 output are always allowed.
- qat-int8, pruned and clustered are other networks, trained further; only their worth is judged.
- For all: accuracy per slice or AUC of any dementia (per person where known) is worse by more than `_LOSS`
  for certain, that is, the whole 95 % interval of the loss lies above it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.export.convert.contents import Contents

_STEP = 1 / 256  # of an int8 probability
_SPAN = 4 * _STEP
_EXACT, _HALF = 1e-4, 2e-2
_NOISE, _LOSS = 0.5, 0.05

_SAME = {"float32": _EXACT, "onnx": _EXACT, "saved_model": _EXACT, "keras": _EXACT, "float16": _HALF}
_WHOLE = ("int8", "int8-float-io", "int16x8", "qat-int8", "pruned", "clustered")
QUANTIZED = ("dynamic", *_WHOLE)
_RETRAINED = ("qat-int8", "pruned", "clustered")


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The test side of a split, and what the Keras student says to it.

    Attributes:
        inputs: float32 (N, rows, columns, 1), preprocessed.
        labels: int64 (N,), index into `STAGES`.
        subject: str (N,), or None when people are unknown.
        keras: float32 (N, 4), probabilities.
        people: how many; None when unknown.
    """

    inputs: NDArray[np.float32]
    labels: NDArray[np.int64]
    subject: NDArray[np.str_] | None
    keras: NDArray[np.float32]

    @property
    def people(self) -> int | None:
        return None if self.subject is None else len(np.unique(self.subject))


@dataclass(frozen=True)
class Goals:
    """What was asked for besides the format.

    Attributes:
        float32_bytes: size of the same student as float32 flatbuffer.
        sparsity: share of zeros, for pruned.
        clusters: different values in a layer, for clustered.
    """

    float32_bytes: int
    sparsity: float = 0.0
    clusters: int = 0


def refuse_empty_quantization(fmt: str, contents: Contents, goals: Goals) -> None:
    """Refuse a file that does not hold what its format promises."""
    weights = sum(contents.weights.values())
    wanted = {"float16": "float16"} | dict.fromkeys(("dynamic", *_WHOLE), "int8")
    if fmt not in wanted:
        return
    share = contents.weights.get(wanted[fmt], 0) / max(1, weights)
    whole = fmt in _WHOLE
    problems = {
        f"its tensors {', '.join(contents.floats[:3])} are floating-point": whole and bool(contents.floats),
        f"only {share:.0%} of its weights are {wanted[fmt]}": share < (1 if whole else 0.5),
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
    for problem, found in problems.items():
        if found:
            raise UserError(f"No {fmt} model was written: {problem}; export this student as float32.")


def refuse_collapse(fmt: str, answers: NDArray[np.float32], held: HeldOut) -> None:
    """Refuse answers (N, 4) to the held-out slices that are not the student's any more."""
    broken = ~np.isfinite(answers).all(axis=1)
    if broken.any():
        raise _collapse(fmt, f"it answers NaN to {broken.sum()} of {len(answers)} held-out slices")
    if np.ptp(held.keras, axis=0).max() > _SPAN and np.ptp(answers, axis=0).max() < 1e-6:
        raise _collapse(fmt, "it gives every held-out slice the same answer")
    difference = np.abs(answers.astype(np.float64) - held.keras)
    if fmt in _SAME and difference.max() > _SAME[fmt]:
        raise _collapse(fmt, f"it differs from Keras by up to {difference.max():.2g} instead of {_SAME[fmt]:g}")
    signal = float(np.abs(held.keras - held.keras.mean(axis=0)).mean())
    limit = max(2 * _STEP, _NOISE * signal)
    if fmt not in _SAME and fmt not in _RETRAINED and difference.mean() > limit:
        raise _collapse(fmt, f"it differs from Keras by {difference.mean():.2g} on average, over the limit {limit:.2g}")


def refuse_loss(fmt: str, figures: dict[str, dict[str, Any] | None]) -> None:
    """Refuse a file that is worth less for certain; figures as in `alzedge.metrics.classification.compare`."""
    for name, figure in figures.items():
        if figure is not None and figure["loss"]["low"] > _LOSS:
            was, now = figure["before"], figure["after"]
            raise _collapse(fmt, f"its {name} on held-out slices is {now:.3f} instead of {was:.3f}")


def _collapse(fmt: str, what: str) -> UserError:
    cures = {
        "qat-int8": "train longer or with a lower compress.learning_rate in the recipe, or export as int8",
        "pruned": "lower compress.sparsity in the recipe or train longer, or export as int8",
        "clustered": "raise compress.clusters in the recipe or train longer, or export as int8",
        "float32": "train the student again",
    }
    calibrated = "calibrate on more slices (--calibration), or export as float16"
    cure = cures.get(fmt, calibrated if fmt in _WHOLE else "export as float32")
    return UserError(f"No {fmt} model was written: {what}; {cure}.")
