"""Sampling of training slices: their order in each epoch, pairs, labelled subsets and validation subjects."""

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError

# epoch -> indices of the training images, in the order of that epoch
Draw = Callable[[int], NDArray[np.intp]]
_VALIDATION = 5  # one in five people


def shuffled(index: NDArray[np.intp], seed: int) -> Draw:
    """Draw each image once an epoch, in an order that depends on seed and epoch alone."""
    return lambda epoch: index[np.random.default_rng([seed, epoch]).permutation(len(index))]


def alternating(index: NDArray[np.intp], labels: NDArray[np.int64], seed: int) -> Draw:
    """Draw from the stages in turn; images of rare stages come back sooner.

    Args:
        index: int (N,), the images to draw from.
        labels: int64 (N,), of those.
        seed: of the order.

    Returns:
        Draws N images an epoch, of which every stage has the same number, give or take one.
    """
    groups = [index[labels == stage] for stage in np.unique(labels)]

    def draw(epoch: int) -> NDArray[np.intp]:
        rng = np.random.default_rng([seed, epoch])
        rounds = -(-len(index) // len(groups))
        columns = [np.concatenate([rng.permutation(g) for _ in range(-(-rounds // len(g)))])[:rounds] for g in groups]
        turns: NDArray[np.intp] = np.stack(columns, axis=1).ravel()[: len(index)]
        return turns

    return draw


def balanced(index: NDArray[np.intp], labels: NDArray[np.int64], seed: int) -> Draw:
    """Draw as many images of each stage as `alternating` does, shuffled."""
    turns = alternating(index, labels, seed)
    return lambda epoch: shuffled(turns(epoch), seed)(epoch)


def draw_partners(people: NDArray[np.str_], places: NDArray[np.int64], reach: int, seed: list[int]) -> NDArray[np.intp]:
    """Draw for each image another one of the same person, at most `reach` places away.

    Neighbouring slices show nearly the same anatomy, so that they make a positive pair that no change of
    brightness or position can imitate; see Azizi et al. 2021 (arXiv:2101.05224) on pairs of one patient.

    Args:
        people: str (N,), the person on each image.
        places: int64 (N,), position of each slice in the volume; where unknown equal, so that all are in reach.
        reach: in places, at least 1.
        seed: whole numbers that name this drawing.

    Returns:
        int (N,), the image itself where it has no other in reach.
    """
    person = np.unique(people, return_inverse=True)[1]
    apart = int(places.max() - places.min()) + reach + 1  # no reach leads into the next person
    key = person * apart + places
    order = np.argsort(key, kind="stable")
    low, high = np.searchsorted(key[order], key - reach), np.searchsorted(key[order], key + reach, side="right")
    own = np.empty_like(order)
    own[order] = np.arange(len(order))
    others = high - low - 1
    chosen = low + np.floor(np.random.default_rng(seed).random(len(key)) * others).astype(np.intp)
    chosen += (chosen >= own) & (others > 0)
    partners: NDArray[np.intp] = order[chosen]
    return partners


def labelled_subset(people: NDArray[np.str_], labels: NDArray[np.int64], percent: int) -> NDArray[np.intp]:
    """Choose the images whose labels are used when only a share of people is labelled.

    Args:
        people: str (N,), the person on each image.
        labels: int64 (N,), index into `STAGES`.
        percent: of each stage's people, rounded, at least one; a larger share holds all of a smaller one.

    Returns:
        int (M,), ascending indices into the N images.
    """
    chosen = [names[: max(1, round(len(names) * percent / 100))] for names in _people_by_stage(people, labels)]
    return np.flatnonzero(np.isin(people, np.concatenate(chosen)))


def validation_subjects(people: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Choose the images kept aside for early stopping: of a fifth of each stage's people, rounded down.

    Args:
        people: str (N,), the person on each image.
        labels: int64 (N,), index into `STAGES`; all equal where labels must not be used.

    Returns:
        bool (N,), True for images of validation subjects.

    Raises:
        UserError: no stage has five people.
    """
    chosen = [names[len(names) - len(names) // _VALIDATION :] for names in _people_by_stage(people, labels)]
    kept_aside: NDArray[np.bool_] = np.isin(people, np.concatenate(chosen))
    if not kept_aside.any():
        raise UserError(
            f"Early stopping keeps one in {_VALIDATION} training people of a stage aside, and no stage has "
            f"{_VALIDATION}; set patience to 0 in the recipe, or add people."
        )
    return kept_aside


def _people_by_stage(people: NDArray[np.str_], labels: NDArray[np.int64]) -> list[NDArray[np.str_]]:
    """Each stage's people, in the order of SHA-256(name), which no library's random numbers change."""
    names, first = np.unique(people, return_index=True)
    digests = np.array([hashlib.sha256(str(name).encode()).hexdigest() for name in names])
    order = np.argsort(digests)
    return [names[order][labels[first][order] == stage] for stage in np.unique(labels)]
