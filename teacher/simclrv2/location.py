"""Location of a checkpoint: from a folder, a prefix, an archive or an address on the net to TensorFlow's prefix."""

import contextlib
import importlib
import re
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import ModuleType
from urllib.error import URLError

import tensorflow as tf

from alzedge.errors import UserError
from alzedge.utils.extras import require

_REMOTE = re.compile(r"(gs|https?)://")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
_INDEX = ".index"
_UNREADABLE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, OSError)


@contextlib.contextmanager
def checkpoint_prefix(address: str) -> Iterator[str]:
    """Find the prefix (`.../model.ckpt-250228`, `.../variables/variables`) of the one checkpoint at an address.

    Args:
        address: a folder, a prefix, an archive (.zip, .tar, .tar.gz, .tgz), or a `gs://` or
            `https://` address. The last two are resolved by `tensorflow_hub.resolve`, which
            takes an `https://` address to be a .tar.gz and keeps what it unpacks in
            `$TFHUB_CACHE_DIR`; a `gs://` folder is read where it is.

    Yields:
        The prefix, for as long as the block lasts: a local archive is unpacked into a temporary folder.

    Raises:
        UserError: nothing there, out of reach, a damaged archive, or none or several checkpoints inside.
    """
    if _REMOTE.match(address):
        yield _only_prefix(_resolved(address), address)
    elif address.endswith(_ARCHIVES) and Path(address).is_file():
        with tempfile.TemporaryDirectory() as folder:
            _unpack(Path(address), Path(folder))
            yield _only_prefix(folder, address)
    elif Path(address).is_dir():
        yield _only_prefix(_hub().resolve(address), address)
    else:
        prefix = address.removesuffix(_INDEX)
        if not Path(prefix + _INDEX).is_file():
            raise UserError(
                f"{address}: no checkpoint is there; name a folder, an archive, or the prefix of a checkpoint."
            )
        yield prefix


def _hub() -> ModuleType:
    require("train")
    with warnings.catch_warnings():
        # It imports pkg_resources, which setuptools 81 says is to go.
        warnings.simplefilter("ignore")
        return importlib.import_module("tensorflow_hub")


def _resolved(address: str) -> str:
    try:
        return str(_hub().resolve(address))
    except (OSError, EOFError, zlib.error, URLError, ValueError, tf.errors.OpError) as error:
        reason = re.split(r"\n|: ", str(getattr(error, "reason", error)) or type(error).__name__)[0]
        if "not appear to be a valid module" in reason:
            message = "does not lead to a .tar.gz, or to a damaged one; download it, unpack it and name the folder"
        else:
            message = f"cannot be fetched ({reason}); check the address and the network"
        raise UserError(f"{address} {message}.") from error


def _unpack(archive: Path, folder: Path) -> None:
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as file:
                file.extractall(folder)
        else:
            with tarfile.open(archive) as file:
                file.extractall(folder, filter="data")
    except _UNREADABLE as error:
        reason = re.split(r"[\n:]", str(error))[0]
        raise UserError(f"{archive} is damaged or not an archive ({reason}); download it again.") from error


def _only_prefix(folder: str, address: str) -> str:
    """Find the checkpoint nearest to the top: Google's folders hold a `hub/` below the checkpoint itself."""
    by_folder: dict[str, list[str]] = {}
    for parent, _, names in tf.io.gfile.walk(folder):
        prefixes = sorted(name.removesuffix(_INDEX) for name in names if name.endswith(_INDEX))
        if prefixes:
            by_folder[parent] = prefixes
    if not by_folder:
        raise UserError(
            f"{address} holds no checkpoint; it should hold a model.ckpt-NNN.index, or saved_model.pb and variables/."
        )
    depth = min(_depth(parent) for parent in by_folder)
    parents = sorted(parent for parent in by_folder if _depth(parent) == depth)
    if len(parents) > 1:
        raise UserError(f"{address} holds {len(parents)} checkpoints ({_some(parents)}); name one of these folders.")
    return _newest(parents[0], by_folder[parents[0]])


def _newest(parent: str, prefixes: list[str]) -> str:
    # Only the name in the state file counts: its folder is the one that the files were written to, which may still be
    # there with others; `latest_checkpoint` would follow it, and takes brackets in a path for a pattern.
    state = tf.train.get_checkpoint_state(parent)
    latest = PurePosixPath(state.model_checkpoint_path).name if state else ""
    if latest in prefixes:
        return f"{parent}/{latest}"
    if len(prefixes) > 1:
        raise UserError(f"{parent} holds {len(prefixes)} checkpoints ({_some(prefixes)}); name one of these prefixes.")
    return f"{parent}/{prefixes[0]}"


def _depth(folder: str) -> int:
    return len(PurePosixPath(folder).parts)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
