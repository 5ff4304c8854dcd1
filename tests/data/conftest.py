"""OASIS-1's table and volumes, where they are at hand, and made-up people."""

import os
from pathlib import Path

import numpy as np
import pytest

from alzedge.data.people.table import Person, Session

HERE = Path(__file__).parent


def _beside(variable: str, name: str) -> Path:
    places = [parent / "shared/data" / name for parent in HERE.parents]
    for path in [Path(os.environ[variable])] if variable in os.environ else places:
        if path.exists():
            return path
    pytest.skip(f"OASIS-1's {name} is not here; set {variable} to its path")


@pytest.fixture(scope="session")
def oasis_table() -> Path:
    """OASIS-1's real table; tests that need it skip where it is absent."""
    return _beside("ALZEDGE_OASIS_TABLE", "oasis_cross-sectional.csv")


@pytest.fixture(scope="session")
def oasis_volumes() -> Path:
    """The folder of OASIS-1's real volumes; tests that need it skip where it is absent."""
    return _beside("ALZEDGE_OASIS_VOLUMES", "oasis1")


@pytest.fixture(scope="session")
def made_up_people() -> list[Person]:
    """200 people in order of their identifiers: 100 of CDR 0, 60 of CDR 0.5, 20 of CDR 1, 2 of CDR 2, 18 not examined."""
    random = np.random.default_rng(7)
    cdr = random.permutation([0.0] * 100 + [0.5] * 60 + [1.0] * 20 + [2.0] * 2 + [-1.0] * 18)
    people = []
    for k, value in enumerate(cdr, start=1):
        scan = Session(
            oasis_id=f"OAS1_{k:04d}_MR1",
            person=f"OAS1_{k:04d}",
            number=1,
            sex="MF"[random.integers(2)],
            hand="R",
            age=float(random.integers(60, 95)),
            education=3,
            ses=2,
            mmse=28,
            cdr=None if value < 0 else float(value),
            etiv=float(np.clip(random.normal(1480, 160), 1000, 2000)),
            nwbv=float(np.clip(random.normal(0.75, 0.04), 0.6, 0.9)),
            asf=1.2,
            delay=None,
        )
        people.append(Person(scan.person, (scan,)))
    return people
