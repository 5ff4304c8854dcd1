"""Answers as named outputs, the same for both protocols."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.inference.answer import Answer
from alzedge.inference.writers import entries
from alzedge.stages import STAGES


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes:
        name: in requests and answers.
        datatype: by KServe's name.
        shape: of one instance's part.
    """

    name: str
    datatype: str
    shape: tuple[int, ...] = ()


INPUTS = (Tensor("images", "UINT8", (HEIGHT, WIDTH)), Tensor("age", "FP32"), Tensor("sex", "BYTES"))
OUTPUTS = (
    Tensor("any_dementia", "FP32"),
    Tensor("above_threshold", "BOOL"),
    Tensor("probabilities", "FP32", (len(STAGES),)),
    Tensor("stage", "BYTES"),
    Tensor("brain_volume", "FP32"),
    Tensor("brain_volume_interval", "FP32", (2,)),
    Tensor("brain_volume_percentile", "FP32"),
    Tensor("apparent_age", "FP32"),
    Tensor("apparent_age_interval", "FP32", (2,)),
    Tensor("unlikeness", "FP32"),
    Tensor("refused", "BYTES"),
    Tensor("notes", "BYTES"),
)


def row_of(answer: Answer) -> dict[str, Any]:
    """All outputs of one instance by name, with the values of `alzedge predict --json`; null where there is none."""
    told = entries(answer)
    dementia, shares = told["any_dementia"], told["probabilities"]
    volume, age = told["brain_volume"] or {}, told["apparent_age"] or {}
    return {
        "any_dementia": dementia["value"],
        "above_threshold": dementia["above"],
        "probabilities": shares and list(shares.values()),
        "stage": told["stage"],
        "brain_volume": volume.get("value"),
        "brain_volume_interval": [volume["low"], volume["high"]] if volume else None,
        "brain_volume_percentile": volume.get("percentile"),
        "apparent_age": age.get("value"),
        "apparent_age_interval": [age["low"], age["high"]] if age else None,
        "unlikeness": told["unlikeness"],
        "refused": told["refused"],
        "notes": "; ".join(told["notes"]) or None,
    }


def flat_values(output: Tensor, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """An output of all instances, one value after the other: a missing number is null, a missing text empty."""
    if output.datatype == "BYTES":
        return [row[output.name] or "" for row in rows]
    if not output.shape:
        return [row[output.name] for row in rows]
    nothing = [None] * output.shape[0]
    return [value for row in rows for value in (row[output.name] or nothing)]
