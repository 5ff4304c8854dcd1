"""Schema: what a data set's values may be, as text that a person edits (`tensorflow_metadata.proto.v0.schema_pb2`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alzedge.errors import UserError
from alzedge.monitoring.quantities import IMAGE, NUMBERS, PERSON, TEXTS
from alzedge.monitoring.statistics import Reference, Summary
from alzedge.utils.extras import require
from alzedge.utils.files import write_text
from alzedge.utils.parsing import parsing

# Columns that have a range: not the answers, which are no part of the data.
_RANGED = (*(name for name, one in NUMBERS.items() if one.kind in (IMAGE, PERSON)), "unlikeness")
# The range goes beyond the lowest and the highest slice by this share of what lies between them.
_MARGIN = 0.05
_DIGITS = 4
_HEAD = """\
# What slices may be like, inferred by `alzedge schema` from {name}; edit it as you know better.
# min and max are of single slices. `alzedge validate` names an anomaly where more than 1 % of all slices, or most slices of one
# person, lie outside. presence is the share of slices of which a value must be known. Every value of a string_domain must
# occur, and no other one may.
"""


@dataclass(frozen=True)
class Domain:
    """What one column of numbers may hold.

    Attributes:
        low, high: ends of the range; infinite where open.
        present: share of the slices of which a value must be known.
    """

    low: float
    high: float
    present: float


@dataclass(frozen=True)
class Schema:
    """What the columns may hold.

    Attributes:
        name: of its file.
        numbers: by name of the column.
        texts: the values that must occur, by name of the column.
    """

    name: str
    numbers: Mapping[str, Domain]
    texts: Mapping[str, tuple[str, ...]]


def infer_schema(reference: Reference, path: Path) -> None:
    """Write the schema of a data set's slices as text, whole or not at all.

    Args:
        reference: statistics of the data set.
        path: of the `.pbtxt` file.

    Raises:
        UserError: statistics without slices.
    """
    require("mlops")
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    if reference.slices is None:
        raise UserError(f"{reference.name}: statistics of a log, without slices; name those of a data set.")
    document = schema_pb2.Schema()
    for name, summary in reference.slices.numbers.items():
        feature = document.feature.add(name=name, type=schema_pb2.FLOAT)
        feature.annotation.comment.append(NUMBERS[name].heading)
        if name in _RANGED:
            _write_domain(feature, summary)
    for name, counts in reference.slices.texts.items():
        feature = document.feature.add(name=name, type=schema_pb2.BYTES)
        feature.presence.min_fraction = 0
        feature.string_domain.value.extend(sorted(counts))
        feature.annotation.comment.append(TEXTS[name].heading)
    write_text(path, _HEAD.format(name=" ".join(reference.name.split())) + text_format.MessageToString(document))


def read_schema(path: Path) -> Schema:
    """Read a schema.

    Raises:
        UserError: no such file, no schema, or one that says nothing about slices of a brain.
    """
    require("mlops")
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    if not path.is_file():
        raise UserError(f"{path}: no such file; make it with `alzedge schema STATS --out {path.name}`.")
    document = schema_pb2.Schema()
    with parsing(f"{path}: not a schema", "mend the line or make it again with `alzedge schema`."):
        text_format.Parse(path.read_bytes().decode(), document)
    numbers = {feature.name: _domain(feature) for feature in document.feature if feature.name in NUMBERS}
    texts = {feature.name: tuple(feature.string_domain.value) for feature in document.feature if feature.name in TEXTS}
    known = {feature.name for feature in document.feature}
    if not any(NUMBERS[name].kind == IMAGE for name in numbers):
        others = ", ".join(sorted(known)[:3]) or "nothing"
        raise UserError(f"{path}: a schema of another data set, it describes {others}; make one with `alzedge schema`.")
    for name, domain in numbers.items():
        if not domain.low <= domain.high:
            raise UserError(f"{path}: {name} has a min above its max; mend the schema.")
    return Schema(path.name, numbers, texts)


def _write_domain(feature: Any, summary: Summary) -> None:
    low, high = float(summary.quantiles[0]), float(summary.quantiles[-1])
    margin = _MARGIN * (high - low)
    feature.float_domain.min = _rounded(low - margin)
    feature.float_domain.max = _rounded(high + margin)
    feature.presence.min_fraction = 1.0 if summary.missing == 0 and NUMBERS[feature.name].kind == IMAGE else 0.0


def _domain(feature: Any) -> Domain:
    limits = feature.float_domain
    return Domain(
        limits.min if limits.HasField("min") else -np.inf,
        limits.max if limits.HasField("max") else np.inf,
        feature.presence.min_fraction,
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
