"""The folder that TensorFlow Serving watches: it holds the champion alone, under the number of its version."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from alzedge.errors import UserError
from alzedge.model_file.read_write import read_folder_record, seal_folder
from alzedge.model_file.registry.versions import FILE, SAVED_MODEL

_TEMPORARY = ".alzedge-tmp-"


@contextlib.contextmanager
def published(files: Path, pushed: Path, number: int) -> Iterator[Path]:
    """Lay a version out as `PUSHED/NUMBER/`, whole or not at all, in place of the other versions.

    Where there is a SavedModel, the folder is one, with `model.tflite` inside and the record's SHA-256 over both; otherwise
    it holds `model.tflite` alone, which TensorFlow Serving takes with `--prefer_tflite_model`. TensorFlow Serving loads the
    highest number it finds, so that a withdrawn version must not stay. Where the body raises, everything is put back.

    Args:
        files: of the version; see `alzedge.model_file.registry.versions.fetch`.
        pushed: folder to lay it out in.
        number: of the version.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    others = _versions_in(pushed)
    target = pushed / str(number)
    with contextlib.ExitStack() as stack:
        with _told_if_denied(pushed):
            pushed.mkdir(parents=True, exist_ok=True)
            temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=pushed, prefix=_TEMPORARY)))
            made, old = temporary / "made", temporary / "old"
            _lay_out(files, made)
            old.mkdir()
            if target.exists():
                target.rename(old / target.name)
            made.rename(target)
            for other in others:
                if other.name != target.name:
                    other.rename(old / other.name)
        try:
            yield target
        except BaseException:
            target.rename(made)
            for other in old.iterdir():
                other.rename(pushed / other.name)
            raise


def _lay_out(files: Path, made: Path) -> None:
    if (files / SAVED_MODEL).is_dir():
        record = read_folder_record(files / SAVED_MODEL)
        shutil.copytree(files / SAVED_MODEL, made)
        shutil.copyfile(files / FILE, made / FILE)
        seal_folder(made, record)
    else:
        made.mkdir()
        shutil.copyfile(files / FILE, made / FILE)


@contextlib.contextmanager
def _told_if_denied(pushed: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise UserError(f"{pushed} may not be written; mend its permissions, or name another --serving.") from error


def _versions_in(pushed: Path) -> list[Path]:
    """Folders of versions; refuses a folder that holds anything else."""
    if not pushed.exists():
        return []
    if not pushed.is_dir():
        raise UserError(f"{pushed} is not a folder; name another --serving.")
    entries = [entry for entry in pushed.iterdir() if not entry.name.startswith(".")]
    odd = next((entry.name for entry in entries if not (entry.name.isdecimal() and entry.is_dir())), None)
    if odd is not None:
        raise UserError(f"{pushed} holds {odd}, which is no model version; name an empty folder as --serving.")
    return entries
