"""New values for attributes that survive, made from the old ones by the rules of the allow-list."""

import re
from collections.abc import Sequence
from typing import Any

from alzedge.deidentify.rules.allow_list import MR_IMAGE_CLASSES, VENDORS, Allowed, Rule
from alzedge.deidentify.rules.dates import capped_age

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_LARGEST_WHOLE = 999_999
# No length, time or angle of a scan is larger; record numbers are.
_LARGEST = 1e7
_SMALLEST = 1e-9
_LONGEST_DECIMAL = 16


def plain_value(allowed: Allowed, values: Sequence[Any]) -> list[Any]:
    """New values under the rules that need no key; empty where the old ones do not fit the rule.

    Args:
        allowed: the attribute.
        values: its old values: numbers or text, whatever a file held.
    """
    if allowed.rule is Rule.NUMBER:
        return _all_or_none([_number(value) for value in values])
    if allowed.rule is Rule.WHOLE:
        return _all_or_none([_whole(value) for value in values])
    words = [str(value).strip().upper() for value in values]
    if allowed.rule is Rule.CODE:
        return words if len(words) == 1 and words[0] in allowed.codes else []
    if allowed.rule is Rule.CODES:
        known = [word if word in allowed.codes else "OTHER" for word in words]
        return known if "OTHER" in allowed.codes else [word for word in known if word != "OTHER"]
    if allowed.rule is Rule.VENDOR:
        return [ours for start, ours in VENDORS.items() if words and f"{words[0]} ".lower().startswith(start)][:1]
    if allowed.rule is Rule.CLASS:
        return words if len(words) == 1 and words[0] in MR_IMAGE_CLASSES else []
    if allowed.rule is Rule.AGE:
        return [age for age in map(capped_age, words[:1]) if age]
    return []


def _all_or_none(values: list[Any]) -> list[Any]:
    return [] if None in values else values


def _number(value: Any) -> Any:
    """A finite number: of decimal text the text itself, so that no digit changes; of others nine digits, so that the
    bytes of a floating-point number cannot be those of a text."""
    text = str(getattr(value, "original_string", value)).strip()
    if isinstance(value, bool) or not _NUMBER.fullmatch(text) or not abs(float(text)) < _LARGEST:
        return None
    if isinstance(value, int) and not hasattr(value, "original_string"):
        return value
    if isinstance(value, float) and not hasattr(value, "original_string"):
        return float(f"{value:.9g}") if abs(value) >= _SMALLEST else 0.0
    return text if len(text) <= _LONGEST_DECIMAL else f"{float(text):.9g}"


def _whole(value: Any) -> int | None:
    number = _number(value)
    if number is None or not float(number).is_integer() or not 0 <= float(number) <= _LARGEST_WHOLE:
        return None
    return int(float(number))
