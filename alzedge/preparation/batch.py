"""Preparation of several scans: each into a folder of its own, an error losing only its own scan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from alzedge.errors import UserError
from alzedge.utils.processes import map_in_processes

_ENDINGS = (".nii.gz", ".hdr.gz", ".img.gz", ".nii", ".hdr", ".img", ".dcm", ".dicom", ".ima")


@dataclass(frozen=True)
class Outcome:
    """Result of preparing one scan.

    Attributes:
        scan: its path.
        folder: where its files are.
        verdict: `good` or `doubtful`; None where it was refused.
        remarks: sentences without a full stop: why it is doubtful, and what was chosen or unusual about the file.
        error: the sentence why it was refused.
    """

    scan: Path
    folder: Path
    verdict: str | None = None
    remarks: tuple[str, ...] = ()
    error: str | None = None


def prepare_scans(scans: Sequence[Path], out: Path, jobs: int = 1) -> Iterator[Outcome]:
    """Prepare scans one after the other, or in `jobs` processes; outcomes come in the order of the scans.

    Args:
        scans: files and folders; see `alzedge.preparation.scans.read_scan`.
        out: folder that gets a folder for each scan, named like it.
        jobs: processes; 1 is this one.

    Raises:
        UserError: two scans of one name, before any work.
    """
    work = list(zip(scans, _folders(scans, out), strict=True))
    return map(_prepare_one, work) if jobs == 1 else map_in_processes(_prepare_one, work, jobs)


def _folders(scans: Sequence[Path], out: Path) -> list[Path]:
    folders = [out / _stem(scan) for scan in scans]
    for folder in folders:
        if folders.count(folder) > 1:
            raise UserError(f"{folder}: two of the scans would be written there; prepare them into different folders.")
    return folders


def _stem(scan: Path) -> str:
    name = scan.resolve().name
    ending = next((ending for ending in _ENDINGS if name.lower().endswith(ending)), "")
    return (name[: -len(ending)] if ending else name) or "scan"


def _prepare_one(work: tuple[Path, Path]) -> Outcome:
    from alzedge.preparation.prepare import prepare
    from alzedge.preparation.prepared_files import write_prepared
    from alzedge.preparation.scans import read_scan

    path, folder = work
    try:
        prepared = prepare(read_scan(path))
        write_prepared(prepared, folder)
    except UserError as error:
        return Outcome(path, folder, error=str(error))
    except MemoryError:
        return Outcome(path, folder, error=f"{path}: not enough memory for it; resample it to 1 mm.")
    quality = prepared.quality
    return Outcome(path, folder, quality.verdict, (*quality.reasons, *quality.notes))
