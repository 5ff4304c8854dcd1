"""Single entries of a record that nobody vouches for, each of the type that it should have, or None."""

from typing import Any


def entry_of(mapping: Any, name: str) -> Any:
    """Entry of a mapping; None where it is absent, or the mapping is none."""
    return mapping.get(name) if isinstance(mapping, dict) else None


def number(value: Any) -> float | None:
    """A finite number of sensible size as a float; None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 else None


def count(value: Any) -> int | None:
    """A whole number of things; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1e12 else None
