"""Faces of whole DICOM series, found before their files are cleaned one by one."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from alzedge.deidentify.clean import Defacing
from alzedge.deidentify.deface import find_face
from alzedge.deidentify.rules.refusals import LeftOut
from alzedge.errors import UserError
from alzedge.imaging.dicom import read_dicom
from alzedge.imaging.file_types import open_file
from alzedge.utils.privacy import hushed
from alzedge.utils.processes import map_in_processes


@dataclass(frozen=True)
class _Header:
    """Series of a file; empty where it is not a DICOM file with one."""

    path: Path
    series: str


def find_faces(paths: Iterable[Path], jobs: int, on_item: Callable[[], None] = lambda: None) -> dict[Path, Defacing]:
    """Find the face of each DICOM series among files.

    Args:
        paths: files of any kind.
        jobs: processes.
        on_item: called for each file and series.

    Returns:
        For each DICOM file its series' face, or the reason why there is none.
    """
    members: dict[str, list[Path]] = defaultdict(list)
    for header in map_in_processes(_header, paths, jobs):
        if header.series:
            members[header.series].append(header.path)
        on_item()
    found: dict[Path, Defacing] = {}
    for files, face in map_in_processes(_face, members.values(), jobs):
        found.update(dict.fromkeys(files, face))
        on_item()
    return found


def _header(path: Path) -> _Header:
    from pydicom import dcmread

    if not path.is_file():
        return _Header(path, "")
    try:
        with path.open("rb") as file, hushed():
            if file.read(132)[128:] != b"DICM":
                return _Header(path, "")
            file.seek(0)
            dataset = dcmread(file, stop_before_pixels=True, specific_tags=["SeriesInstanceUID"])
            return _Header(path, str(dataset.get("SeriesInstanceUID") or ""))
    except Exception:  # noqa: BLE001 - a damaged file is left out when its turn comes
        return _Header(path, "")


def _face(files: list[Path]) -> tuple[list[Path], Defacing]:
    try:
        grid = read_dicom([(str(path), partial(open_file, str(path))) for path in files], "series")
        return files, Defacing(find_face(grid))
    except UserError:
        return files, Defacing()
    except LeftOut as error:
        return files, Defacing(reason=error.reason)
