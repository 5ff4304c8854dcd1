"""A head's scan from any file or folder that a researcher has: NIfTI, Analyze pair, DICOM series, OASIS-1's folders."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from alzedge.errors import UserError
from alzedge.imaging.analyze import pair_of
from alzedge.imaging.file_types import ANALYZE, ARCHIVE, DICOM, NIFTI, kind_of, open_file, read_start
from alzedge.imaging.foreign_files import OTHER_BYTES, foreign_by_name, kind_of_other
from alzedge.imaging.grid import MAX_VOXELS, Grid, Named
from alzedge.imaging.volumes import grid_of
from alzedge.preparation import frame

# Of a folder that `alzedge prepare` wrote for a scan: volume in the frame, slices, and the figures, which it writes last.
VOLUME, SLICES, FIGURES = "volume.nii.gz", "slices", "quality.json"
_LEVEL = re.compile(r"level_\d+_z([+-]\d+)\.png")
# OASIS-1's folder of a session, best first: in the atlas and masked, in the atlas, averaged, one raw repeat.
_OASIS = (
    "PROCESSED/MPRAGE/T88_111/*_t88_masked_gfc.hdr",
    "PROCESSED/MPRAGE/T88_111/*_t88_gfc.hdr",
    "PROCESSED/MPRAGE/SUBJ_111/*_sbj_111.hdr",
    "RAW/*_mpr-1_anon.hdr",
)


@dataclass(frozen=True)
class ScanFiles:
    """The files of one scan.

    Attributes:
        kind: one of `alzedge.imaging.file_types.VOLUMES`.
        files: their paths; of an Analyze pair the header first.
        notes: what was chosen, sentences without a full stop.
    """

    kind: str
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_scan(path: Path) -> Grid:
    """Read a head from a file or folder; see `find_scan`.

    Raises:
        UserError: nothing there, nothing that can be read, or damaged; packages are missing.
    """
    found = find_scan(path)
    return scan_of(found.kind, [(file, partial(open_file, file)) for file in found.files], str(path), found.notes)


def find_scan(path: Path) -> ScanFiles:
    """Find the files of a scan.

    Args:
        path: a NIfTI file, either file of an Analyze pair, a DICOM file, a folder of DICOM files (of several series the
            T1 volume is chosen when it is read), a session's folder of OASIS-1, or a folder of one volume.

    Raises:
        UserError: nothing there, several volumes, or nothing that can be read.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; check the path.")
    if path.is_dir():
        return _in_folder(path)
    kind = kind_of(str(path), read_start)
    if kind == ANALYZE:
        return ScanFiles(ANALYZE, pair_of(str(path), _is_file))
    foreign = foreign_by_name(path.name) or kind_of_other(read_start(str(path), OTHER_BYTES))
    if kind == ARCHIVE:
        raise UserError(f"{path}: a zip archive; unpack it and name the scan in it.")
    if kind not in (NIFTI, DICOM) and foreign:
        raise UserError(f"{path}: {foreign}.")
    return ScanFiles(kind if kind in (NIFTI, DICOM) else DICOM, (str(path),))  # its reader says what else it is


def list_scans(path: Path) -> list[Path]:
    """The scans of a folder and of its sub-folders, each a file or folder for `find_scan`; of a file itself.

    Sessions of OASIS-1 and folders with DICOM files are one scan each, whatever lies below.

    Raises:
        UserError: nothing there.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; check the path.")
    if not path.is_dir() or oasis_scan(path) is not None:
        return [path]
    files = _files_in(path)
    if any(kind_of(str(file), read_start) == DICOM for file in files):
        return [path]
    folders = sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith("."))
    return [*_volumes_in(files), *(scan for folder in folders for scan in list_scans(folder))]


def scan_of(
    kind: str,
    files: Sequence[Named],
    name: str,
    notes: tuple[str, ...] = (),
    max_voxels: int = MAX_VOXELS,
    on_left_out: Callable[[str, bool], None] | None = None,
) -> Grid:
    """Read a scan of a known kind, of several DICOM series the T1 volume.

    An Analyze pair on OASIS-1's atlas grid, 176 x 208 x 176 mm, is taken to lie in the frame.

    Args:
        kind: one of `alzedge.imaging.file_types.VOLUMES`.
        files: the name of each and how to open it; of an Analyze pair the header first.
        name: how to call the scan in messages.
        notes: what was chosen before.
        max_voxels: more are refused before they are unpacked.
        on_left_out: see `alzedge.imaging.dicom.read_dicom`.

    Raises:
        UserError: it cannot be read, or packages are missing.
    """
    if kind == DICOM and len(files) > 1:
        from alzedge.preparation.series import choose_series
        from alzedge.utils.extras import require

        require("medical")
        files, note = choose_series(files, name)
        notes = (*notes, note) if note else notes
    grid = grid_of(kind, files, name, max_voxels, on_left_out)
    grid = replace(grid, name=name, notes=(*notes, *grid.notes))
    sides = np.linalg.norm(grid.affine[:3, :3], axis=0)
    if kind == ANALYZE and grid.voxels.shape == frame.SHAPE and np.allclose(sides, 1, atol=1e-3):
        return replace(grid, affine=frame.affine(), oriented=True)
    return grid


def prepared_volume(folder: Path) -> Path | None:
    """The volume of a folder that `alzedge prepare` wrote for a scan; None of any other folder."""
    volume = folder / VOLUME
    return volume if volume.is_file() and (folder / FIGURES).is_file() else None


def prepared_folder(path: Path) -> Path | None:
    """The folder that `alzedge prepare` wrote for a scan, named itself or by its folder of slices; None for any other."""
    for folder in (path, path.parent if path.name == SLICES else path):
        if (folder / FIGURES).is_file() and (folder / SLICES).is_dir():
            return folder
    return None


def prepared_height(file: Path) -> float | None:
    """Height z in mm in the frame of a slice that `alzedge prepare` wrote, by its name and the figures beside its folder.

    None for any other file: a name alone does not tell that the slice lies in the frame.
    """
    found = _LEVEL.fullmatch(file.name)
    folder = file.absolute().parent
    known = found is not None and folder.name == SLICES and (folder.parent / FIGURES).is_file()
    return float(found[1]) if found is not None and known else None


def oasis_scan(folder: Path) -> Path | None:
    """The header of the best volume of a session's folder of OASIS-1; None for any other folder."""
    return next((found[0] for pattern in _OASIS if (found := sorted(folder.glob(pattern)))), None)


def _in_folder(folder: Path) -> ScanFiles:
    header = oasis_scan(folder)
    if header is not None:
        note = (f"of an OASIS-1 folder {header.relative_to(folder)} was taken",)
        return ScanFiles(ANALYZE, pair_of(str(header), _is_file), note)
    files = _files_in(folder)
    dicom = [str(file) for file in files if kind_of(str(file), read_start) == DICOM]
    if dicom:
        return ScanFiles(DICOM, tuple(dicom))
    volumes = _volumes_in(files)
    if len(volumes) == 1:
        return find_scan(volumes[0])
    held = ", ".join(file.name for file in volumes[:3])
    raise UserError(
        f"{folder}: {len(volumes)} volumes ({held}, ...); name one of them."
        if volumes
        else f"{folder}: no DICOM, NIfTI or Analyze file in it; name the folder of one series or a volume."
    )


def _files_in(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith(".")]


def _volumes_in(files: Sequence[Path]) -> list[Path]:
    """NIfTI files and the headers of Analyze pairs."""
    kinds = {file: kind_of(str(file), read_start) for file in files}
    header = (".hdr", ".hdr.gz")
    return [f for f in files if kinds[f] == NIFTI or (kinds[f] == ANALYZE and f.name.lower().endswith(header))]


def _is_file(name: str) -> bool:
    return Path(name).is_file()
