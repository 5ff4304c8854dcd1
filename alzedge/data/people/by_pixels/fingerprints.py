"""Recognition of the Kaggle archive's images by their pixels, where a copy has lost their names.

A fingerprint is a perceptual hash of 176 bits: the image shrunk to 32 x 32 pixels whatever its size, its
lowest 176 frequencies (discrete cosine transform, without the mean), each of them above or below its
median over the archive. `fingerprints.npz` holds those of all 6,400 files and no image. Recompressed, resized
(also to other proportions) or slightly brightened copies differ in a few bits; slices of other people in
19 at least. A slice's neighbours may differ in fewer, so that the person is surer than the slice's number.
"""

from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.stages import STAGES

BITS = 176
_SIDE = 32
_FILE = "fingerprints.npz"
# Measured over the archive: copies (JPEG quality 50, one pixel more or less, 128 x 128, 224 x 224) of every file
# are found and none is given to somebody else; of strangers' slices 3 in 10,000 pass.
_AT_MOST, _AHEAD = 20, 10
_SLICE_AHEAD = 6
_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Fingerprints of known slices.

    Attributes:
        bits: uint8 (N, 22), packed.
        medians: float32 (176,), the thresholds of the frequencies.
        subject: str (N,), e.g. `NonDemented-001`.
        slice: int64 (N,), from 1.
    """

    bits: NDArray[np.uint8]
    medians: NDArray[np.float32]
    subject: NDArray[np.str_]
    slice: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Recognised:
    """Known slices that N images show.

    Attributes:
        subject: str (N,); empty where nobody fits or two people fit alike.
        slice: int64 (N,); 0 where the person is unknown or neighbouring slices fit alike.
        distance: int64 (N,), bits by which the nearest fingerprint differs.
    """

    subject: NDArray[np.str_]
    slice: NDArray[np.int64]
    distance: NDArray[np.int64]

    @property
    def share(self) -> float:
        """Share of the images whose person was found."""
        return float(np.mean(self.subject != "")) if len(self.subject) else 0.0


def frequencies(image: Image.Image) -> NDArray[np.float32]:
    """The 176 lowest frequencies of a grey image of any size, scaled to unit norm.

    Returns:
        float32 (176,).
    """
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    transform = _cosines()
    spectrum = transform @ np.asarray(grey, np.float64) @ transform.T
    lowest = spectrum.ravel()[_lowest()]
    unit: NDArray[np.float32] = (lowest / max(float(np.linalg.norm(lowest)), 1e-9)).astype(np.float32)
    return unit


def make_fingerprints(
    values: NDArray[np.float32], subject: NDArray[np.str_], position: NDArray[np.int64]
) -> Fingerprints:
    """Fingerprints of known slices from their `frequencies`, float32 (N, 176)."""
    medians = np.median(values, axis=0).astype(np.float32)
    return Fingerprints(_packed(values, medians), medians, subject, position)


def kaggle_fingerprints() -> Fingerprints:
    """Fingerprints of the archive's 6,400 files, which this package brings along."""
    with resources.files("alzedge.data.people.by_pixels").joinpath(_FILE).open("rb") as file, np.load(file) as stored:
        bits, medians, counts = stored["bits"], stored["medians"], stored["people"]
    names = [f"{stage}-{k:03d}" for stage, n in zip(STAGES, counts, strict=True) for k in range(1, n + 1)]
    per_person = len(bits) // len(names)
    position = np.tile(np.arange(1, per_person + 1), len(names))
    return Fingerprints(bits, medians, np.repeat(np.array(names), per_person), position)


def recognise(values: NDArray[np.float32], known: Fingerprints) -> Recognised:
    """Find out which known slices images show.

    Args:
        values: float32 (N, 176), the `frequencies` of each image.
        known: for the archive, `kaggle_fingerprints()`.
    """
    asking = np.unpackbits(_packed(values, known.medians), axis=1).astype(np.float32) * 2 - 1
    there = np.unpackbits(known.bits, axis=1).astype(np.float32) * 2 - 1
    people, person = np.unique(known.subject, return_inverse=True)
    subject, position, distance = [], [], []
    for start in range(0, len(asking), _BLOCK):
        away = (BITS - asking[start : start + _BLOCK] @ there.T) / 2
        nearest = away.argmin(axis=1)
        best = away[np.arange(len(away)), nearest]
        same_person = person[nearest][:, None] == person[None]
        other_person = np.where(same_person, np.inf, away).min(axis=1)
        away[np.arange(len(away)), nearest] = np.inf
        other_slice = np.where(same_person, away, np.inf).min(axis=1)
        found = (best <= _AT_MOST) & (other_person - best >= _AHEAD)
        subject.append(np.where(found, people[person[nearest]], ""))
        position.append(np.where(found & (other_slice - best >= _SLICE_AHEAD), known.slice[nearest], 0))
        distance.append(best.astype(np.int64))
    if not subject:
        return Recognised(np.array([], str), np.array([], np.int64), np.array([], np.int64))
    return Recognised(np.concatenate(subject), np.concatenate(position), np.concatenate(distance))


def place_slices(values: NDArray[np.float32], known: Fingerprints, found: Recognised) -> NDArray[np.int64]:
    """Slices (N,) of recognised people, those between alike neighbours dealt out: nearest first, each slice once.

    A person with more images than slices, as where copies of one image lie in a set, is left as `found` has it.
    """
    position = found.slice.copy()
    asking = np.unpackbits(_packed(values, known.medians), axis=1)
    there = np.unpackbits(known.bits, axis=1)
    for person in np.unique(found.subject[found.subject != ""]):
        of_person = found.subject == person
        open_images = np.flatnonzero(of_person & (position == 0))
        free = np.flatnonzero((known.subject == person) & ~np.isin(known.slice, position[of_person]))
        if len(free) < len(open_images):
            continue
        away = (asking[open_images, None] != there[None, free]).sum(axis=2).astype(np.float64)
        for _ in open_images:
            image, place = np.unravel_index(away.argmin(), away.shape)
            position[open_images[image]] = known.slice[free[place]]
            away[image], away[:, place] = np.inf, np.inf
    return position


def _packed(values: NDArray[np.float32], medians: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.packbits(values > medians, axis=1)


def _cosines() -> NDArray[np.float64]:
    """The discrete cosine transform of type II as a matrix (32, 32), orthonormal."""
    frequency, place = np.ogrid[:_SIDE, :_SIDE]
    waves = np.cos(np.pi * frequency * (2 * place + 1) / (2 * _SIDE)) * np.sqrt(2 / _SIDE)
    waves[0] /= np.sqrt(2)
    return np.asarray(waves)


def _lowest() -> NDArray[np.intp]:
    """The 176 lowest frequencies' places in a flattened (32, 32) spectrum, diagonal by diagonal, without the mean."""
    row, column = np.divmod(np.arange(_SIDE * _SIDE), _SIDE)
    return np.lexsort((row, row + column))[1 : BITS + 1]
