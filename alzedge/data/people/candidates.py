"""Candidates: the people of OASIS-1 whom the subjects of a class of the archive may be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.people.table import Person
from alzedge.errors import UserError

Floats = NDArray[np.float64]
# What the images are asked for: nWBV, age in years, eTIV in cm3, and sex as 1 for M and 0 for F.
COVARIATES = ("nWBV", "age", "eTIV", "sex")
CDR_OF_CLASS = (0.0, 0.5, 1.0, 2.0)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Subjects and people of one class, each in its own order.

    Attributes:
        rows: int (n,), the subjects' numbers among all.
        people: m people in the order of their identifiers.
        covariates: float64 (m, 4), `COVARIATES` of the people, standardised over all classes.
    """

    rows: NDArray[np.intp]
    people: tuple[Person, ...]
    covariates: Floats


@dataclass(frozen=True, eq=False)
class Classes:
    """The candidates of each class that has subjects; mean and standard deviation (4,) undo the standardisation."""

    candidates: tuple[Candidates, ...]
    mean: Floats
    deviation: Floats


def covariates_of(person: Person) -> tuple[float, float, float, float] | None:
    """`COVARIATES` at the first scan, sex as 1 for M and 0 for F; None when one is missing."""
    scan = person.first
    if scan.nwbv is None or scan.etiv is None:
        return None
    return scan.nwbv, scan.age, scan.etiv, float(scan.sex == "M")


def candidates_of(labels: NDArray[np.int64], people: Sequence[Person]) -> Classes:
    """Sort subjects, by their labels int64 (P,), and people, by their CDR, into classes.

    People without a CDR, nWBV or eTIV are no candidates.

    Raises:
        UserError: a class has more subjects than the table has people of its CDR.
    """
    examined = sorted((p for p in people if p.first.cdr is not None), key=lambda p: p.oasis_id)
    known = [(person, values) for person in examined if (values := covariates_of(person)) is not None]
    every = np.array([values for _, values in known]).reshape(-1, len(COVARIATES))
    if len(every) < 2:
        raise UserError("the table of people has nobody with a CDR, nWBV and eTIV; use OASIS-1's complete table.")
    mean, deviation = every.mean(axis=0), np.maximum(every.std(axis=0), 1e-9)
    classes = []
    for label in np.unique(labels):
        of_class = [pair for pair in known if pair[0].first.cdr == CDR_OF_CLASS[label]]
        rows = np.flatnonzero(labels == label)
        if len(of_class) < len(rows):
            raise UserError(
                f"the table has {len(of_class)} people of CDR {CDR_OF_CLASS[label]:g} and the archive {len(rows)} "
                "subjects of that class; use OASIS-1's complete table and the Kaggle archive."
            )
        values = (np.array([pair[1] for pair in of_class]) - mean) / deviation
        classes.append(Candidates(rows, tuple(pair[0] for pair in of_class), values))
    return Classes(tuple(classes), mean, deviation)
