"""Settings as frozen dataclasses whose fields know their limits, checked as they are read."""

from dataclasses import field, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from alzedge.errors import UserError


def within(default: Any, low: float, high: float) -> Any:
    """A setting between two numbers, both allowed."""
    return field(default=default, metadata={"low": low, "high": high})


def one_of(default: Any, *choices: Any) -> Any:
    """A setting that is one of these."""
    return field(default=default, metadata={"choices": choices})


def build(cls: Any, table: dict[str, Any], file: str, section: str) -> Any:
    """Build the settings dataclass `cls` from a table as TOML holds it.

    Args:
        cls: its fields may be settings dataclasses themselves.
        table: nested plain values.
        file, section: how messages name the place.

    Raises:
        UserError: an unknown key or an impossible value.
    """
    known = {f.name: f for f in fields(cls)}
    hints = get_type_hints(cls)
    values = {}
    for key, value in table.items():
        where = f"{file}: {section}{key}"
        if key not in known:
            raise UserError(f"{where} is not a setting; known here: {', '.join(known)}.")
        if is_dataclass(hints[key]):
            if not isinstance(value, dict):
                raise UserError(f"{where}: expected a table [{key}], got {value!r}.")
            values[key] = build(hints[key], value, file, f"{section}{key}.")
        else:
            values[key] = checked(value, hints[key], known[key].metadata, where)
    return cls(**values)


def checked(value: Any, kind: Any, limits: Any, where: str) -> Any:
    """The value as a field of type `kind` holds it, if it keeps to the field's `limits`.

    Raises:
        UserError: it does not.
    """
    if get_origin(kind) is tuple:
        kinds = get_args(kind)
        of_length = "" if kinds[-1] is Ellipsis else f" of {len(kinds)}"
        if not isinstance(value, list) or of_length and len(value) != len(kinds):
            raise UserError(f"{where}: expected a list{of_length}, got {value!r}.")
        return tuple(checked(item, kinds[0], limits, where) for item in value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise UserError(f"{where}: expected {kind.__name__}, got {value!r}.")
    if "choices" in limits and value not in limits["choices"]:
        raise UserError(f"{where}: expected one of {', '.join(map(str, limits['choices']))}, got {value!r}.")
    if "low" in limits and not limits["low"] <= value <= limits["high"]:
        raise UserError(f"{where}: expected {limits['low']} to {limits['high']}, got {value!r}.")
    return value
