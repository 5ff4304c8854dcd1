"""OASIS-1's scans, brought into the frame by `alzedge prepare`, as a data set."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.data.people.candidates import CDR_OF_CLASS
from alzedge.data.people.table import Person, Session
from alzedge.errors import UserError
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.preparation import frame
from alzedge.preparation.brightness import stretched
from alzedge.utils.extras import require

OASIS1 = "oasis1"
# Heights z in mm of the slices cut from each scan, from below the temporal lobes to near the vertex.
HEIGHTS_MM = tuple(range(-38, 55, 4))

_SCAN = re.compile(r"(OAS1_\d{4})_MR\d")
_RAW = re.compile(r"OAS1_\d{4}_MR\d.*\.(nii|nii\.gz|hdr|img)")
_VOLUME = "volume.nii.gz"
# Wraps the scans' folders in a progress bar; `iter` shows none.
Progress = Callable[[list[Path]], Iterable[Path]]


def find_prepared(folder: Path) -> list[Path]:
    """The folders in `folder` that `alzedge prepare` wrote, sorted; none where it holds something else.

    Raises:
        UserError: it holds OASIS-1's scans as they come, or prepared scans of others beside prepared ones of OASIS-1.
    """
    if not folder.is_dir():
        return []
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    prepared = [path for path in entries if (path / _VOLUME).is_file()]
    if prepared:
        strangers = [path for path in prepared if not _SCAN.fullmatch(path.name)]
        if strangers:
            raise UserError(
                f"{strangers[0]}: not named like a scan of OASIS-1 (OAS1_0001_MR1), so who it is and of which stage is not "
                "known; cut slices into class folders with a subjects.csv, or name prepared scans of OASIS-1 only."
            )
        return prepared
    if any(_RAW.fullmatch(path.name) or (path.is_dir() and _SCAN.fullmatch(path.name)) for path in entries):
        raise UserError(
            f"{folder} holds scans that are not in the frame yet; run `alzedge prepare {folder}/* --out PREPARED` first, "
            "then name PREPARED."
        )
    return []


def load_prepared(folder: Path, scans: list[Path], people: Iterable[Person] = (), progress: Progress = iter) -> DataSet:
    """Cut the slices at `HEIGHTS_MM` out of prepared scans of OASIS-1 (36 KB per slice).

    Slices are stretched one by one as `alzedge.preparation.prepare.Prepared.slices` does. Both sessions of a person
    have the person's stage; age, education, MMSE, eTIV and nWBV are of the session where the table has them, and else of
    the person's first.

    Args:
        folder: how to call the data set.
        scans: from `find_prepared`.
        people: OASIS-1's table; without it every stage and value is unknown.
        progress: wraps the scans.

    Raises:
        UserError: a volume is damaged or not in the frame, somebody is not in the table, or nibabel is missing.
    """
    require("medical")
    by_name = {person.oasis_id: person for person in people}
    found = {scan.name: _about(scan, by_name) for scan in scans} if by_name else {}
    levels = [int(frame.FIRST_LEVEL + z) for z in HEIGHTS_MM]
    images = np.empty((len(scans), len(levels), HEIGHT, WIDTH), np.uint8)
    for number, scan in enumerate(progress(scans)):
        images[number] = _cut(scan / _VOLUME, levels)
    names = [scan.name for scan in scans]
    every = len(levels)
    count = len(names) * every

    def column(value: str) -> NDArray[np.float64]:
        return np.repeat(_values(names, found, value), every)

    return DataSet(
        name=folder.resolve().name,
        images=images.reshape(count, HEIGHT, WIDTH),
        labels=np.repeat([_label(found, name) for name in names], every).astype(np.int64),
        subject=np.repeat([name[:9] for name in names], every),
        slice=np.tile(np.arange(1, every + 1), len(names)),
        split=np.full(count, ""),
        paths=np.array([f"{name}/z{z:+03d}" for name in names for z in HEIGHTS_MM]),
        source=np.full(count, OASIS1),
        scan=np.repeat(names, every),
        height=np.tile(np.array(HEIGHTS_MM, np.float64), len(names)),
        age=column("age"),
        sex=np.repeat([found[name][1].sex if found else "" for name in names], every),
        education=column("education"),
        mmse=column("mmse"),
        etiv=column("etiv"),
        nwbv=column("nwbv"),
    )


def _about(scan: Path, people: Mapping[str, Person]) -> tuple[Session, Session]:
    """The session of the scan and the person's first."""
    person = people.get(scan.name[:9])
    if person is None:
        raise UserError(f"{scan}: {scan.name[:9]} is not in the table of people; use OASIS-1's complete table.")
    own = next((session for session in person.sessions if session.oasis_id == scan.name), person.first)
    return own, person.first


def _label(found: Mapping[str, tuple[Session, Session]], name: str) -> int:
    """Stage by the person's CDR; CDR 3, which OASIS-1 has nobody of, is none of the stages."""
    cdr = found[name][1].cdr if found else None
    return CDR_OF_CLASS.index(cdr) if cdr in CDR_OF_CLASS else UNKNOWN_STAGE


def _values(names: list[str], found: Mapping[str, tuple[Session, Session]], value: str) -> NDArray[np.float64]:
    known = [[getattr(session, value) for session in found[name]] if found else [None, None] for name in names]
    return np.array([first if own is None else own for own, first in known], np.float64)


def _cut(path: Path, levels: list[int]) -> NDArray[np.uint8]:
    """Slices uint8 (N, 208, 176) of a prepared volume."""
    from alzedge.imaging.nifti import read_nifti

    with path.open("rb") as stream:
        grid = read_nifti(stream, str(path))
    if grid.voxels.shape != frame.SHAPE or not np.allclose(grid.affine, frame.affine(), atol=1e-3):
        raise UserError(f"{path}: not a volume in the frame; run `alzedge prepare` on the scan again.")
    mask = frame.load_template().mask
    return np.stack([stretched(grid.voxels[:, :, k].T.astype(np.float32), mask[:, :, k].T) for k in levels])
