"""The people behind slices: one row each, with what is known of them, and the slices of their scans."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.metrics.bootstrap import Floats
from alzedge.metrics.people_figures import ALL, GROUPS, OLDER, Demographics, Spread
from alzedge.stages import STAGES

_VALUES = ("age", "education", "mmse", "etiv", "nwbv")
# Groups by age in years: from, and below.
_BANDS = {OLDER: (60, np.inf), "under_60": (0, 60), "60_69": (60, 70), "70_79": (70, 80), "80_up": (80, np.inf)}
_SEXES = {"women": "F", "men": "M"}


@dataclass(frozen=True, eq=False)
class Cohort:
    """P people, sorted by name, as they were at their first scan.

    Attributes:
        subject: str (P,), all different.
        labels: int64 (P,), index into `STAGES`; `UNKNOWN_STAGE` where nobody examined the person.
        sex: str (P,), 'F', 'M' or ''.
        age, education, mmse, etiv, nwbv: float64 (P,), see `alzedge.data.dataset.DataSet`; NaN when unknown.
        nwbv_again: float64 (P,), of the second scan; NaN without one.
        slices: of each person the places of the first scan's slices among the rows that the cohort was made of.
        again: likewise of the second scan; empty without one.
    """

    subject: NDArray[np.str_]
    labels: NDArray[np.int64]
    sex: NDArray[np.str_]
    age: Floats
    education: Floats
    mmse: Floats
    etiv: Floats
    nwbv: Floats
    nwbv_again: Floats
    slices: tuple[NDArray[np.intp], ...]
    again: tuple[NDArray[np.intp], ...]

    def __len__(self) -> int:
        return len(self.subject)

    def groups(self) -> dict[str, NDArray[np.bool_]]:
        """Members of each group of `GROUPS` that has any, bool (P,)."""
        masks = {ALL: np.ones(len(self), bool)}
        masks |= {name: (self.age >= low) & (self.age < high) for name, (low, high) in _BANDS.items()}
        masks |= {name: self.sex == sex for name, sex in _SEXES.items()}
        return {name: masks[name] for name in GROUPS if masks[name].any()}


def cohort_of(dataset: DataSet, rows: NDArray[np.intp]) -> Cohort:
    """Collect the people of slices of one source.

    Scans of one person stand in the order of their names; where they have none, all slices are of one scan.

    Args:
        dataset: whose people are known.
        rows: int (N,), the slices.
    """
    order = np.lexsort((dataset.slice[rows], dataset.scan[rows], dataset.subject[rows]))
    subject, start = np.unique(dataset.subject[rows][order], return_index=True)
    by_person = np.split(order, start[1:]) if len(order) else []
    scans = [_scans(dataset.scan[rows[places]], places) for places in by_person]
    first = rows[[places[0][0] for places in scans]] if scans else rows
    again = tuple(places[1] if len(places) > 1 else np.array([], np.intp) for places in scans)
    second = [dataset.nwbv[rows[places[0]]] if len(places) else np.nan for places in again]
    arrays: dict[str, NDArray[Any]] = {name: getattr(dataset, name)[first] for name in ("labels", "sex", *_VALUES)}
    return Cohort(
        subject=subject,
        nwbv_again=np.array(second, np.float64),
        slices=tuple(places[0] for places in scans),
        again=again,
        **arrays,
    )


def _scans(scan: NDArray[np.str_], places: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Places of each scan's slices; `scan` is sorted."""
    return np.split(places, np.flatnonzero(scan[1:] != scan[:-1]) + 1)


def demographics(dataset: DataSet, rows: NDArray[np.intp]) -> Demographics:
    """Describe the people of slices of one source."""
    cohort = cohort_of(dataset, rows)
    stages = Counter("unknown" if label == UNKNOWN_STAGE else STAGES[label] for label in cohort.labels)
    sexes = Counter(str(sex) or "unknown" for sex in cohort.sex)
    values = {name: _spread(getattr(cohort, name)) for name in _VALUES}
    return Demographics(
        people=len(cohort),
        scans=len(set(zip(dataset.subject[rows].tolist(), dataset.scan[rows].tolist(), strict=True))),
        slices=len(rows),
        sexes={sex: sexes[sex] for sex in ("F", "M", "unknown") if sexes[sex]},
        stages={stage: stages[stage] for stage in (*STAGES, "unknown") if stages[stage]},
        groups={name: int(members.sum()) for name, members in cohort.groups().items()},
        values={name: spread for name, spread in values.items() if spread is not None},
    )


def _spread(values: Floats) -> Spread | None:
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    sd = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return Spread(len(known), float(known.mean()), sd, float(known.min()), float(known.max()))
