"""The form of a record: anybody can write one, so that each entry is checked once, when the file is read.

Entries that are not listed here pass, as those of other versions do; a listed one may be absent, but not be of another
type. Whoever needs an entry that is absent says so.
"""

import math
from collections.abc import Iterable
from typing import Any

_TEXT, _FLAG, _LIST, _TABLE = (str,), (bool,), (list,), (dict,)
_COUNT, _NUMBER = (int,), (int, float)
_NOTHING = (type(None),)
_LARGEST = 1e15
_ANY_NAME = "*"

_NEEDED = ("alzedge", "kind", "labels", "preprocessing")
_ESTIMATE = {"value": _NUMBER, "low": _NUMBER, "high": _NUMBER}
_LEVEL = {"n": _COUNT, "people": _COUNT + _NOTHING}
_SCHEMA: dict[str, Any] = {
    "alzedge": _TEXT,
    "kind": _TEXT,
    "labels": _LIST,
    "licence": _TEXT,
    "disclaimer": _TEXT,
    "preprocessing": {"shrink": _COUNT, "divide_by": _COUNT, "steps": _LIST, "lookup": _LIST},
    "recipe": {"name": _TEXT, "seed": _COUNT, _ANY_NAME: _TEXT + _COUNT + _TABLE + _LIST + (float,) + _NOTHING},
    "dataset": {
        "name": _TEXT,
        "synthetic": _FLAG,
        "fingerprint": _TEXT,
        "slices": _COUNT,
        "people": _COUNT + _NOTHING,
    },
    "split": {
        "name": _TEXT,
        "description": _TEXT,
        "fold": _COUNT + _NOTHING,
        "unseen_people": _FLAG + _NOTHING,
        "training_slices": _COUNT,
        "test_slices": _COUNT,
        "test_people": _COUNT + _NOTHING,
    },
    "soft_targets": {"cross_fit": _COUNT, "fluid": _FLAG, "temperature": _NUMBER},
    "demographics": {
        "columns": _LIST,
        "age": {"mean": _NUMBER, "deviation": _NUMBER, "youngest": _NUMBER, "oldest": _NUMBER},
        "low": _LIST,
        "high": _LIST,
    },
    "metrics": {
        _ANY_NAME: {
            "description": _TEXT,
            "unseen_people": _FLAG + _NOTHING,
            "measured_on": _TEXT,
            "floors": {_ANY_NAME: _NUMBER},
            "slice": _LEVEL,
            "person": _LEVEL,
        }
    },
    "gate": {
        "outcome": _TEXT,
        "candidate": _TEXT,
        "against": _TEXT + _NOTHING,
        "people": _COUNT,
        "signed_by": _TEXT,
        "checks": _LIST,
    },
    "operating_threshold": {
        "task": _TEXT,
        "level": _TEXT,
        "value": _NUMBER,
        "sensitivity": _ESTIMATE,
        "specificity": _ESTIMATE,
    },
}


def problem_of(record: dict[str, Any]) -> str | None:
    """Name the first thing in a record that is not as it should be, as a clause; None where all is."""
    missing = next((f"{name} is missing" for name in _NEEDED if name not in record), None)
    return missing or _in_table(record, _SCHEMA, "") or _number_in(record, "")


def _in_table(table: dict[str, Any], schema: dict[str, Any], where: str) -> str | None:
    for name, value in table.items():
        wanted = schema.get(name, schema.get(_ANY_NAME))
        if wanted is None or isinstance(wanted, dict) and value is None:
            continue
        if isinstance(wanted, dict):
            inside = _in_table(value, wanted, f"{where}{name}.") if isinstance(value, dict) else "is no table"
            if inside:
                return inside if isinstance(value, dict) else f"{where}{name} {inside}"
        elif isinstance(value, bool) and bool not in wanted or not isinstance(value, wanted):
            return f"{where}{name} is of another type"
    return None


def _number_in(value: Any, where: str) -> str | None:
    """The first number anywhere that is not finite, or larger than any that a record holds."""
    if isinstance(value, int | float):
        return None if math.isfinite(value) and abs(value) < _LARGEST else f"{where} is {value:.3g}"
    inside: Iterable[tuple[Any, Any]] = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return next((found for key, one in inside if (found := _number_in(one, f"{where}.{key}".lstrip(".")))), None)
