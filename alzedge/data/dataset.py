"""The one object that carries labelled slices, and the splits that are made of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.split_names import LEAKY, SPLITS
from alzedge.errors import UserError
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.stages import STAGES

# Label of a slice whose person has no stage: never examined, so neither healthy nor ill.
UNKNOWN_STAGE = -1
# Fields that say something about the person on the slice; each may be unknown.
PERSONAL = ("sex", "age", "education", "mmse", "etiv", "nwbv")
# What a data set is not told, by field: unknown for every slice.
_EMPTY: dict[str, str | float] = {"source": "", "scan": "", "sex": ""} | dict.fromkeys(
    ("height", *PERSONAL[1:]), float("nan")
)
_MISSING: Any = None


@dataclass(frozen=True, eq=False)
class DataSet:
    """Labelled axial slices of some people. Arrays are read-only.

    Attributes:
        name: how reports call it.
        images: uint8 (N, 208, 176).
        labels: int64 (N,), index into `STAGES`; `UNKNOWN_STAGE` where nobody examined the person.
        subject: str (N,), who is on the slice; all empty when unknown.
        slice: int64 (N,), position in the volume from 1 upwards; 0 when unknown.
        split: str (N,), 'train' or 'test' as the data set came; all empty when it came without.
        paths: str (N,), where each image came from, relative to the data set.
        source: str (N,), the collection that the slice comes from, such as 'kaggle' or 'oasis1'.
        scan: str (N,), the acquisition that the slice was cut from; a person may have several.
        height: float64 (N,), z in mm in the frame (see `alzedge.preparation.frame`); NaN when unknown.
        age: float64 (N,), years of the person at the scan; NaN when unknown, as in the next ones.
        sex: str (N,), 'F' or 'M'; '' when unknown.
        education: float64 (N,), as the table codes it (OASIS-1: 1 to 5).
        mmse: float64 (N,), Mini-Mental State Examination, 0 to 30.
        etiv: float64 (N,), estimated total intracranial volume in cm3.
        nwbv: float64 (N,), normalized whole-brain volume, a share of the intracranial volume.
        synthetic: whether the slices are drawn (phantoms) and so say nothing about people.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    subject: NDArray[np.str_]
    slice: NDArray[np.int64]
    split: NDArray[np.str_]
    paths: NDArray[np.str_]
    source: NDArray[np.str_] = _MISSING
    scan: NDArray[np.str_] = _MISSING
    height: NDArray[np.float64] = _MISSING
    age: NDArray[np.float64] = _MISSING
    sex: NDArray[np.str_] = _MISSING
    education: NDArray[np.float64] = _MISSING
    mmse: NDArray[np.float64] = _MISSING
    etiv: NDArray[np.float64] = _MISSING
    nwbv: NDArray[np.float64] = _MISSING
    synthetic: bool = False

    def __post_init__(self) -> None:
        for name, empty in _EMPTY.items():
            if getattr(self, name) is _MISSING:
                object.__setattr__(self, name, np.full(len(self.images), empty))
        if self.images.shape[1:] != (HEIGHT, WIDTH) or self.images.dtype != np.uint8:
            raise ValueError(
                f"images: expected uint8 (N, {HEIGHT}, {WIDTH}), got {self.images.dtype} {self.images.shape}"
            )
        for name, array in self._arrays().items():
            if len(array) != len(self.images):
                raise ValueError(f"{name}: expected {len(self.images)} entries, got {len(array)}")
            array.flags.writeable = False
        if len(self.labels) and not UNKNOWN_STAGE <= self.labels.min() <= self.labels.max() < len(STAGES):
            raise ValueError(f"labels: expected {UNKNOWN_STAGE}..{len(STAGES) - 1}, got {np.unique(self.labels)}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def subjects_known(self) -> bool:
        """True where the person on every slice is known."""
        return len(self) > 0 and bool(np.all(self.subject != ""))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over images, labels, people, split and paths, and what is known of the people.

        Name, source, scan and height follow from these and are left out.
        """
        digest = hashlib.sha256()
        for text in (self.paths, self.subject, self.split):
            digest.update("\n".join(text.tolist()).encode())
        for array in (self.labels, self.slice, self.images):
            digest.update(np.ascontiguousarray(array).tobytes())
        for name in PERSONAL:  # what is unknown throughout leaves no trace: files of version 0.1 keep their fingerprint
            values = getattr(self, name)
            known = values != "" if values.dtype.kind == "U" else ~np.isnan(values)
            if known.any():
                digest.update("\n".join([name, *map(str, values.tolist())]).encode())
        return digest.hexdigest()

    def take(self, index: NDArray[np.intp] | Sequence[int]) -> "DataSet":
        """The slices at `index`, in that order, as a data set of its own."""
        chosen = np.asarray(index, dtype=np.intp)
        arrays: dict[str, Any] = {name: array[chosen] for name, array in self._arrays().items()}
        return replace(self, **arrays)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True, eq=False)
class Split:
    """Division of a data set into slices that train and slices that test.

    Attributes:
        name: 'official', 'subject', 'random' or 'leaky'.
        train, test: index arrays into the data set.
        unseen_people: whether no person of `test` is in `train`; None when nobody knows.
        description: one clause for tables and cards.
        fold: the fold that tests; None for the split the data set came with.
    """

    name: str
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    unseen_people: bool | None
    description: str
    fold: int | None


def split_dataset(dataset: DataSet, name: str, fold: int = 0) -> Split:
    """Split a data set.

    `official` is the split the data set came with. `subject` keeps every person on one
    side: the people of `fold` (see `alzedge.data.folds`) test, all others train. `random`
    mixes slices and exists for data that comes without people and without a split. `leaky` mixes slices of known
    people too, 80/10/10 as much of the literature does: a tenth tests, another is left out, and the test people are
    trained on.

    Raises:
        UserError: the data set cannot be split that way, or one side lacks all images.
    """
    from alzedge.data.folds import image_folds, leaky_tenths, subject_folds

    if name == "official":
        if not np.all(dataset.split != ""):
            raise UserError(f"{dataset.name} came without train/ and test/ folders, so it has no official split.")
        return _make_split(dataset, name, dataset.split == "test", "as published", None)
    if name == "subject":
        if not dataset.subjects_known:
            raise UserError(
                f"The people in {dataset.name} are unknown, so nothing can be said about unseen people; "
                "add a subjects.csv (see `alzedge subjects --help`)."
            )
        folds = subject_folds(dataset.subject, dataset.labels)
        return _make_split(dataset, name, folds == fold, f"people of fold {fold} held out", fold)
    if name == "random":
        folds = image_folds(dataset.paths, dataset.labels)
        return _make_split(dataset, name, folds == fold, "random slices held out; people unknown", fold)
    if name == LEAKY:
        tenths = leaky_tenths(dataset.paths, dataset.labels)
        split = _make_split(dataset, name, tenths == 0, "random 80/10/10 of slices: it leaks people", None)
        return replace(split, train=np.flatnonzero(tenths > 1))
    raise UserError(f"{name!r} is not a split; choose one of {', '.join(SPLITS)}.")


def available_splits(dataset: DataSet) -> tuple[str, ...]:
    """The splits worth reporting, the official one first and unseen people last."""
    official = ("official",) if np.all(dataset.split != "") else ()
    subject = ("subject",) if dataset.subjects_known else ()
    return official + subject or ("random",)


def in_order(splits: tuple[str, ...]) -> list[str]:
    """Each split once, unseen people last: the last one's model is the one to release."""
    return [split for split in SPLITS if split in splits]


def _make_split(dataset: DataSet, name: str, test: NDArray[np.bool_], description: str, fold: int | None) -> Split:
    for side, chosen in (("training", ~test), ("test", test)):
        if not chosen.any():
            raise UserError(f"{dataset.name}: the {name} split leaves no {side} images; more people are needed.")
    unseen = None
    if dataset.subjects_known:
        unseen = not set(dataset.subject[test]) & set(dataset.subject[~test])
    return Split(name, np.flatnonzero(~test), np.flatnonzero(test), unseen, description, fold)
