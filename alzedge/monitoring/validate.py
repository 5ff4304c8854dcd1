"""Validation: a data set against a schema, with anomalies that have names."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.monitoring.duplicates import find_duplicates
from alzedge.monitoring.measure import Measured, Progress, Sample
from alzedge.monitoring.quantities import NUMBERS, TEXTS
from alzedge.monitoring.schema import Domain, Schema
from alzedge.preparation.upright import WayUp, way_up

# Names of values below and above what the schema allows.
_OUTSIDE = {
    "brightness": ("dark", "bright"),
    "contrast": ("wrong contrast", "wrong contrast"),
    "sharpness": ("blurred", "oversharp"),
    "noise": ("smoothed", "noisy"),
    "brain_area": ("small brain area", "large brain area"),
    "csf_share": ("little CSF", "much CSF"),
    "centre_row": ("off centre", "off centre"),
    "centre_column": ("off centre", "off centre"),
    "straight_edge": ("no straight edge", "cropped"),
    "unlikeness": ("too alike", "unlike the model's slices"),
    "height": ("other heights", "other heights"),
}
# Share of all slices that may be otherwise than the schema says before it is an anomaly of the data set.
_TOLERATED = 0.01


@dataclass(frozen=True)
class Anomaly:
    """One thing that is not as the schema says.

    Attributes:
        name: such as 'blurred'.
        sentence: the facts, without a full stop.
        people: of whom most slices are so; as the data set names them.
    """

    name: str
    sentence: str
    people: tuple[str, ...] = ()


def validate(dataset: DataSet, measured: Measured, schema: Schema, progress: Progress = iter) -> tuple[Anomaly, ...]:
    """Find what is not as the schema says, is upside down, or is there twice.

    Args:
        dataset: N slices.
        measured: the same measured, see `alzedge.monitoring.measure`.
        schema: what they may be like.
        progress: wraps the list of slices.
    """
    assert measured.slices is not None
    anomalies: list[Anomaly] = []
    for name, domain in schema.numbers.items():
        anomalies += _outside(dataset, name, measured.slices.numbers.get(name), domain)
    for name, values in schema.texts.items():
        anomalies += _texts(name, measured.slices, values)
    anomalies += _ways(dataset, progress)
    anomalies += [
        Anomaly("duplicated person", f"{one.first} and {one.second} are one by pixels, similarity {one.similarity:.2f}",
                (one.first, one.second))
        for one in find_duplicates(dataset)
    ]  # fmt: skip
    return tuple(anomalies)


def _outside(dataset: DataSet, name: str, values: NDArray[np.float64] | None, domain: Domain) -> list[Anomaly]:
    """Anomalies of one column of numbers."""
    title = NUMBERS[name].title
    known = np.zeros(len(dataset), bool) if values is None else ~np.isnan(values)
    found = []
    if known.mean() < domain.present:
        found.append(
            Anomaly(
                "missing values",
                f"{title} is known of {known.sum()} of {len(known)} slices, {domain.present:.0%} are needed",
            )
        )
    if values is None:
        return found
    names = _OUTSIDE.get(name, (f"{title} out of range",) * 2)
    for called, wrong, limit in (
        (names[0], values < domain.low, f"below {domain.low:g}"),
        (names[1], values > domain.high, f"above {domain.high:g}"),
    ):
        people = _people(dataset, wrong)
        if people or wrong.sum() > _TOLERATED * known.sum():
            found.append(Anomaly(called, f"{title} {limit} on {wrong.sum()} of {known.sum()} slices", people))
    return found


def _people(dataset: DataSet, wrong: NDArray[np.bool_]) -> tuple[str, ...]:
    """People of whom more than half of the slices are wrong."""
    if not dataset.subjects_known:
        return ()
    names, person = np.unique(dataset.subject, return_inverse=True)
    share = np.bincount(person, wrong, len(names)) / np.bincount(person, minlength=len(names))
    return tuple(names[share > 0.5].tolist())


def _texts(name: str, slices: Sample, values: tuple[str, ...]) -> list[Anomaly]:
    """Anomalies of one column of texts."""
    title = "class" if name == "stage" else TEXTS[name].title
    there = set(slices.texts[name].tolist()) - {""}
    missing = [Anomaly(f"missing {title}", f"no slice of {value}") for value in values if value not in there]
    new = [
        Anomaly(
            f"new {title}", f"{(slices.texts[name] == value).sum()} slices of {value}, which the schema does not know"
        )
        for value in sorted(there - set(values))
    ]
    return missing + new


def _ways(dataset: DataSet, progress: Progress) -> list[Anomaly]:
    """Slices that are upside down or lie on their side."""
    ways = np.array([way_up(image).name for image in progress(list(dataset.images))])
    turned = {WayUp.ANTERIOR: "upside-down", WayUp.QUARTER_LEFT: "on its side", WayUp.QUARTER_RIGHT: "on its side"}
    found = []
    for way, called in turned.items():
        wrong = ways == way.name
        people = _people(dataset, wrong)
        if people or wrong.sum() > _TOLERATED * len(dataset):
            found.append(Anomaly(called, f"{way.value} on {wrong.sum()} of {len(dataset)} slices", people))
    return found
