"""The Kaggle 4-class set: which of its files show the same person.

"Alzheimer's Dataset (4 class of Images)" is 200 people x 32 consecutive slices. Its file
names still say who is who:

* test: `S (k).jpg` is slice S of person k of that class, and `S.jpg` is person 1;
* train: `<prefix><i>.jpg` numbers the rest in blocks of n people, one block per slice,
  people in the lexicographic order of the names `S (k).jpg` (10, 11, ..., 19, 2, 20, ...,
  and the bare `S.jpg` last). The last block is slice 26 without those whose slice 26 is
  in the test folder.

The rule is proved on the pixels by `continuity`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.stages import STAGES

# The set's name as a source of slices.
KAGGLE = "kaggle"
# Source of the people, for readers.
KNOWN_BY = "the Kaggle archive's file names"
N_SLICES = 32
# Slices 1..25 of everybody are in train, 27..32 in test, 26 is shared out.
_SHARED_SLICE = 26
# The original archive has 1.0 at every step.
_PROOF = 0.99
_TRAIN = re.compile(r"train/(\w+)/(?:nonDem|verymildDem|mildDem|moderateDem)(\d+)\.jpg")
_TEST = re.compile(r"test/(\w+)/(\d+)(?: \((\d+)\))?\.jpg")

_Who = tuple[str, int]  # (subject, slice)


def subjects_from_names(paths: Iterable[str]) -> dict[str, _Who]:
    """Read person and slice off the archive's file names.

    Args:
        paths: all image paths, from `train/` or `test/` on.

    Returns:
        `{path: (subject, slice)}`; a subject is called `<Stage>-<k>`, slices count from 1.

    Raises:
        UserError: the names are not those of the original archive.
    """
    train: dict[str, dict[int, str]] = defaultdict(dict)
    test: dict[str, dict[tuple[int, int], str]] = defaultdict(dict)
    for path in paths:
        if match := _TRAIN.fullmatch(path):
            first = train[match[1]].setdefault(int(match[2]), path)
        elif match := _TEST.fullmatch(path):
            first = test[match[1]].setdefault((int(match[2]), int(match[3] or 1)), path)
        else:
            raise _refusal(f"{path} is not named like an original file")
        if first != path:
            raise _refusal(f"{first} and {path} are the same slice by name")
    if not set(train) == set(test) == set(STAGES):
        raise _refusal("a class folder is missing from train/ or test/")
    who: dict[str, _Who] = {}
    for stage in STAGES:
        who.update(_subjects_of_stage(stage, train[stage], test[stage]))
    return who


def _subjects_of_stage(stage: str, train: dict[int, str], test: dict[tuple[int, int], str]) -> dict[str, _Who]:
    people = sorted({k for _, k in test})
    n = len(people)
    if people != list(range(1, n + 1)):
        raise _refusal(f"test/{stage} does not number its people 1 to {n}")
    whole = {(s, k) for s in range(_SHARED_SLICE + 1, N_SLICES + 1) for k in people}
    shared = {k for s, k in test if s == _SHARED_SLICE}
    if set(test) != whole | {(_SHARED_SLICE, k) for k in shared}:
        raise _refusal(f"test/{stage} is not slices {_SHARED_SLICE + 1} to {N_SLICES} of {n} people")
    in_block = sorted(people, key=lambda k: f"{k})" if k > 1 else "~")  # the order of `S (k).jpg`, `S.jpg` last
    order = [(s, k) for s in range(1, _SHARED_SLICE) for k in in_block]
    order += [(_SHARED_SLICE, k) for k in in_block if k not in shared]
    if set(train) != set(range(len(order))):
        raise _refusal(f"train/{stage} has {len(train)} files where {len(order)}, numbered from 0, belong")
    who = {path: (s, k) for (s, k), path in test.items()}
    who |= {path: order[i] for i, path in train.items()}
    return {path: (f"{stage}-{k:03d}", s) for path, (s, k) in who.items()}


def _refusal(reason: str) -> UserError:
    return UserError(
        f"These are not the original archive's file names: {reason}. A renamed, augmented or re-packed copy has "
        "lost who is who; use the original archive.zip from Kaggle."
    )


def continuity(dataset: DataSet) -> NDArray[np.float64]:
    """Proof that `subject` and `slice` are right, from the pixels alone.

    Each slice is divided by its mean, the mean image of its position is subtracted, and the
    rest scaled to unit norm. For step s, the share of people whose slice s + 1 is the most
    similar (largest inner product) to their slice s among everybody's slices s + 1.

    Args:
        dataset: every person with the same slices 1..S.

    Returns:
        float64 (S - 1,); all 1.0 when each person's next slice is always the nearest.

    Raises:
        UserError: people unknown, or with differing slices.
    """
    if not dataset.subjects_known:
        raise _unequal(dataset.name)
    return continuity_of(dataset.name, dataset.images, dataset.subject, dataset.slice)


def continuity_of(
    name: str, images: NDArray[np.uint8], subject: NDArray[np.str_], position: NDArray[np.int64]
) -> NDArray[np.float64]:
    """`continuity` of slices of any size, (N, rows, columns); `name` is for messages."""
    people, counts = np.unique(subject, return_counts=True)
    steps = int(counts[0]) if len(counts) else 0
    order = np.lexsort((position, subject))
    expected = np.tile(np.arange(1, steps + 1), len(people))
    if not np.array_equal(position[order], expected):
        raise _unequal(name)
    volumes = images[order].reshape(len(people), steps, -1)
    shares = np.empty(steps - 1)
    here = _normalised(volumes[:, 0])
    for step in range(steps - 1):
        there = _normalised(volumes[:, step + 1])
        nearest = np.argmax(here @ there.T, axis=1)  # (people, pixels) x (pixels, people)
        shares[step] = np.mean(nearest == np.arange(len(people)))
        here = there
    return shares


def is_proof(continuity: NDArray[np.float64]) -> bool:
    """True for a `continuity` that proves people and slices: another order, or other people, come nowhere near."""
    return bool(continuity.min() >= _PROOF)


def _unequal(name: str) -> UserError:
    return UserError(f"{name}: not every person has the same slices, so continuity cannot be checked.")


def _normalised(slices: NDArray[np.uint8]) -> NDArray[np.float32]:
    pixels = slices.astype(np.float32)
    pixels /= np.maximum(pixels.mean(axis=1, keepdims=True), 1e-6)
    pixels -= pixels.mean(axis=0)
    norm = np.linalg.norm(pixels, axis=1, keepdims=True)
    result: NDArray[np.float32] = pixels / np.maximum(norm, 1e-6)
    return result
