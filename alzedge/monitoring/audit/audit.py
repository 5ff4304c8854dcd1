"""The audit of a split: leaks of people, and baselines on it, from files to the content of `audit.json`.

The pixels show a leak without names: a person has one stage, so a test image and a training image of *another* stage
show different people. How alike such pairs can be is measured on the data itself: of each test image the
most similar training image of another stage is taken, and the similarity that 1 in 1,000 of these exceeds,
moved a quarter of the way to 1 because people of one stage are somewhat more alike, is the threshold. In a clean
split, the most similar images of the *own* stage hardly ever exceed it; a neighbouring slice of the same
person does so easily.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge import __version__
from alzedge.data import kaggle
from alzedge.data.folds import N_FOLDS, deal_folds, subject_folds
from alzedge.errors import UserError
from alzedge.metrics.baselines import METHODS, People, Sides, baseline_figures
from alzedge.metrics.bootstrap import REPLICATES
from alzedge.monitoring.audit.descriptors import BASELINE_IMAGES, OnImage, Scan, read_images, scan_images
from alzedge.monitoring.audit.index import TEST, TRAIN, Index, Source, index_images, open_source
from alzedge.monitoring.audit.neighbours import Matches, best_matches

EXPECTED = 0.001
_MARGIN = 0.25
# Measured on clean splits by people, nine of the Kaggle set and eight of phantoms: no image of the former and at most
# one of the latter. One person of 40 with half of the slices on either side makes 0.9 to 1.3 %.
LEAKS_FROM = 0.005
_AT_LEAST = 8
_PAIRS = 6

OnPhase = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Audit:
    """Result of an audit.

    Attributes:
        result: the content of `audit.json`.
        matches: of the test images; see `alzedge.monitoring.audit.neighbours`.
        pictures: pixels, uint8 (208, 176), of the images of the pairs in `result`, by path.
    """

    result: dict[str, Any]
    matches: Matches
    pictures: dict[str, NDArray[np.uint8]]


def audit(path: Path, on_image: OnImage = lambda: None, on_phase: OnPhase = lambda title: None) -> Audit:
    """Audit the split a data set came with; a random one of its slices where it came without.

    Args:
        path: a folder or zip with one sub-folder per stage, below `train/` and `test/` or not.
        on_image: called for every image read.
        on_phase: called with what is done next.

    Raises:
        UserError: not such a data set, a class without images, one person only.
    """
    source = open_source(path)
    on_phase("listing")
    index = index_images(source)
    on_phase("reading slices")
    scan = scan_images(source, index, on_image)
    index = _proved(index, scan, path)
    if len(index.people) == 1:
        raise UserError(
            f"{path}: shows one person only ({index.people[0]}), so no split of it can be audited; add people."
        )
    side = index.side if (index.side >= 0).all() else np.where(index.key % np.uint64(N_FOLDS) == 0, TEST, TRAIN)
    train, test = np.flatnonzero(side == TRAIN), np.flatnonzero(side == TEST)
    if not len(train) or not len(test):
        raise UserError(f"{path}: {len(index.key)} images are too few for a split; add images.")
    on_phase("comparing")
    matches = best_matches(scan.vectors, scan.spread, index.label, train, test)
    result: dict[str, Any] = {
        "alzedge": __version__,
        "data": path.resolve().name,
        "phantoms": index.synthetic,
        "images": {"train": len(train), "test": len(test)},
        "split": "official" if (index.side >= 0).all() else "random",
        "people": _people(index, train, test),
        "duplicates": _duplicates(scan, train, test),
        "similarity": _similarity(index, matches, test),
    }
    result["verdict"] = verdict(result)
    on_phase("baselines")
    result["floors"] = _baselines(index, scan, side)
    pictures = _add_pairs(result, source, index, matches, test)
    return Audit(result, matches, pictures)


def verdict(result: dict[str, Any]) -> dict[str, Any]:
    """`leaks`, and one `sentence` with the evidence, from the other entries of an `audit.json`."""
    people, twins, alike = result["people"], result["duplicates"]["test"], result["similarity"]
    share = alike["above"]
    evidence: list[str] = []
    quiet: list[str] = []
    if people:
        proof = f"{people['shared']} of the {people['test']} people of the test side are in the training side too"
        proof += f" ({people['shared'] / people['test']:.0%}, by {people['known_by']})"
        (evidence if people["shared"] else quiet).append(proof)
    if twins:
        evidence.append(f"{twins} test images are training images byte for byte")
    sign = (
        f"{share['value']:.1%} (95% interval {share['low']:.1%} to {share['high']:.1%}) of the test images are more like "
        f"a training image of their stage than different people are (less than {EXPECTED:.1%} expected)"
    )
    (evidence if alike["leaks"] else quiet).append(sign)
    what = f"The split of {result['data']}"
    if result["split"] == "random":
        what = f"{result['data']} came without a split, and a random split of its slices"
    unknown = "" if people else "; who is on the images is unknown, so nothing can be claimed about unseen people"
    if evidence:
        return {"leaks": True, "sentence": f"{what} leaks: {'; '.join(evidence)}{unknown}."}
    return {"leaks": False, "sentence": f"{what} shows no leak: {'; '.join(quiet)}{unknown}."}


def _proved(index: Index, scan: Scan, path: Path) -> Index:
    """Without the people of the Kaggle file names if the pixels contradict them."""
    if index.known_by != kaggle.KNOWN_BY:
        return index
    names = np.array(index.people)[index.subject]
    continuity = kaggle.continuity_of(str(path), scan.features.pixels, names, index.slice.astype(np.int64))
    if kaggle.is_proof(continuity):
        return index
    return replace(index, subject=np.full_like(index.subject, -1), people=(), known_by="")


def _people(index: Index, train: NDArray[np.intp], test: NDArray[np.intp]) -> dict[str, Any] | None:
    if not index.people:
        return None
    here, there = np.unique(index.subject[train]), np.unique(index.subject[test])
    shared = np.intersect1d(here, there)
    return {
        "known_by": index.known_by,
        "all": len(index.people),
        "train": len(here),
        "test": len(there),
        "shared": len(shared),
        "shared_names": [index.people[k] for k in shared[:20]],
    }


def _duplicates(scan: Scan, train: NDArray[np.intp], test: NDArray[np.intp]) -> dict[str, int]:
    """Images of the same bytes: test images that are training images too, and copies within all images."""
    return {
        "test": int(np.isin(scan.digest[test], scan.digest[train]).sum()),
        "copies": len(scan.digest) - len(np.unique(scan.digest)),
    }


def _similarity(index: Index, matches: Matches, test: NDArray[np.intp]) -> dict[str, Any]:
    highest = float(np.nanquantile(matches.other, 1 - EXPECTED, method="higher"))
    threshold = highest + _MARGIN * (1 - highest)
    above = matches.own > threshold
    known = bool(index.people)
    units = np.unique(index.subject[test], return_inverse=True)[1] if known else np.arange(len(test))
    interval = _share(above, units)
    similarity: dict[str, Any] = {
        "threshold": threshold,
        "expected_share": EXPECTED,
        "above": interval,
        "above_count": int(above.sum()),
        "leaks": bool(above.sum() >= _AT_LEAST and interval["value"] >= LEAKS_FROM),
        "interval_over": "people" if known else "slices",
        "own_median": float(np.nanmedian(matches.own)),
        "other_median": float(np.nanmedian(matches.other)),
    }
    if known and above.any():
        same = index.subject[test[above]] == index.subject[matches.own_at[above]]
        similarity["same_person_by_name"] = float(same.mean())
    return similarity


def _share(hits: NDArray[np.bool_], units: NDArray[np.intp]) -> dict[str, float]:
    """Share of hits with its interval over people or slices."""
    hits_of, size = np.bincount(units, weights=hits), np.bincount(units).astype(np.float64)
    values = [hits_of.sum() / size.sum()]
    random = np.random.default_rng(0)
    for _ in range(REPLICATES):  # one by one: all at once would need a gigabyte for 100,000 test images
        drawn = random.integers(len(size), size=len(size))
        values.append(hits_of[drawn].sum() / size[drawn].sum())
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return {"value": float(values[0]), "low": float(low), "high": float(high)}


def _baselines(index: Index, scan: Scan, side: NDArray[Any]) -> dict[str, Any]:
    """Figures of `METHODS` on the split as given, on a random one and on unseen people."""
    chosen = scan.chosen
    labels = index.label[chosen].astype(np.int64)
    subject = np.array(index.people)[index.subject[chosen]] if index.people else None
    people = People(labels, subject, index.slice[chosen].astype(np.int64))
    random = deal_folds(index.key[chosen].astype(str), labels)
    splits: dict[str, Sides] = {}
    if (index.side >= 0).all():
        splits["official"] = _sides(side[chosen] == TEST)
    splits["random"] = _sides(random == 0)
    if subject is not None and len(np.unique(subject)) >= N_FOLDS:
        folds = subject_folds(subject, labels)
        splits["people"] = [pair for fold in range(N_FOLDS) for pair in _sides(folds == fold)]
    measured = {name: baseline_figures(scan.features, people, sides) for name, sides in splits.items() if sides}
    return {
        "images": len(chosen),
        "sampled": len(chosen) < len(index.key),
        "limit": BASELINE_IMAGES,
        "methods": METHODS,
        "splits": {name: {method: of.to_json() for method, of in by.items()} for name, by in measured.items()},
    }


def _sides(test: NDArray[np.bool_]) -> Sides:
    """None where a side of the sample is empty."""
    return [(np.flatnonzero(~test), np.flatnonzero(test))] if test.any() and not test.all() else []


def _add_pairs(
    result: dict[str, Any], source: Source, index: Index, matches: Matches, test: NDArray[np.intp]
) -> dict[str, NDArray[np.uint8]]:
    """Put the most similar pairs of one stage into the result, no training image and no person twice."""
    pairs: list[tuple[int, int, float]] = []
    taken: set[tuple[str, int]] = set()
    for at in np.argsort(-np.nan_to_num(matches.own, nan=-2), kind="stable"):
        number, partner = int(test[at]), int(matches.own_at[at])
        marks = {("image", partner), ("person", int(index.subject[number]))} if index.people else {("image", partner)}
        if partner >= 0 and not marks & taken:
            taken |= marks
            pairs.append((number, partner, float(matches.own[at])))
        if len(pairs) == _PAIRS:
            break
    images = read_images(source, {number for pair in pairs for number in pair[:2]})
    name = [*index.people, ""]
    result["pairs"] = [
        {
            "test": images[a][0],
            "train": images[b][0],
            "similarity": similarity,
            "test_subject": name[index.subject[a]],
            "train_subject": name[index.subject[b]],
        }
        for a, b, similarity in pairs
    ]
    return dict(images.values())
