"""Preparation of several scans: each into a folder of its own, an error losing only its own scan."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
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
        before: an earlier call prepared it.
    """

    scan: Path
    folder: Path
    verdict: str | None = None
    remarks: tuple[str, ...] = ()
    error: str | None = None
    before: bool = False


def prepare_scans(
    sources: Sequence[Path],
    out: Path,
    jobs: int = 1,
    overwrite: bool = False,
    on_share: Callable[[float], None] = lambda share: None,
) -> Iterator[Outcome]:
    """Prepare scans one after the other, or in `jobs` processes; outcomes come in order.

    A scan whose folder holds its files already, made by this version from the same bytes, is passed over.

    Args:
        sources: files, and folders of one or many scans; see `alzedge.preparation.scans.list_scans`.
        out: folder that gets a folder for each scan, named like it, below the folders in which it was found.
        jobs: processes; 1 is this one.
        overwrite: whether to replace what else lies in a scan's folder, instead of refusing the scan.
        on_share: called with the share of the work on a scan that is done, where this process does it.

    Raises:
        UserError: nothing there, or two scans of one name, before any work.
    """
    work = _folders(sources, out)
    if jobs == 1:
        return (_prepare_one(overwrite, one, on_share) for one in work)
    return map_in_processes(partial(_prepare_one, overwrite), work, jobs)


def _folders(sources: Sequence[Path], out: Path) -> list[tuple[Path, Path]]:
    """Each scan and its folder."""
    from alzedge.preparation.scans import list_scans

    work: dict[Path, Path] = {}
    for source in sources:
        scans = list_scans(source)
        if not scans:
            raise UserError(f"{source}: no NIfTI, Analyze or DICOM file in it or below; name the folder of your scans.")
        for scan in scans:
            above = Path() if scan == source else scan.parent.relative_to(source)
            folder = out / above / _stem(scan)
            if folder in work:
                raise UserError(
                    f"{folder}: two of the scans would be written there; prepare them into different folders."
                )
            work[folder] = scan
    return [(scan, folder) for folder, scan in work.items()]


def _stem(scan: Path) -> str:
    name = scan.resolve().name
    ending = next((ending for ending in _ENDINGS if name.lower().endswith(ending)), "")
    return (name[: -len(ending)] if ending else name) or "scan"


def _prepare_one(
    overwrite: bool, work: tuple[Path, Path], on_share: Callable[[float], None] = lambda share: None
) -> Outcome:
    from alzedge.preparation.prepare import prepare
    from alzedge.preparation.prepared_files import prepared_before, write_prepared
    from alzedge.preparation.scans import find_scan, read_scan

    path, folder = work
    try:
        source = _hash(find_scan(path).files)
        figures = prepared_before(folder, source)
        if figures is not None:
            remarks = (*figures.get("reasons", ()), *figures.get("notes", ()))
            return Outcome(path, folder, figures.get("verdict"), remarks, before=True)
        if not overwrite and folder.exists() and any(folder.iterdir()):
            raise UserError(
                f"{folder} is not empty, and what it holds was not made of {path} by this version; give --overwrite, or "
                "choose another --out."
            )
        prepared = prepare(read_scan(path), on_share)
        write_prepared(prepared, folder, source)
    except UserError as error:
        return Outcome(path, folder, error=str(error))
    except OSError as error:
        return Outcome(
            path, folder, error=f"{error.filename or path}: {error.strerror or error}; check its permissions."
        )
    except MemoryError:
        return Outcome(path, folder, error=f"{path}: not enough memory for it; resample it to 1 mm.")
    quality = prepared.quality
    return Outcome(path, folder, quality.verdict, (*quality.reasons, *quality.notes))


def _hash(files: Sequence[str]) -> str:
    """SHA-256 of the contents of files, in order."""
    digest = hashlib.sha256()
    for name in files:
        with Path(name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
