"""The connection to MLflow: nothing is reported to anybody, nothing is printed, refusals in one sentence."""

import contextlib
import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alzedge.errors import UserError
from alzedge.model_file.registry.location import Location
from alzedge.utils.extras import require
from alzedge.utils.parsing import printable
from alzedge.utils.privacy import keep_private

MODEL = "alzedge"
# MLflow would wait 20 seconds for a locked database, and minutes for a server that is not there.
_PATIENCE_S = 2.0
_HTTP = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
_SILENT = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}


@dataclass(frozen=True)
class Registry:
    """An open registry.

    Attributes:
        location: of it.
        client: MLflow's.
        model: name of the registered model.
    """

    location: Location
    client: Any
    model: str = MODEL


def open_registry(location: Location, model: str = MODEL, create: bool = False) -> Registry:
    """Connect to a registry.

    Args:
        location: see `alzedge.model_file.registry.location.locate`.
        model: name of the registered model.
        create: begin an embedded registry where none is.

    Raises:
        UserError: none is there, it is locked or read-only, or a package is missing.
    """
    require("mlops")
    check_database(location, create)
    if create:
        begin_folder(location)
    keep_private()
    for name, value in (_HTTP | _SILENT).items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):  # they log tracebacks of what is told here in a sentence
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with in_words(location):
        return Registry(location, MlflowClient(location.uri, location.uri), model)


def check_database(location: Location, create: bool) -> None:
    """Refuse a folder that holds no registry, or none can be begun in, and a database that is locked or nobody may write.

    Args:
        location: of the registry; a server is not asked.
        create: it is to be written, and begun where none is.

    Raises:
        UserError: one of these.
    """
    folder, database = location.folder, location.database
    if folder is None or database is None:
        return
    if not database.is_file():
        if not create:
            raise UserError(
                f"{folder} holds no registry; begin one with `alzedge registry push FILE --registry {folder}`, or name another."
            )
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is not a folder; name another --registry.")
        if folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise UserError(f"{folder} is not empty and holds no registry; name a new folder as --registry.")
        return
    with contextlib.closing(sqlite3.connect(database, timeout=_PATIENCE_S)) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if create:
                connection.execute("BEGIN IMMEDIATE")
                connection.rollback()
        except sqlite3.Error as error:
            raise UserError(told(location, str(error))) from error


def begin_folder(location: Location) -> None:
    """Make the folder of an embedded registry, where it is not there.

    Raises:
        UserError: it cannot be made.
    """
    if location.folder is not None:
        try:
            location.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(told(location, "readonly")) from error


@contextlib.contextmanager
def in_words(location: Location) -> Iterator[None]:
    """Turn what MLflow raises into one sentence that names the registry.

    Raises:
        UserError: unreachable, locked, read-only, of another version, without its driver, or whatever MLflow says.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        raise UserError(told(location, str(error))) from error


def told(location: Location, reason: str) -> str:
    """One sentence for what MLflow or the operating system says, with the cure."""
    where = location.name
    if "database schema" in reason:
        return (
            f"{where} was written by another version of MLflow than the one installed; install that version, or copy the "
            "registry and run `mlflow db upgrade` on the copy."
        )
    if "readonly" in reason:
        return f"{where} may not be written; mend its permissions, or name another --registry."
    if "locked" in reason:
        return f"{where} is locked by another process; wait for it, then repeat the command."
    if "not a database" in reason or "malformed" in reason:
        return f"{where} holds a damaged database; restore it from a copy."
    if "No module named" in reason:
        return f"{where} needs a package for its database ({reason}); install it, or name another --registry."
    denied = re.search(r"error code (401|403)", reason)
    if denied:
        return (
            f"{where} refuses to answer (HTTP {denied[1]}); set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN, and name a host that the server allows."
        )
    if "Response body" in reason:
        return f"{where} answers, but not as an MLflow server does; check the address."
    if "Max retries" in reason or "API request" in reason:
        return f"{where} cannot be reached; check the address, the network and the server."
    return f"{where}: {printable(reason.splitlines()[0])[:200]}; check the name, or look with `alzedge registry list`."
