"""Which training slices are seen, by whom they are of, and in what order."""

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError

# epoch -> indices of the training images, in the order of that epoch
Draw = Callable[[int], NDArray[np.intp]]
_WATCHING = 5  # one in five people watches


def shuffled(index: NDArray[np.intp], seed: int) -> Draw:
    """Each image once an epoch, in an order that depends on seed and epoch alone."""
    return lambda epoch: index[np.random.default_rng([seed, epoch]).permutation(len(index))]


def alternating(index: NDArray[np.intp], labels: NDArray[np.int64], seed: int) -> Draw:
    """The stages take turns; images of rare stages come back sooner.

    Args:
        index: int (N,), the images to draw from.
        labels: int64 (N,), of those.
        seed: of the order.

    Returns:
        Drawing of N images an epoch, of which every stage has the same number, give or take one.
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
    """As many images of each stage as in `alternating`, shuffled."""
    turns = alternating(index, labels, seed)
    return lambda epoch: shuffled(turns(epoch), seed)(epoch)


def draw_partners(people: NDArray[np.str_], places: NDArray[np.int64], reach: int, seed: list[int]) -> NDArray[np.intp]:
    """Draw for each image another one of the same person, at most `reach` places away.

    Neighbouring slices show nearly the same anatomy, so that they make a positive pair that no change of
    brightness or position can imitate; see Azizi et al. 2021 (arXiv:2101.05224) on pairs of one patient.

    Args:
        people: str (N,), who is on each image.
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


def labelled_part(people: NDArray[np.str_], labels: NDArray[np.int64], percent: int) -> NDArray[np.intp]:
    """The images whose labels are used when only a share of people is labelled.

    Args:
        people: str (N,), who is on each image.
        labels: int64 (N,).
        percent: of each stage's people, rounded, at least one; a larger share holds all of a smaller one.

    Returns:
        Indices into the N images, in order.
    """
    chosen = [names[: max(1, round(len(names) * percent / 100))] for names in _people_by_stage(people, labels)]
    return np.flatnonzero(np.isin(people, np.concatenate(chosen)))


def watching_part(people: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whose images watch the training instead of taking part: a fifth of each stage's people, rounded down.

    Args:
        people: str (N,), who is on each image.
        labels: int64 (N,); all equal where labels must not be looked at.

    Returns:
        bool (N,).

    Raises:
        UserError: no stage has five people.
    """
    chosen = [names[len(names) - len(names) // _WATCHING :] for names in _people_by_stage(people, labels)]
    watching: NDArray[np.bool_] = np.isin(people, np.concatenate(chosen))
    if not watching.any():
        raise UserError(
            f"Early stopping keeps one in {_WATCHING} training people of a stage aside, and no stage has "
            f"{_WATCHING}; set patience to 0 in the recipe, or add people."
        )
    return watching


def _people_by_stage(people: NDArray[np.str_], labels: NDArray[np.int64]) -> list[NDArray[np.str_]]:
    """Each stage's people, in the order of SHA-256(name), which no library's random numbers change."""
    names, first = np.unique(people, return_index=True)
    digests = np.array([hashlib.sha256(str(name).encode()).hexdigest() for name in names])
    order = np.argsort(digests)
    return [names[order][labels[first][order] == stage] for stage in np.unique(labels)]
