"""Places of registries, and names of the models in them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from alzedge.errors import UserError

DEFAULT = "alzedge-registry"
CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
_VARIABLES = ("ALZEDGE_REGISTRY", "MLFLOW_TRACKING_URI")
_DATABASE, _ARTIFACTS, _PUSHED = "mlflow.db", "artifacts", "pushed_model"
_SCHEME = "models:/"
_REFERENCE = re.compile(r"models:/+(?P<name>[\w.-]+)(?:@(?P<alias>[A-Za-z][\w-]*)|/(?P<version>\d{1,9}))")


@dataclass(frozen=True)
class Location:
    """Place of a registry.

    Attributes:
        uri: as MLflow takes it.
        folder: of a registry embedded in a folder; None for a server or another database.
    """

    uri: str
    folder: Path | None

    @property
    def name(self) -> str:
        """The place as messages call it, without a password in a URI."""
        return str(self.folder) if self.folder else re.sub(r"//[^/@]*@", "//", self.uri)

    @property
    def database(self) -> Path | None:
        """The SQLite file of an embedded registry."""
        return self.folder and self.folder / _DATABASE

    @property
    def artifacts(self) -> str | None:
        """URI of the folder in which an embedded registry keeps files; None for a server, which knows by itself."""
        return None if self.folder is None else (self.folder.absolute() / _ARTIFACTS).as_uri()

    @property
    def pushed(self) -> Path | None:
        """Folder of an embedded registry that TensorFlow Serving may watch; None for a server, where one must be named."""
        return self.folder and self.folder / _PUSHED


def locate(registry: str | Path | None) -> Location:
    """Find a registry: a folder, or the URI of an MLflow server or database.

    Args:
        registry: as named; None for $ALZEDGE_REGISTRY, else $MLFLOW_TRACKING_URI, else the folder `alzedge-registry`.
    """
    named = str(registry) if registry else next(filter(None, map(os.environ.get, _VARIABLES)), DEFAULT)
    if re.match(r"[a-z][a-z0-9+]+:", named):
        return Location(named, None)
    folder = Path(named)
    return Location(f"sqlite:///{folder.absolute() / _DATABASE}", folder)


@dataclass(frozen=True)
class Reference:
    """A model in a registry: its name, and either an alias or the number of a version."""

    name: str
    alias: str | None
    version: int | None

    def __str__(self) -> str:
        return f"{_SCHEME}{self.name}" + (f"@{self.alias}" if self.alias else f"/{self.version}")

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read 'models:/NAME@ALIAS' or 'models:/NAME/VERSION'.

        Raises:
            UserError: anything else.
        """
        found = _REFERENCE.fullmatch(text)
        if found is None:
            raise UserError(
                f"{text!r} names no model of a registry; write models:/alzedge@champion, or models:/alzedge/3."
            )
        version = found["version"]
        return cls(found["name"], found["alias"], None if version is None else int(version))


def is_registered(name: object) -> bool:
    """True for a name that is meant for a registry, such as 'models:/alzedge@champion'."""
    return str(name).startswith(_SCHEME)
