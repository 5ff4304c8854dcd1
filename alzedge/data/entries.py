"""The images of a class-per-folder tree before their pixels are read: stage, side, and who is on them."""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from alzedge.data import kaggle
from alzedge.data.subjects_csv import (
    SPLIT_FOLDERS,
    SubjectRow,
    agreed,
    find_table,
    no_row,
    read_rows,
    two_rows,
    two_stages,
)
from alzedge.errors import UserError
from alzedge.imaging.foreign_files import PICTURES, foreign_by_name
from alzedge.imaging.picture_files import KINDS, SUFFIXES
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.stages import STAGES, stage_index
from alzedge.utils.archives import FileTree

# Lies in folders of phantoms, so that their figures are never taken for people's.
PHANTOMS_FILE = "PHANTOMS.txt"


@dataclass(frozen=True)
class Entry:
    """One image before its pixels are read.

    Attributes:
        name: of the file in the tree.
        path: from its split or class folder on.
        label: index into `STAGES`.
        split: 'train', 'test' or ''.
        subject, slice: who is on it and where in the volume; '' and 0 when unknown.
        row: what a `subjects.csv` says of it.
    """

    name: str
    path: str
    label: int
    split: str
    subject: str = ""
    slice: int = 0
    row: SubjectRow | None = None


def list_entries(tree: FileTree, every_stage: bool = True) -> list[Entry]:
    """Find the images of a class-per-folder tree and, if anything says so, who is on them.

    Layouts: `[.../]{train,test}/<stage>/*.jpg` and `[.../]<stage>/*.jpg`. People come from a
    `subjects.csv` with the columns path, subject and optionally slice and split, or from
    the Kaggle archive's file names. Images outside of class folders are read where a `subjects.csv`
    has their labels.

    Args:
        tree: files of the data set.
        every_stage: refuse data without images of one of the stages, which nothing can be trained on.

    Returns:
        Entries ordered by stage, subject, slice and path.

    Raises:
        UserError: no class folders, an unknown or an empty class, or a `subjects.csv` that
            does not fit.
    """
    entries = list(entries_in(tree.source, tree.names, _labelled(tree).get))
    (check_classes if every_stage else check_sides)(tree.source, {(e.split, e.label) for e in entries})
    if len({e.path for e in entries}) < len(entries):
        raise several_data_sets(tree.source)
    entries = _with_subjects(tree, entries)
    return sorted(entries, key=lambda e: (e.label, e.subject, e.slice, e.path))


# The image of a file's name that a table has the label of; None of any other name.
Labelled = Callable[[str], Entry | None]


def entries_in(source: Path, names: Iterable[str], labelled: Labelled) -> Iterator[Entry]:
    """The images among relative POSIX names, one by one, in the order of the names.

    Args:
        source: how to call the data set in messages.
        names: of all its files.
        labelled: images outside of class folders.

    Raises:
        UserError: an image lies in no class folder, or the class folders are those of several data sets, or the
            images are packed in Parquet tables or of a kind that is not read.
    """
    first: str | None = None
    for name in names:
        if name.lower().endswith(SUFFIXES):
            entry = entry_of(source, name, labelled)
            above = "/".join(name.split("/")[: -len(entry.path.split("/"))])
            if first is None:
                first = above
            if above != first:
                raise several_data_sets(source, first, above)
            yield entry
        elif name.lower().endswith(".parquet") or _unread_in_class(name):
            raise UserError(f"{source}: {name} is {foreign_by_name(name)}.")


def _unread_in_class(name: str) -> bool:
    """Tell whether a file is a picture of a kind that is not read, in a class folder, which would be missed silently."""
    return name.lower().endswith(PICTURES) and stage_index(name.rpartition("/")[0].rpartition("/")[2]) is not None


def entry_of(source: Path, name: str, labelled: Labelled) -> Entry:
    """The image of a relative POSIX name, by its folders, else as `labelled` has it.

    Raises:
        UserError: it lies in no folder of one of the four stages, and no table has its label.
    """
    parts = name.split("/")
    folder = parts[-2] if len(parts) > 1 else ""
    label = stage_index(folder)
    if label is None and (known := labelled(name)) is not None:
        return known
    if label is None:
        raise UserError(
            f"{source}: {name} is in no class folder; images belong in folders named {', '.join(STAGES)}, "
            f"either directly or below train/ and test/, as grey slices {WIDTH} wide x {HEIGHT} high; or a "
            "subjects.csv above them gives path, subject and label of each."
        )
    split = SPLIT_FOLDERS.get(parts[-3].lower(), "") if len(parts) > 2 else ""
    return Entry(name, "/".join(([split] if split else []) + parts[-2:]), label, split)


def check_classes(source: Path, classes: set[tuple[str, int]]) -> None:
    """Check that both sides of the split are there, or none, and that each has every stage.

    Args:
        source: how to call it in messages.
        classes: split and label of the images.

    Raises:
        UserError: no images, one side only, or a class without images.
    """
    check_sides(source, classes)
    for split in sorted({split for split, _ in classes}):
        for label, stage in enumerate(STAGES):
            if (split, label) not in classes:
                where = f"{split}/{stage}" if split else stage
                raise UserError(f"{source}: class {where} has no images; add some or use a complete copy.")


def check_sides(source: Path, classes: set[tuple[str, int]]) -> None:
    """Check that both sides of the split are there, or none; see `check_classes`.

    Raises:
        UserError: no images, or one side only.
    """
    if not classes:
        raise UserError(
            f"{source}: no {KINDS} images in it; expected folders named {', '.join(STAGES)}, "
            "either directly or below train/ and test/."
        )
    splits = {split for split, _ in classes}
    if "" in splits and len(splits) > 1:
        raise UserError(f"{source}: some images are not below train/ or test/; use both folders or neither.")
    if len(splits) == 1 and "" not in splits:
        raise UserError(f"{source}: all images are below {splits.pop()}/; use both train/ and test/, or neither.")


def several_data_sets(source: Path, *folders: str) -> UserError:
    """Error for two images with the same path below their split, or for class folders in several `folders`."""
    named = f" ({' and '.join(folder or 'its top' for folder in folders)})" if folders else ""
    augmented = any("aug" in folder.lower() for folder in folders)
    kept = next((f for f in folders if augmented and re.match("orig|val", f.rpartition("/")[2].lower())), None)
    hint = f"; of the Kaggle set's augmented copies, {kept} holds the images themselves" if kept else ""
    return UserError(f"{source}: holds more than one data set{named}; name one of the folders in it{hint}.")


def _with_subjects(tree: FileTree, entries: list[Entry]) -> list[Entry]:
    table = find_table(tree.names)
    if table is not None:
        return _from_table(tree, table, entries)
    try:
        who = kaggle.subjects_from_names(e.path for e in entries)
    except UserError:
        return entries  # some other data set; `alzedge subjects` says why
    return [replace(e, subject=who[e.path][0], slice=who[e.path][1]) for e in entries]


def _labelled(tree: FileTree) -> dict[str, Entry]:
    """Images that the table has labels of, by name of the file."""
    table = find_table(tree.names)
    if table is None:
        return {}
    top = table[: -len(Path(table).name)]
    text = io.TextIOWrapper(io.BytesIO(tree.read(table)), "utf-8-sig", newline="")
    rows = read_rows(text, f"{tree.source}: {table}")
    return {top + row.path: Entry(top + row.path, row.path, row.label, "") for row in rows if row.label is not None}


def _from_table(tree: FileTree, name: str, entries: list[Entry]) -> list[Entry]:
    where = f"{tree.source}: {name}"
    rows: dict[str, SubjectRow] = {}
    text = io.TextIOWrapper(io.BytesIO(tree.read(name)), "utf-8-sig", newline="")
    for row in read_rows(text, where):
        if rows.setdefault(row.path, row) != row:
            raise two_rows(where, row.path)
    rows = agreed(rows, where)
    named: list[Entry] = []
    labels: dict[str, int] = {}
    for entry in entries:
        if entry.path not in rows:
            raise no_row(where, entry.path)
        named.append(completed(entry, rows[entry.path], where))
        other = labels.setdefault(named[-1].subject, entry.label)
        if other != entry.label:
            raise two_stages(where, named[-1].subject, label=entry.label, other_label=other, path=entry.path)
    return named


def completed(entry: Entry, row: SubjectRow, where: str) -> Entry:
    """An image with the person, slice and split of its row of the table `where`.

    Raises:
        UserError: the row contradicts the image's folders.
    """
    if row.label is not None and row.label != entry.label:
        raise UserError(f"{where}: {entry.path} is labelled {STAGES[row.label]} but lies in another class folder.")
    return replace(entry, subject=row.subject, slice=row.slice, split=row.split or entry.split, row=row)
