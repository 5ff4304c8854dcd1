"""A head's scan from any file or folder that a researcher has: NIfTI, Analyze pair, DICOM series, OASIS-1's folders."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from alzedge.errors import UserError
from alzedge.imaging.analyze import is_analyze, read_analyze
from alzedge.imaging.file_types import DICOM, NIFTI, kind_of, open_file, read_start
from alzedge.imaging.grid import Grid, Named

# OASIS-1's folder of a session, best first: in the atlas and masked, in the atlas, averaged, one raw repeat.
_OASIS = (
    "PROCESSED/MPRAGE/T88_111/*_t88_masked_gfc.hdr",
    "PROCESSED/MPRAGE/T88_111/*_t88_gfc.hdr",
    "PROCESSED/MPRAGE/SUBJ_111/*_sbj_111.hdr",
    "RAW/*_mpr-1_anon.hdr",
)
_PACKED = {
    ".mgz": "mri_convert",
    ".mgh": "mri_convert",
    ".bz2": "bunzip2",
    ".mnc": "mnc2nii",
    ".nrrd": "3D Slicer",
    ".mha": "3D Slicer",
}


@dataclass(frozen=True, eq=False)
class Scan:
    """A volume as its file holds it.

    Attributes:
        grid: voxels and affine.
        oriented: whether the affine's directions can be trusted.
        notes: what was chosen or unusual, sentences without a full stop.
    """

    grid: Grid
    oriented: bool = True
    notes: tuple[str, ...] = ()


def read_scan(path: Path) -> Scan:
    """Read a head from a file or folder.

    Args:
        path: a NIfTI file, either file of an Analyze pair, a DICOM file, a folder of DICOM files (of several series the
            T1 volume is chosen), or a session's folder of OASIS-1.

    Raises:
        UserError: nothing there, nothing that can be read, or damaged; packages are missing.
    """
    from alzedge.imaging.nifti import read_nifti

    if not path.exists():
        raise UserError(f"{path}: no such file or folder; check the path.")
    if path.is_dir():
        return _in_folder(path)
    if is_analyze(path):
        return Scan(*read_analyze(path))
    if (tool := _PACKED.get(path.suffix.lower())) is not None:
        raise UserError(
            f"{path}: a kind of volume that is not read here; convert it to .nii.gz, for example with {tool}."
        )
    if kind_of(str(path), read_start) == NIFTI:
        with open_file(str(path)) as stream:
            return Scan(read_nifti(stream, str(path)))
    return _dicom([(str(path), partial(open_file, str(path)))], str(path))


def _in_folder(folder: Path) -> Scan:
    for pattern in _OASIS:
        if found := sorted(folder.glob(pattern)):
            note = (f"of an OASIS-1 folder {found[0].relative_to(folder)} was taken",)
            grid, oriented = read_analyze(found[0])
            return Scan(grid, oriented, note)
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith(".")]
    dicom = [file for file in files if kind_of(str(file), read_start) == DICOM]
    if dicom:
        return _dicom([(str(file), partial(open_file, str(file))) for file in dicom], str(folder))
    volumes = [file for file in files if _is_volume(file)]
    if len(volumes) == 1:
        return read_scan(volumes[0])
    held = ", ".join(file.name for file in volumes[:3])
    raise UserError(
        f"{folder}: {len(volumes)} volumes ({held}, ...); name one of them."
        if volumes
        else f"{folder}: no DICOM, NIfTI or Analyze file in it; name the folder of one series or a volume."
    )


def _is_volume(file: Path) -> bool:
    return file.name.lower().endswith((".hdr", ".hdr.gz")) or kind_of(str(file), read_start) == NIFTI


def _dicom(files: list[Named], name: str) -> Scan:
    from alzedge.imaging.dicom import read_dicom
    from alzedge.imaging.series import choose_series

    chosen, note = choose_series(files, name)
    return Scan(read_dicom(chosen, name), True, (note,) if note else ())
