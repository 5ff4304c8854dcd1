"""Versions in a registry, and the files behind them."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alzedge.errors import UserError
from alzedge.model_file.decision import SignedDecision
from alzedge.model_file.read_write import Record, read_record
from alzedge.model_file.registry.client import Registry, check_database, in_words, open_registry
from alzedge.model_file.registry.location import CHAMPION, Location, Reference, locate

FILE, SAVED_MODEL = "model.tflite", "saved_model"
FOLDER = "model"  # of the files among a version's artifacts
EVENT = "event."  # tags of what happened to a version, by time


@dataclass(frozen=True)
class Version:
    """A model version.

    Attributes:
        number: from 1 upwards.
        sha256: of model and record; see `alzedge.model_file.record`.
        aliases: such as 'champion'.
        gate: the decision in the file's record.
        data: fingerprint of the data set that it was made from; '' where unknown.
        schema: SHA-256 of the schema its data were validated with; '' without one.
        recipe: name; '' where unknown.
        replaced: number of the champion that it took the place of; None for the first, or before a promotion.
        forced: reason why it was promoted past the gate; '' where it was not.
        events: sentences on what happened to it, oldest first, each with the time (UTC) in front.
        source: URI of its files.
    """

    number: int
    sha256: str
    aliases: tuple[str, ...]
    gate: SignedDecision
    data: str
    schema: str
    recipe: str
    replaced: int | None
    forced: str
    events: tuple[str, ...]
    source: str


def tags_of(record: Record) -> dict[str, str]:
    """The tags of a version that say what it was made from and what the gate decided."""
    decision = SignedDecision.read(record)
    dataset, recipe = record.get("dataset") or {}, record.get("recipe") or {}
    texts = {
        "sha256": record["sha256"],
        "kind": record["kind"],
        "alzedge": record["alzedge"],
        "data": dataset.get("fingerprint", ""),
        "data_name": dataset.get("name", ""),
        "recipe": recipe.get("name", ""),
        "gate": decision.outcome,
        "gate_against": decision.against or "",
        "gate_people": "" if decision.people is None else decision.people,
        "gate_signed_by": decision.signed_by,
    }
    return {name: str(text) for name, text in texts.items()}


def list_versions(registry: Registry) -> list[Version]:
    """All versions, oldest first; none where the model was never pushed."""
    with in_words(registry.location):
        found = registry.client.search_model_versions(f"name = '{registry.model}'", max_results=1000)
        aliases = aliases_of(registry)
    return sorted((_version(one, aliases) for one in found), key=lambda version: version.number)


def aliases_of(registry: Registry) -> dict[str, int]:
    """Numbers of versions by alias; none where the model was never pushed."""
    with in_words(registry.location):
        models = registry.client.search_registered_models(f"name = '{registry.model}'")
        if not models:
            return {}
        aliases = registry.client.get_registered_model(registry.model).aliases
    return {str(alias): int(number) for alias, number in aliases.items()}


def find_version(registry: Registry, wanted: str | int) -> Version:
    """Find a version by its number or an alias.

    Raises:
        UserError: there is none.
    """
    number = int(wanted) if str(wanted).isdecimal() else aliases_of(registry).get(str(wanted))
    versions = {version.number: version for version in list_versions(registry)}
    if number not in versions:
        what = f"version {wanted}" if str(wanted).isdecimal() else f"'{wanted}'"
        there = ", ".join(map(str, versions)) or "none"
        raise UserError(
            f"{registry.location.name} holds no {what} of {registry.model} (versions there: {there}); see `alzedge registry list`."
        )
    return versions[number]


def fetch(registry: Registry, version: Version) -> Path:
    """Find a version's folder of files, and verify the `.tflite` file in it.

    From a server they are downloaded, into a folder that is removed when the process ends.

    Raises:
        UserError: the server cannot be reached, or the file is gone, damaged, or not the one that was pushed.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    title = f"version {version.number} of {registry.model} in {registry.location.name}"
    uri, target = registry.location.uri, None if registry.location.folder else _temporary_folder()
    try:
        folder = Path(download_artifacts(artifact_uri=version.source, tracking_uri=uri, dst_path=target))
        there = (folder / FILE).is_file()
    except (MlflowException, OSError):
        there = False
    if not there:
        aliases_of(registry)  # refuses where the server has gone, not the file
        raise UserError(f"The file of {title} is not there any more ({version.source}); restore it, or push it again.")
    if read_record(folder / FILE)["sha256"] != version.sha256:
        raise UserError(f"The file of {title} is not the one that was pushed (its SHA-256 differs); restore it.")
    return folder


def check_usable(location: Location) -> None:
    """Refuse a registry that could not take a model, before minutes of work are done for it.

    Raises:
        UserError: it cannot be reached, read or written, or the file of its champion is gone.
    """
    check_database(location, create=True)
    if location.database is not None and not location.database.is_file():
        return  # one can be begun there
    registry = open_registry(location)
    champion = aliases_of(registry).get(CHAMPION)
    if champion is not None:
        fetch(registry, find_version(registry, champion))


def _temporary_folder() -> str:
    folder = tempfile.mkdtemp(prefix="alzedge-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def fetch_registered(name: str, registry: str | Path | None = None) -> Path:
    """Find the `.tflite` file behind a name such as 'models:/alzedge@champion'.

    Args:
        name: 'models:/NAME@ALIAS' or 'models:/NAME/VERSION'.
        registry: see `alzedge.model_file.registry.location.locate`.

    Raises:
        UserError: no such registry, model, alias or version, or the file is gone.
    """
    reference = Reference.parse(name)
    opened = open_registry(locate(registry), reference.name)
    return fetch(opened, find_version(opened, reference.alias or reference.version or 0)) / FILE


def _version(found: Any, aliases: Mapping[str, int]) -> Version:
    tags: dict[str, str] = dict(found.tags)
    number, people = int(found.version), tags.get("gate_people", "")
    events = sorted((name, text) for name, text in tags.items() if name.startswith(EVENT))
    return Version(
        number,
        tags.get("sha256", ""),
        tuple(sorted(alias for alias, its in aliases.items() if its == number)),
        SignedDecision(
            tags.get("gate", ""),
            tags.get("gate_against") or None,
            int(people) if people.isdecimal() else None,
            tags.get("gate_signed_by", ""),
        ),
        tags.get("data", ""),
        tags.get("schema", ""),
        tags.get("recipe", ""),
        int(tags["replaced"]) if tags.get("replaced", "").isdecimal() else None,
        tags.get("forced", ""),
        tuple(f"{name.removeprefix(EVENT)[:19]}Z {text}" for name, text in events),
        str(found.source),
    )
