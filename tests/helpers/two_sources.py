"""People who are in two sources, some scanned twice and some never examined, and answers of a model that measures."""

import numpy as np

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.inference.measures.readings import Readings
from alzedge.metrics.people.evidence import Asked

PEOPLE, TWICE = 60, 8


def two_sources() -> DataSet:
    """60 people of one source, the first 8 with a second scan; the first 40 also in another; ten were never examined."""
    rng = np.random.default_rng(0)
    age = rng.uniform(40, 95, PEOPLE)
    stage = np.where(age > 60, rng.integers(0, 4, PEOPLE), 0)
    stage[-10:] = UNKNOWN_STAGE
    nwbv = 0.95 - 0.002 * age - 0.02 * np.maximum(stage, 0) + rng.normal(0, 0.01, PEOPLE)
    scans = [(p, "oasis1", f"{p:03d}_MR1") for p in range(PEOPLE)] + [
        (p, "oasis1", f"{p:03d}_MR2") for p in range(TWICE)
    ]
    scans += [(p, "kaggle", f"{p:03d}/kaggle") for p in range(40)]
    who, source, scan = (np.repeat(column, 2) for column in zip(*scans, strict=True))
    second = np.char.endswith(scan, "MR2")
    images = np.zeros((len(who), 208, 176), np.uint8)
    for row, share in enumerate(nwbv[who]):
        images[row, 20:120, 20:120] = 100
        images[row, 20 : 20 + round(100 * (1 - share)), 20:120] = 20  # fluid
    return DataSet(
        name="both",
        images=images,
        labels=stage[who],
        subject=np.char.add("p", np.char.zfill(who.astype(str), 3)),
        slice=np.tile([1, 2], len(scans)),
        split=np.full(len(who), ""),
        paths=np.arange(len(who)).astype(str),
        source=source,
        scan=scan,
        height=np.tile([0.0, 4.0], len(scans)),
        age=np.where(who == 5, np.nan, age[who]),
        sex=np.where(who % 2, "F", "M"),
        mmse=np.where(stage[who] < 0, np.nan, 30.0 - 3 * stage[who]),
        nwbv=nwbv[who] + 0.004 * second,
    )


def folds(data: DataSet) -> list[tuple[np.ndarray, np.ndarray]]:
    fold = np.array([int(name[1:]) % 5 for name in data.subject])
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]


def asked(data: DataSet) -> Asked:
    """Answers that know the volume but for a bias of 0.01, and the age but for noise."""
    rng = np.random.default_rng(1)
    ill = np.clip((0.85 - data.nwbv) * 4 + rng.normal(0, 0.05, len(data)), 0.01, 0.99)
    probabilities = np.stack([1 - ill, ill / 2, ill / 4, ill / 4], axis=1)
    years = np.nan_to_num(data.age, nan=60) + rng.normal(0, 3, len(data))
    return Asked(Readings(probabilities, data.height, data.nwbv + 0.01, years))
