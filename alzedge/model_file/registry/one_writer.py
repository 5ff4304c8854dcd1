"""One writer at a time: a lock file in an embedded registry, a registered model that nobody else can make on a server."""

import contextlib
import time
from collections.abc import Iterator

from alzedge.errors import UserError
from alzedge.model_file.registry.client import begin_folder, check_database, in_words, open_registry, told
from alzedge.model_file.registry.location import Location
from alzedge.utils.extras import require

_FILE = ".lock"
_SUFFIX = "-lock"
_TAKEN = "RESOURCE_ALREADY_EXISTS"
_KEPT_S = 600  # a promotion takes seconds: what is older was left behind by one that was killed


@contextlib.contextmanager
def one_writer(location: Location, model: str) -> Iterator[None]:
    """Keep other promotions out of a registry while it lasts.

    Args:
        location: of the registry.
        model: name of the registered model.

    Raises:
        UserError: another process is changing it, or it cannot be reached or written.
    """
    with one_in_folder(location) if location.folder is not None else _one_on_server(location, model):
        yield


@contextlib.contextmanager
def one_in_folder(location: Location) -> Iterator[None]:
    """Keep other writers out of an embedded registry while it lasts; a server orders what is pushed by itself.

    Raises:
        UserError: another process is changing it, or it cannot be written.
    """
    require("mlops")
    if location.folder is None:
        yield
        return
    from filelock import FileLock, Timeout

    check_database(location, create=True)
    begin_folder(location)
    lock = FileLock(location.folder / _FILE)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise UserError(
            f"{location.name} is being changed by another alzedge; wait for it, and look with `alzedge registry list`."
        ) from error
    except OSError as error:
        raise UserError(told(location, "readonly")) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _one_on_server(location: Location, model: str) -> Iterator[None]:
    """A server makes a registered model of one name for one client alone."""
    from mlflow.exceptions import MlflowException

    client, name = open_registry(location, model).client, f"{model}{_SUFFIX}"
    with in_words(location):
        for found in client.search_registered_models(f"name = '{name}'"):
            if time.time() - found.creation_timestamp / 1000 > _KEPT_S:
                client.delete_registered_model(name)
        try:
            client.create_registered_model(name, description="A promotion or a rollback is under way.")
        except MlflowException as error:
            if error.error_code != _TAKEN:
                raise
            raise UserError(
                f"{location.name} is being changed by another alzedge; wait for it, ten minutes if it was killed, and look with "
                "`alzedge registry list`."
            ) from error
    try:
        yield
    finally:
        with contextlib.suppress(MlflowException):  # a server that went away: the next one is told how to go on
            client.delete_registered_model(name)
