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
from alzedge.data.people.identify import recover
from alzedge.data.people.linking import link_people
from alzedge.data.people.table import Person, read_people
from alzedge.data.phantom_set import PHANTOMS
from alzedge.data.prepared_scans import find_prepared, load_prepared
from alzedge.data.subjects_csv import find_table
from alzedge.errors import UserError
from alzedge.imaging.slices import HEIGHT, WIDTH, decode_slice
from alzedge.preparation.frame import height_of
from alzedge.utils.archives import check_source, open_tree
from alzedge.utils.extras import require
from alzedge.utils.progress import OnStep, quiet

# Wraps a sequence in a progress bar; `list` or `iter` shows none.
Progress = Callable[[list[Any]], Iterable[Any]]


def load_dataset(
    source: Path,
    progress: Progress = iter,
    people: Path | None = None,
    on_step: OnStep = quiet,
    every_stage: bool = True,
) -> DataSet:
    """Read slices into memory (36 KB per slice): a zip or folder with class folders, or prepared scans of OASIS-1.

    The Kaggle archive's people are taken from its file names only when the pixels agree
    (see `alzedge.data.kaggle.continuity`); otherwise they are left unknown. OASIS-1's scans are read from the folder that
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
    dataset = _read_tree(source, progress, every_stage)
    return _with_people(dataset, table, on_step) if table else dataset


def _read_tree(source: Path, progress: Progress, every_stage: bool) -> DataSet:
    with open_tree(source) as tree:
        entries = list_entries(tree, every_stage)
        images = np.empty((len(entries), HEIGHT, WIDTH), np.uint8)
        for i, entry in enumerate(progress(entries)):
            images[i] = decode_slice(tree.read(entry.name), f"{source}: {entry.name}")
    dataset = _dataset(source.resolve().name, entries, images)
    if any(Path(name).name == PHANTOMS_FILE for name in tree.names):
        return replace(dataset, source=np.full(len(entries), PHANTOMS), synthetic=True)
    named_by_user = find_table(tree.names) is not None
    if named_by_user or not dataset.subjects_known:
        return dataset
    if not kaggle.is_proof(kaggle.continuity(dataset)):
        return replace(dataset, subject=np.full(len(entries), ""), slice=np.zeros(len(entries), np.int64))
    return replace(
        dataset,
        source=np.full(len(entries), kaggle.KAGGLE),
        scan=np.char.add(dataset.subject, f"/{kaggle.KAGGLE}"),
        height=np.array([height_of(level) for level in dataset.slice], np.float64),
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
