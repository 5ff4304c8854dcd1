"""Numbers of a record's entry `measures`: read with their shapes, since nobody vouches for them, and written short."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.model_file.record_entries import entry_of, number

Floats = NDArray[np.float64]
_DIGITS = 4


def wrong(name: str, expected: str) -> UserError:
    """The error for an entry that is not as `alzedge export` writes it."""
    return UserError(
        f"The model file's entry `measures` is wrong at {name}: expected {expected}; export the model again."
    )


def read_number(entry: Any, name: str, above: float = -np.inf) -> float:
    """Read a finite number above a bound."""
    value = number(entry_of(entry, name))
    if value is None or not value > above:
        raise wrong(name, "a number" if above == -np.inf else f"a number above {above:g}")
    return value


def read_numbers(entry: Any, name: str, count: int | None = None, above: float = -np.inf) -> Floats:
    """Read a list of finite numbers above a bound, float64 (count,); of any length but 0 where no count is told."""
    given = entry_of(entry, name)
    values = [number(one) for one in given] if isinstance(given, list) else []
    numbers = [one for one in values if one is not None and one > above]
    if not numbers or len(numbers) != len(values) or count not in (None, len(numbers)):
        raise wrong(name, f"{count or 'some'} numbers" + ("" if above == -np.inf else f" above {above:g}"))
    return np.array(numbers, np.float64)


def read_covariance(entry: Any, name: str, side: int) -> Floats:
    """Read a covariance matrix from its lower triangle row by row, float64 (side, side), positive definite."""
    values = read_numbers(entry, name, side * (side + 1) // 2)
    matrix = np.zeros((side, side))
    matrix[np.tril_indices(side)] = values
    matrix += np.tril(matrix, -1).T
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError as error:
        raise wrong(name, "a covariance matrix") from error
    return matrix


def short(values: Floats | tuple[float, ...]) -> list[float]:
    """Numbers with four significant digits, as many as they deserve."""
    return [float(f"{value:.{_DIGITS}g}") for value in np.asarray(values, np.float64).ravel().tolist()]


def short_covariance(matrix: Floats) -> list[float]:
    """The lower triangle of a covariance matrix row by row."""
    return short(matrix[np.tril_indices(len(matrix))])
