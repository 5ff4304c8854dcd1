"""From a zip or a folder to a `DataSet`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data import kaggle
from alzedge.data.dataset import DataSet
from alzedge.data.entries import PHANTOMS_FILE, Entry, list_entries
from alzedge.data.people.by_pixels.copies import Copies, find_copies, to_frame
from alzedge.data.people.by_pixels.parquet import check_codes, find_tables, read_tables
from alzedge.data.people.identify import recover
from alzedge.data.people.linking import link_people
from alzedge.data.people.table import Person, read_people
from alzedge.data.phantom_set import PHANTOMS
from alzedge.data.prepared_scans import find_prepared, load_prepared
from alzedge.data.subjects_csv import find_table
from alzedge.errors import UserError
from alzedge.imaging.slices import HEIGHT, WIDTH, decode_grey, decode_slice, fit_slice
from alzedge.preparation.frame import height_of
from alzedge.stages import STAGES
from alzedge.utils.archives import FileTree, check_source, open_tree
from alzedge.utils.extras import require
from alzedge.utils.progress import OnStep, quiet

# Wraps a sequence in a progress bar; `list` or `iter` shows none.
Progress = Callable[[list[Any]], Iterable[Any]]
# So many images are compared with the Kaggle set's before all are.
_AT_FIRST = 64


def load_dataset(
    source: Path,
    progress: Progress = iter,
    people: Path | None = None,
    on_step: OnStep = quiet,
    every_stage: bool = True,
) -> DataSet:
    """Read slices into memory (36 KB per slice): class folders in a zip or folder, prepared scans of OASIS-1, or Parquet tables with images of the Kaggle set.

    The Kaggle archive's people are taken from its file names only when the pixels agree
    (see `alzedge.data.kaggle.continuity`); a copy of it that has lost the names, whatever the size of its images, gets them
    back by fingerprints when every image is recognised (`alzedge.data.people.by_pixels`). OASIS-1's scans are read from the folder that
    `alzedge prepare` wrote, see `alzedge.data.prepared_scans`.

    Args:
        source: the zip or folder.
        progress: wraps the list of images or scans.
        people: OASIS-1's table. It gives prepared scans their stages, and people of either source their age and the
            other values; those of the Kaggle archive are identified first (half a minute; see `alzedge.data.people`).
        on_step: is told of the steps of that.
        every_stage: refuse class folders without images of one of the stages, which nothing can be trained on.

    Raises:
        UserError: see `list_entries`, `alzedge.imaging.slices.decode_slice`, `alzedge.data.prepared_scans.find_prepared`
            and `alzedge.data.people.table.read_people`; scans that are not prepared.
    """
    check_source(source)
    table = () if people is None else read_people(people)  # refused before images are read
    if scans := find_prepared(source):
        return load_prepared(source, scans, table, progress)
    tables = find_tables(source)
    dataset = _read_parquet(source, tables) if tables else _read_tree(source, progress, every_stage)
    return _with_people(dataset, table, on_step) if table else dataset


def _read_tree(source: Path, progress: Progress, every_stage: bool) -> DataSet:
    with open_tree(source) as tree:
        entries = list_entries(tree, every_stage)
        images, copies = _read_images(tree, entries, progress)
    dataset = _dataset(source.resolve().name, entries, images)
    if any(Path(name).name == PHANTOMS_FILE for name in tree.names):
        return replace(dataset, source=np.full(len(entries), PHANTOMS), synthetic=True)
    if find_table(tree.names) is not None:
        return dataset
    if dataset.subjects_known and kaggle.is_proof(kaggle.continuity(dataset)):
        return _of_kaggle(dataset, dataset.subject, dataset.slice)
    bare = replace(dataset, subject=np.full(len(entries), ""), slice=np.zeros(len(entries), np.int64))
    return _with_copied_people(bare, copies)


def _read_parquet(source: Path, tables: list[Path]) -> DataSet:
    """Copies of the Kaggle set in Parquet tables, their stages and people by fingerprints."""
    pictures = read_tables(tables)
    copies = find_copies(pictures.pixels)
    if not copies.all:
        raise UserError(
            f"{source}: a Parquet table says nobody's name, and {int((copies.found.subject == '').sum())} of its "
            f"{len(pictures.pixels)} images are not the Kaggle set's by their pixels; unpack its images into class folders and name the folder."
        )
    check_codes(source, pictures.codes, copies.stage)
    dataset = DataSet(
        name=source.resolve().name,
        images=np.stack([to_frame(picture) for picture in pictures.pixels]),
        labels=copies.stage,
        subject=copies.found.subject,
        slice=copies.slice,
        split=pictures.split,
        paths=pictures.paths,
    )
    return _of_kaggle(dataset, copies.found.subject, copies.slice)


def _read_images(tree: FileTree, entries: list[Entry], progress: Progress) -> tuple[NDArray[np.uint8], Copies | None]:
    """The slices; of another size where all are copies of the Kaggle set's, which are then given back their size."""
    name = f"{tree.source}: {entries[0].name}"
    problem = fit_slice(tree.read(entries[0].name), name)[1]
    if problem is None:
        images = np.empty((len(entries), HEIGHT, WIDTH), np.uint8)
        for i, entry in enumerate(progress(entries)):
            images[i] = decode_slice(tree.read(entry.name), f"{tree.source}: {entry.name}")
        return images, None
    pictures = [decode_grey(tree.read(entry.name), f"{tree.source}: {entry.name}") for entry in progress(entries)]
    copies = find_copies(pictures)
    if not copies.all:
        raise UserError(problem)
    return np.stack([to_frame(picture) for picture in pictures]), copies


def _with_copied_people(dataset: DataSet, copies: Copies | None) -> DataSet:
    """The data set with the people of the Kaggle set where all of its images are recognised; else as it is.

    Raises:
        UserError: an image lies in another class folder than its person belongs to.
    """
    if copies is None:
        if not find_copies(dataset.images[:_AT_FIRST]).all:
            return dataset
        copies = find_copies(dataset.images)
    if not copies.all:
        return dataset
    wrong = np.flatnonzero(copies.stage != dataset.labels)
    if len(wrong):
        at = wrong[0]
        raise UserError(
            f"{dataset.name}: {dataset.paths[at]} is a copy of an image of {copies.found.subject[at]} and lies in "
            f"{STAGES[dataset.labels[at]]}, as {len(wrong)} of {len(dataset)} images lie in the wrong folder; sort them by the "
            "original archive."
        )
    return _of_kaggle(dataset, copies.found.subject, copies.slice)


def _of_kaggle(dataset: DataSet, subject: NDArray[np.str_], position: NDArray[np.int64]) -> DataSet:
    """The data set as slices of the Kaggle set; a position 0 is unknown."""
    return replace(
        dataset,
        subject=subject,
        slice=position,
        source=np.full(len(dataset), kaggle.KAGGLE),
        scan=np.char.add(subject, f"/{kaggle.KAGGLE}"),
        height=np.array([height_of(level) if level else np.nan for level in position.tolist()], np.float64),
    )


def _dataset(name: str, entries: list[Entry], images: NDArray[np.uint8]) -> DataSet:
    def text(values: list[str]) -> NDArray[np.str_]:
        return np.array(values, str)

    def numbers(field: str) -> NDArray[np.float64]:
        return np.array([getattr(e.row, field, None) for e in entries], np.float64)

    return DataSet(
        name=name,
        images=images,
        labels=np.array([e.label for e in entries], np.int64),
        subject=text([e.subject for e in entries]),
        slice=np.array([e.slice for e in entries], np.int64),
        split=text([e.split for e in entries]),
        paths=text([e.path for e in entries]),
        scan=text(["" if e.row is None else e.row.scan for e in entries]),
        sex=text(["" if e.row is None else e.row.sex for e in entries]),
        height=numbers("height"),
        age=numbers("age"),
        education=numbers("education"),
        mmse=numbers("mmse"),
        etiv=numbers("etiv"),
        nwbv=numbers("nwbv"),
    )


def _with_people(dataset: DataSet, people: Sequence[Person], on_step: OnStep = quiet) -> DataSet:
    """The data set with what OASIS-1's table says of its people, the Kaggle archive's being recovered first.

    Whoever is known takes OASIS-1's identifier as subject, the others keep the archive's name. People whom a data set's
    own table names stay as they are.
    """
    if len(dataset) and (dataset.source == kaggle.KAGGLE).all():
        require("audit")
        return link_people(dataset, recover(dataset, people, on_step))
    if not dataset.subjects_known:
        raise UserError(
            f"{dataset.name}: neither the Kaggle archive with its file names nor prepared scans of OASIS-1, so a table of "
            "people says nothing about it; leave --people out, or name the original archive.zip."
        )
    return dataset
