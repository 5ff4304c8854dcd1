"""The people of the Kaggle archive: recovered from its file names, proved on its pixels, summarised."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.data import kaggle
from alzedge.data.dataset import DataSet
from alzedge.data.entries import list_entries
from alzedge.data.loading import Progress, load_dataset
from alzedge.data.prepared_scans import find_prepared
from alzedge.data.subjects_csv import find_table
from alzedge.errors import UserError
from alzedge.stages import STAGES
from alzedge.utils.archives import open_tree

_STEPS_A_LINE = 7


@dataclass(frozen=True, eq=False)
class RecoveredPeople:
    """The Kaggle set with its people, and the continuity (31,) that proves them; see `alzedge.data.kaggle`."""

    dataset: DataSet
    continuity: NDArray[np.float64]


def names_its_people(source: Path) -> bool:
    """True for a data set that says itself who is on it: by a `subjects.csv`, or as prepared scans of OASIS-1."""
    if find_prepared(source):
        return True
    with open_tree(source) as tree:
        return find_table(tree.names) is not None


def recover_subjects(archive: Path, progress: Progress = iter) -> RecoveredPeople:
    """Read people and slices off the file names and prove them on the pixels.

    Raises:
        UserError: not readable, names that do not fit, or pixels that contradict them.
    """
    with open_tree(archive) as tree:
        kaggle.subjects_from_names(entry.path for entry in list_entries(tree))
    dataset = load_dataset(archive, progress)
    if not dataset.subjects_known:
        raise UserError(
            f"{archive}: the file names fit, but the slices do not follow one another, so this copy was re-packed and "
            "has lost who is who; use the original archive.zip from Kaggle."
        )
    return RecoveredPeople(dataset, kaggle.continuity(dataset))


def summary(recovered: RecoveredPeople) -> str:
    """Summarise people, slices, splits and proof as text."""
    data = recovered.dataset
    people, first = np.unique(data.subject, return_index=True)
    per_person = len(data) // len(people)
    lines = [f"{data.name}: {len(people)} people x {per_person} slices = {len(data)} images", ""]
    lines.append(f"{'stage':<18}{'people':>8}{'train':>8}{'test':>8}")
    for label, stage in enumerate(STAGES):
        of_stage = data.labels == label
        train, test = ((of_stage & (data.split == side)).sum() for side in ("train", "test"))
        lines.append(f"{stage:<18}{(data.labels[first] == label).sum():>8}{train:>8}{test:>8}")
    lines += ["", "slices in the official splits:", *_side_lines(data)]
    shared = set(data.subject[data.split == "train"]) & set(data.subject[data.split == "test"])
    lines.append(f"people in both train and test: {len(shared)} of {len(people)} ({len(shared) / len(people):.0%})")
    lines += ["", "continuity: share of people whose next slice is the nearest of all people's next slices"]
    for start in range(0, len(recovered.continuity), _STEPS_A_LINE):
        steps = enumerate(recovered.continuity[start : start + _STEPS_A_LINE], start=start + 1)
        lines.append("  " + "  ".join(f"{s:>2}-{s + 1:<2} {share:.3f}" for s, share in steps))
    worst, mean = recovered.continuity.min(), recovered.continuity.mean()
    lines.append(f"all {len(recovered.continuity)} steps: lowest {worst:.3f}, mean {mean:.3f}")
    return "\n".join(lines)


def _side_lines(data: DataSet) -> list[str]:
    lines = []
    for side in ("train", "test"):
        slices, counts = np.unique(data.slice[data.split == side], return_counts=True)
        people = len(np.unique(data.subject))
        whole = slices[counts == people]
        shared = [f"{count} images of slice {s}" for s, count in zip(slices, counts, strict=True) if count < people]
        lines.append(
            f"  {side:<6} slices {whole.min()}-{whole.max()} of all {people} people"
            + "".join(f" and {s}" for s in shared)
        )
    return lines
