"""From a zip, a folder or the word `phantoms` to a `DataSet`."""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alzedge.data import kaggle
from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.imaging.slices import HEIGHT, SUFFIXES, WIDTH, decode_slice
from alzedge.stages import STAGES, label_of, stage_index
from alzedge.utils.archives import FileTree, open_tree

SUBJECTS_FILE = "subjects.csv"
# Lies in folders of phantoms, so that their figures are never taken for people's.
PHANTOMS_FILE = "PHANTOMS.txt"
_SPLITS = ("train", "test")

# Wraps a sequence in a progress bar; `list` or `iter` shows none.
Progress = Callable[[list["Entry"]], Iterable["Entry"]]


@dataclass(frozen=True)
class Entry:
    """One image before its pixels are read: `path` starts at its split or class folder."""

    name: str
    path: str
    label: int
    split: str
    subject: str = ""
    slice: int = 0


def list_entries(tree: FileTree) -> list[Entry]:
    """Find the images of a class-per-folder tree and, if anything tells, who is on them.

    Layouts: `[.../]{train,test}/<stage>/*.jpg` and `[.../]<stage>/*.jpg`. People come from a
    `subjects.csv` with the columns path, subject and optionally slice and split, or from
    the Kaggle archive's file names.

    Returns:
        Entries ordered by stage, subject, slice and path.

    Raises:
        UserError: no class folders, an unknown or an empty class, or a `subjects.csv` that
            does not fit.
    """
    entries = [entry_of(tree.source, name) for name in tree.names if name.lower().endswith(SUFFIXES)]
    check_classes(tree.source, {(e.split, e.label) for e in entries})
    if len({e.path for e in entries}) < len(entries):
        raise several_data_sets(tree.source)
    entries = _with_subjects(tree, entries)
    return sorted(entries, key=lambda e: (e.label, e.subject, e.slice, e.path))


def load_dataset(source: Path, progress: Progress = iter) -> DataSet:
    """Read a zip or folder of slices into memory (36 KB per slice).

    The Kaggle archive's people are taken from its file names only when the pixels agree
    (see `alzedge.data.kaggle.continuity`); otherwise they are left unknown.

    Raises:
        UserError: see `list_entries` and `alzedge.imaging.slices.decode_slice`.
    """
    with open_tree(source) as tree:
        entries = list_entries(tree)
        images = np.empty((len(entries), HEIGHT, WIDTH), np.uint8)
        for i, entry in enumerate(progress(entries)):
            images[i] = decode_slice(tree.read(entry.name), f"{source}: {entry.name}")
        extra_files = {Path(name).name for name in tree.names}
    dataset = replace(_dataset(source.resolve().name, entries, images), synthetic=PHANTOMS_FILE in extra_files)
    named_by_user = SUBJECTS_FILE in extra_files
    if dataset.subjects_known and not named_by_user and kaggle.continuity(dataset).min() < 0.99:
        return replace(dataset, subject=np.full(len(entries), ""), slice=np.zeros(len(entries), np.int64))
    return dataset


def _dataset(name: str, entries: list[Entry], images: np.ndarray) -> DataSet:
    return DataSet(
        name=name,
        images=images,
        labels=np.array([e.label for e in entries], np.int64),
        subject=np.array([e.subject for e in entries], str),
        slice=np.array([e.slice for e in entries], np.int64),
        split=np.array([e.split for e in entries], str),
        paths=np.array([e.path for e in entries], str),
    )


def entry_of(source: Path, name: str) -> Entry:
    """The image of a relative POSIX name, told from its folders.

    Raises:
        UserError: it lies in no folder of one of the four stages.
    """
    parts = name.split("/")
    folder = parts[-2] if len(parts) > 1 else ""
    label = stage_index(folder)
    if label is None:
        raise UserError(
            f"{source}: {name} is in no class folder; images belong in folders named {', '.join(STAGES)}, "
            "either directly or below train/ and test/."
        )
    split = parts[-3].lower() if len(parts) > 2 and parts[-3].lower() in _SPLITS else ""
    return Entry(name, "/".join(([split] if split else []) + parts[-2:]), label, split)


def check_classes(source: Path, found: set[tuple[str, int]]) -> None:
    """Check that both sides of the split are there, or none, and that each has every stage.

    Args:
        source: how to call it in messages.
        found: split and label of the images.

    Raises:
        UserError: no images, one side only, or a class without images.
    """
    check_sides(source, found)
    for split in sorted({split for split, _ in found}):
        for label, stage in enumerate(STAGES):
            if (split, label) not in found:
                where = f"{split}/{stage}" if split else stage
                raise UserError(f"{source}: class {where} has no images; add some or use a complete copy.")


def check_sides(source: Path, found: set[tuple[str, int]]) -> None:
    """Check that both sides of the split are there, or none; see `check_classes`.

    Raises:
        UserError: no images, or one side only.
    """
    if not found:
        raise UserError(
            f"{source}: no JPEG or PNG images in it; expected folders named {', '.join(STAGES)}, "
            "either directly or below train/ and test/."
        )
    splits = {split for split, _ in found}
    if "" in splits and len(splits) > 1:
        raise UserError(f"{source}: some images are not below train/ or test/; use both folders or neither.")
    if len(splits) == 1 and "" not in splits:
        raise UserError(f"{source}: all images are below {splits.pop()}/; use both train/ and test/, or neither.")


def several_data_sets(source: Path) -> UserError:
    """What to say when two images have the same path below their split."""
    return UserError(f"{source}: holds more than one data set; name one of the folders in it.")


def _with_subjects(tree: FileTree, entries: list[Entry]) -> list[Entry]:
    files = [name for name in tree.names if Path(name).name == SUBJECTS_FILE]
    if files:
        return _from_csv(tree, min(files, key=len), entries)
    try:
        who = kaggle.subjects_from_names(e.path for e in entries)
    except UserError:
        return entries  # some other data set; `alzedge subjects` says why
    return [replace(e, subject=who[e.path][0], slice=who[e.path][1]) for e in entries]


def _from_csv(tree: FileTree, name: str, entries: list[Entry]) -> list[Entry]:
    where = f"{tree.source}: {name}"
    rows: dict[str, dict[str, str]] = {}
    try:
        for row in csv.DictReader(io.StringIO(tree.read(name).decode("utf-8-sig"))):
            stripped = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
            if rows.setdefault(stripped["path"], stripped) != stripped:
                raise UserError(f"{where}: two different rows for {stripped['path']}; keep one.")
        named = [from_row(entry, rows[entry.path]) for entry in entries]
    except KeyError as error:
        raise UserError(
            f"{where}: no column or row {error}; it needs path,subject and a row for every image."
        ) from error
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise UserError(f"{where}: not a readable table ({error}); write it as UTF-8 CSV.") from error
    _check_one_stage_each(where, named)
    return named


def _check_one_stage_each(where: str, entries: list[Entry]) -> None:
    first: dict[str, Entry] = {}
    for entry in entries:
        other = first.setdefault(entry.subject, entry)
        if other.label != entry.label:
            raise UserError(
                f"{where}: {entry.subject} is {STAGES[other.label]} on {other.path} and {STAGES[entry.label]} on "
                f"{entry.path}; give each visit a subject of its own or mend the labels."
            )


def from_row(entry: Entry, row: dict[str, str]) -> Entry:
    """An image with what its row of a `subjects.csv` says.

    Raises:
        UserError: the row has no subject, or contradicts the image's folders.
    """
    if not row["subject"]:
        raise UserError(
            f"{SUBJECTS_FILE}: no subject for {entry.path}; name one, or remove the file if people are unknown."
        )
    if row.get("label") and label_of(row["label"]) != entry.label:
        raise UserError(f"{SUBJECTS_FILE}: {entry.path} is labelled {row['label']} but lies in another class folder.")
    if row.get("split") and row["split"] not in _SPLITS:
        raise UserError(f"{SUBJECTS_FILE}: {entry.path} has split {row['split']!r}; expected train or test.")
    return replace(
        entry, subject=row["subject"], slice=int(row.get("slice") or 0), split=row.get("split") or entry.split
    )
