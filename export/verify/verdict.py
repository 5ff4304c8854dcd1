"""Is an exported file what its name says, and does it still answer what Keras answers?

What is refused, and from where on, stands in `alzedge.export.verify.limits`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.export.convert.contents import Contents
from alzedge.export.verify.limits import (
    QUANTIZED,
    Goals,
    HeldOut,
    refuse_collapse,
    refuse_empty_quantization,
    refuse_loss,
)
from alzedge.metrics.classification import compare


@dataclass(frozen=True)
class Verdict:
    """What is true of an exported file, without its record.

    Attributes:
        format: as asked for.
        contents: what the file is made of.
        float32_bytes: size of the float32 flatbuffer.
        slices, people: held out; people None when unknown.
        max_difference, mean_difference: of probabilities, from Keras'.
        agreement: share of slices with the same most probable stage.
        accuracy: of four stages per slice; `before` (Keras), `after` (the file) and `loss` with 95 % interval.
        any_dementia_auc: alike, of `auc_level`; None when a class is absent.
        auc_level: 'person', or 'slice' when people are unknown.
    """

    format: str
    contents: Contents
    float32_bytes: int
    slices: int
    people: int | None
    max_difference: float
    mean_difference: float
    agreement: float
    accuracy: dict[str, Any]
    any_dementia_auc: dict[str, Any] | None
    auc_level: str

    def to_dict(self) -> dict[str, Any]:
        """As written into the record; figures to four significant digits."""
        rounded: dict[str, Any] = _rounded(asdict(self))
        contents = rounded.pop("contents")
        if self.format not in QUANTIZED:
            del contents["floats"]  # all of them
        return {"format": rounded.pop("format"), **contents, **rounded}


def judge(fmt: str, contents: Contents, answers: NDArray[np.float32], held: HeldOut, goals: Goals) -> Verdict:
    """Judge an exported model; a collapse or a quantization that did nothing is refused.

    Args:
        fmt: a name from `alzedge.export.convert.formats.FORMATS`.
        contents: of the exported model.
        answers: its probabilities (N, 4) for `held.inputs`, from the interpreter that devices use.
        held, goals: what to judge by.

    Raises:
        UserError: the file is not what its name says or answers otherwise than Keras; says what to do.
    """
    refuse_empty_quantization(fmt, contents, goals)
    refuse_collapse(fmt, answers, held)
    difference = np.abs(answers.astype(np.float64) - held.keras)
    losses = compare(held.keras, answers, held.labels, held.subject)
    level = "slice" if held.subject is None else "person"
    verdict = Verdict(
        format=fmt,
        contents=contents,
        float32_bytes=goals.float32_bytes,
        slices=len(answers),
        people=held.people,
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        agreement=float((answers.argmax(axis=1) == held.keras.argmax(axis=1)).mean()),
        accuracy=losses["slice"]["stages4"]["accuracy"],
        any_dementia_auc=losses[level]["any_dementia"]["roc_auc"],
        auc_level=level,
    )
    refuse_loss(fmt, {"accuracy": verdict.accuracy, "AUC": verdict.any_dementia_auc})
    return verdict


def verdict_text(verdict: Verdict) -> str:
    """A verdict as a few readable lines."""
    found = verdict.contents
    whole = verdict.format in QUANTIZED and not found.floats
    kinds = _counts(found.tensors, str) + (", no floating-point one inside" if whole else "")
    total = max(1, sum(found.weights.values()))
    zeros = f", {found.sparsity:.0%} zeros" if verdict.format == "pruned" else ""
    values = f", at most {found.values} different in a filter" if verdict.format == "clustered" else ""
    people = "" if verdict.people is None else f" of {verdict.people} people"
    size = f"{_kib(found.bytes)}, gzipped {_kib(found.gzip_bytes)}, as float32 {_kib(verdict.float32_bytes)} KiB"
    difference = f"at most {verdict.max_difference:.2g}, on average {verdict.mean_difference:.2g}"
    lines = [
        f"verdict on {verdict.format}, {verdict.slices} held-out slices{people}, against the Keras student",
        f"  size        {size}; all without the record",
        f"  tensors     {kinds}",
        f"  weights     {_counts(found.weights, lambda n: f'{n / total:.0%}')}{zeros}{values}",
        f"  difference  {difference}; same stage for {verdict.agreement:.1%}",
        _figure_line("accuracy", verdict.accuracy),
    ]
    if found.operators:
        versions = _counts(found.operators, str)
        needs = f"; TensorFlow Lite {found.min_runtime} or newer" if found.min_runtime else ""
        lines.insert(4, f"  operators   {versions}{needs}")
    if verdict.any_dementia_auc is not None:
        lines.append(_figure_line("AUC", verdict.any_dementia_auc) + f", any dementia per {verdict.auc_level}")
    return "\n".join(lines)


def _kib(size: int) -> str:
    return f"{size / 1024:.1f}"


def _counts(counts: dict[str, int], show: Callable[[int], str]) -> str:
    return ", ".join(f"{name} {show(count)}" for name, count in counts.items())


def _figure_line(name: str, figure: dict[str, Any]) -> str:
    loss = figure["loss"]
    interval = f"{loss['low']:.3f} to {loss['high']:.3f}"
    return f"  {name:<11} {figure['after']:.3f}, Keras {figure['before']:.3f}; loss {loss['value']:.3f} ({interval})"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return [_rounded(entry) for entry in value] if isinstance(value, list | tuple) else value
