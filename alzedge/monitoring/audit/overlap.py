"""Overlap of a data set with data that models were trained on, by pixels: copies of slices, whatever they are called.

Every slice is compared by its perceptual hash (see `alzedge.data.people.by_pixels.fingerprints`) with the 6,400 files of
the Kaggle archive, of which hashes come with this package, and with other data where they are named. Copies are
found, also recompressed or resized ones; the same scan prepared in another way often, another scan of a person hardly.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.data.dataset import DataSet
from alzedge.data.people.by_pixels.fingerprints import (
    Fingerprints,
    frequencies,
    kaggle_fingerprints,
    make_fingerprints,
    recognise,
)

KAGGLE = "the Kaggle archive"
# Of 10,000 slices of strangers 3 are taken for a known one: a person is recognised by an eighth of the slices.
_OF_A_PERSON = 8


@dataclass(frozen=True, eq=False)
class Overlap:
    """Slices of a data set that known data hold too.

    Attributes:
        seen: bool (N,), slices of everybody who was recognised; where people are unknown, recognised slices.
        recognised: number of slices that look like a known one.
        people: number of people recognised; None where people are unknown.
        compared_with: names of the known data.
    """

    seen: NDArray[np.bool_]
    recognised: int
    people: int | None
    compared_with: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """One sentence for the reader."""
        known = " and ".join(self.compared_with)
        if not self.seen.any():
            return f"No slice is found, by its pixels, in {known}."
        whom = "" if self.people is None else f", of {self.people} people with {self.seen.sum()} slices"
        return f"{self.recognised} slices{whom}, are found, by their pixels, in {known}."


def find_overlap(dataset: DataSet, others: Iterable[DataSet] = (), archive: bool = True) -> Overlap:
    """Look for a data set's slices in the Kaggle archive and in other data sets.

    Args:
        dataset: to look for; its names and labels play no part.
        others: data that a model was trained or calibrated on.
        archive: look in the Kaggle archive, too.
    """
    values = _frequencies(dataset)
    known = {KAGGLE: kaggle_fingerprints()} if archive else {}
    for other in others:
        # Where its people are unknown nobody can be told from somebody else: all are one, and the nearest slice counts.
        people = other.subject if other.subjects_known else np.full(len(other), "somebody")
        known[other.name] = make_fingerprints(_frequencies(other), people, other.slice)
    found = [_recognised(values, fingerprints) for fingerprints in known.values()]
    hit = np.any([subject != "" for subject in found], axis=0)
    if not dataset.subjects_known:
        return Overlap(hit, int(hit.sum()), None, tuple(known))
    names, person = np.unique(dataset.subject, return_inverse=True)
    enough = np.any([_same_person_often(subject, person, len(names)) for subject in found], axis=0)
    seen = enough[person]
    return Overlap(seen, int((hit & seen).sum()), int(enough.sum()), tuple(known))


def _frequencies(dataset: DataSet) -> NDArray[np.float32]:
    if not len(dataset):
        return np.empty((0, 176), np.float32)
    return np.stack([frequencies(Image.fromarray(image)) for image in dataset.images])


def _recognised(values: NDArray[np.float32], known: Fingerprints) -> NDArray[np.str_]:
    """Known person of each slice, str (N,); empty where nobody fits."""
    return recognise(values, known).subject


def _same_person_often(subject: NDArray[np.str_], person: NDArray[np.intp], count: int) -> NDArray[np.bool_]:
    """People, bool (count,), of whose slices at least one in eight shows one and the same known person."""
    enough = np.zeros(count, bool)
    slices = np.bincount(person, minlength=count)
    for number in np.unique(person[subject != ""]):
        _, times = np.unique(subject[(person == number) & (subject != "")], return_counts=True)
        enough[number] = bool(times.max() * _OF_A_PERSON >= slices[number])
    return enough
