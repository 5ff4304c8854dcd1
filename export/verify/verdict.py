"""Verification of an exported file: it holds what its format promises and still answers as the Keras student does.

The limits from which on a file is refused are in `alzedge.export.verify.limits`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.export.convert.contents import Contents
from alzedge.export.convert.format_traits import TRAITS
from alzedge.export.verify.limits import (
    Goals,
    HeldOut,
    refuse_auc_drop,
    refuse_collapse,
    refuse_empty_quantization,
    refuse_loss,
)
from alzedge.metrics.classification import Loss, compare

# Share of slices with the same stage below which a file is another model for its user, though its figures may hold.
_LEAST_AGREEMENT = 0.9


@dataclass(frozen=True)
class Verdict:
    """Findings on an exported file, without its record.

    Attributes:
        format: its name in `alzedge.export.convert.format_traits.TRAITS`.
        contents: its tensors, weights and operators.
        float32_bytes: size of the float32 flatbuffer.
        slices, people: numbers held out; people None when unknown.
        max_difference, mean_difference: of probabilities, from Keras'.
        agreement: share of slices with the same most probable stage, 0 to 1.
        accuracy: of four stages per slice; `before` (Keras), `after` (the file) and `loss` with 95 % interval.
        any_dementia_auc: alike, of `auc_level`; None when a class is absent.
        auc_level: 'person', or 'slice' when people are unknown.
        measures: mean absolute difference from Keras' per slice by name: `brain_volume` as a share, `age` in years.
    """

    format: str
    contents: Contents
    float32_bytes: int
    slices: int
    people: int | None
    max_difference: float
    mean_difference: float
    agreement: float
    accuracy: Loss | None
    any_dementia_auc: Loss | None
    auc_level: str
    measures: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Entry of a record, figures to four significant digits."""
        rounded: dict[str, Any] = _rounded(asdict(self))
        contents = rounded.pop("contents")
        if not self.measures:
            del rounded["measures"]
        del contents["operator_counts"]  # for the terminal: the versions decide what runs the file
        if not TRAITS[self.format].quantized:
            del contents["floats"]  # all tensors are
        return {"format": rounded.pop("format"), **contents, **rounded}


def verify(
    fmt: str,
    contents: Contents,
    probabilities: NDArray[np.float32],
    held_out: HeldOut,
    goals: Goals,
    measures: Mapping[str, NDArray[np.float32]] | None = None,
) -> Verdict:
    """Verify an exported model; a collapse or a quantization without effect is refused.

    Args:
        fmt: a name from `alzedge.export.convert.format_traits.TRAITS`.
        contents: of the exported model.
        probabilities: float32 (N, 4), its output for `held_out.inputs` from the interpreter that devices use.
        held_out: slices, labels and Keras' output to compare with.
        goals: sizes and shares to reach.
        measures: float32 (N, 1) by name, what else it gives; None for nothing.

    Raises:
        UserError: the file does not hold what its format promises, or its output is not Keras'; names the cure.
    """
    refuse_empty_quantization(fmt, contents, goals)
    refuse_collapse(fmt, probabilities, held_out)
    difference = np.abs(probabilities.astype(np.float64) - held_out.keras)
    losses = compare(held_out.keras, probabilities, held_out.labels, held_out.subject)
    level = "slice" if held_out.subject is None else "person"
    verdict = Verdict(
        format=fmt,
        contents=contents,
        float32_bytes=goals.float32_bytes,
        slices=len(probabilities),
        people=held_out.people,
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        agreement=float((probabilities.argmax(axis=1) == held_out.keras.argmax(axis=1)).mean()),
        accuracy=losses["slice"]["stages4"]["accuracy"],
        any_dementia_auc=losses[level]["any_dementia"]["roc_auc"],
        auc_level=level,
        measures={
            name: float(np.abs((measures or {})[name] - keras).mean()) for name, keras in held_out.measures.items()
        },
    )
    refuse_loss(fmt, {"accuracy": verdict.accuracy, "AUC": verdict.any_dementia_auc})
    refuse_auc_drop(fmt, verdict.any_dementia_auc, goals.max_auc_drop)
    return verdict


def verdict_text(verdict: Verdict) -> str:
    """Write a verdict as a few lines for a terminal."""
    contents = verdict.contents
    integers = TRAITS[verdict.format].quantized and not contents.floats
    kinds = _counts(contents.tensors, str) + (", no floating-point one inside" if integers else "")
    total = max(1, sum(contents.weights.values()))
    zeros = f", {contents.sparsity:.0%} zeros" if verdict.format == "pruned" else ""
    values = f", at most {contents.values} different in a filter" if verdict.format == "clustered" else ""
    people = "" if verdict.people is None else f" of {verdict.people} people"
    size = f"{_kib(contents.bytes)}, gzipped {_kib(contents.gzip_bytes)}, as float32 {_kib(verdict.float32_bytes)} KiB"
    difference = f"at most {verdict.max_difference:.2g}, on average {verdict.mean_difference:.2g}"
    lines = [
        f"verdict on {verdict.format}, {verdict.slices} held-out slices{people}, against the Keras student",
        f"  size        {size}; all without the record",
        f"  tensors     {kinds}",
        f"  weights     {_counts(contents.weights, lambda n: f'{n / total:.0%}')}{zeros}{values}",
        f"  difference  {difference}; same stage for {verdict.agreement:.1%}",
    ]
    if verdict.accuracy is not None:
        lines.append(_figure_line("accuracy", verdict.accuracy))
    if contents.operators:
        counts = _counts(contents.operator_counts, str)
        needs = f"; TensorFlow Lite {contents.min_runtime} or newer" if contents.min_runtime else ""
        lines.insert(4, f"  operators   {counts}{needs}")
    if verdict.any_dementia_auc is not None:
        lines.append(_figure_line("AUC", verdict.any_dementia_auc) + f", any dementia per {verdict.auc_level}")
    if verdict.measures:
        volume, age = verdict.measures["brain_volume"], verdict.measures["age"]
        lines.append(f"  measures    brain volume differs by {volume:.4f} on average, apparent age by {age:.2f} years")
    if verdict.agreement < _LEAST_AGREEMENT:
        other = verdict.slices - round(verdict.agreement * verdict.slices)
        lines.append(
            f"  WARNING     names another stage than the Keras student for {other} of {verdict.slices} slices: it is "
            "another model; evaluate it before use"
        )
    return "\n".join(lines)


def _kib(size: int) -> str:
    return f"{size / 1024:.1f}"


def _counts(counts: dict[str, int], show: Callable[[int], str]) -> str:
    return ", ".join(f"{name} {show(count)}" for name, count in counts.items())


def _figure_line(name: str, figure: Loss) -> str:
    return f"  {name:<11} {figure.after:.3f}, Keras {figure.before:.3f}; loss {figure.loss.text()}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return [_rounded(entry) for entry in value] if isinstance(value, list | tuple) else value
