"""Changes of a registry: push a version, promote it through the gate, take the last promotion back."""

import contextlib
import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alzedge.errors import UserError
from alzedge.model_file.decision import Outcome
from alzedge.model_file.read_write import Record, read_folder_record, read_tflite
from alzedge.model_file.registry.client import MODEL, Registry, in_words, open_registry
from alzedge.model_file.registry.location import CHALLENGER, CHAMPION, PREVIOUS, Location
from alzedge.model_file.registry.one_writer import one_in_folder, one_writer
from alzedge.model_file.registry.serving_folder import published
from alzedge.model_file.registry.versions import (
    EVENT,
    FILE,
    FOLDER,
    SAVED_MODEL,
    Version,
    aliases_of,
    fetch,
    find_version,
    tags_of,
)

_ORIGIN = ("dataset", "split", "preprocessing")  # what a SavedModel shares with the file of the same student


@dataclass(frozen=True)
class Promotion:
    """A change of the champion.

    Attributes:
        version: the champion now.
        before: number of the one before; None where there was none.
        forced: reason why the gate was passed by; '' where it was not.
        pushed: folder for TensorFlow Serving, named like the version; None where none was asked for.
    """

    version: Version
    before: int | None
    forced: str
    pushed: Path | None


def push(
    location: Location,
    file: Path,
    saved_model: Path | None = None,
    schema: Path | None = None,
    model: str = MODEL,
) -> Version:
    """Push a model file as the next version; it becomes the challenger, and serves nobody yet.

    Args:
        location: of the registry, which is begun where none is.
        file: `.tflite` file made by `alzedge export` or `alzedge run`.
        saved_model: folder of the same student, for TensorFlow Serving.
        schema: of the data, `schema.pbtxt`; kept beside the file, with its SHA-256.
        model: name of the registered model.

    Raises:
        UserError: a file that is not ours, a SavedModel of another student, or a registry that cannot be written.
    """
    record = read_tflite(file)[1]
    _check_saved_model(file, record, saved_model)
    if schema is not None and not schema.is_file():
        raise UserError(f"{schema}: no such file; name a schema written by `alzedge schema`.")
    tags = tags_of(record)
    if schema is not None:
        tags["schema"] = hashlib.sha256(schema.read_bytes()).hexdigest()
    with one_in_folder(location), tempfile.TemporaryDirectory() as temporary:
        registry = open_registry(location, model, create=True)
        shutil.copyfile(file, Path(temporary) / FILE)
        if saved_model is not None:
            shutil.copytree(saved_model, Path(temporary) / SAVED_MODEL)
        if schema is not None:
            shutil.copyfile(schema, Path(temporary) / schema.name)
        with in_words(location):
            return _push(registry, Path(temporary), tags, _metrics(record))


def _check_saved_model(file: Path, record: Record, saved_model: Path | None) -> None:
    if saved_model is None:
        return
    other = read_folder_record(saved_model)
    differs = [name for name in _ORIGIN if other.get(name) != record.get(name)]
    if differs:
        raise UserError(
            f"{saved_model} and {file} are not of one student (other {', '.join(differs)}); export both from one .keras file."
        )


def _push(registry: Registry, files: Path, tags: dict[str, str], metrics: dict[str, float]) -> Version:
    client, name = registry.client, registry.model
    experiment = client.get_experiment_by_name(name)
    experiment_id = (
        experiment.experiment_id if experiment else client.create_experiment(name, registry.location.artifacts)
    )
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    run = client.create_run(experiment_id, tags=tags)
    client.log_artifacts(run.info.run_id, str(files), FOLDER)
    for metric, value in metrics.items():
        client.log_metric(run.info.run_id, metric, value)
    client.set_terminated(run.info.run_id)
    made = client.create_model_version(name, f"{run.info.artifact_uri}/{FOLDER}", run.info.run_id, tags=tags)
    _tell(registry, int(made.version), "pushed")
    client.set_registered_model_alias(name, CHALLENGER, made.version)
    return find_version(registry, int(made.version))


def _metrics(record: Record) -> dict[str, float]:
    """AUC of any dementia, person by person, of each split that the record tells of."""
    found = {}
    for split, quoted in (record.get("metrics") or {}).items():
        with contextlib.suppress(KeyError, TypeError):
            found[f"{split}.any_dementia.roc_auc"] = float(quoted["person"]["any_dementia"]["roc_auc"]["value"])
    return found


def promote(
    location: Location,
    wanted: str | int = CHALLENGER,
    force: str = "",
    pushed: Path | None = None,
    model: str = MODEL,
) -> Promotion:
    """Make a version the champion, if the gate blessed it against the one that serves now.

    Its files are verified and laid out for TensorFlow Serving first, so that the champion serves on where anything fails.

    Args:
        location: of the registry.
        wanted: number or alias.
        force: reason to promote past the gate; it is kept with the version.
        pushed: folder that TensorFlow Serving watches; where None that of an embedded registry, and none for a server.
        model: name of the registered model.

    Raises:
        UserError: no such version, not blessed, blessed against another champion, its file is gone, or the registry is
            being changed.
    """
    _check_there(location)
    with one_writer(location, model):
        registry = open_registry(location, model)
        version = find_version(registry, wanted)
        before = aliases_of(registry).get(CHAMPION)
        champion = None if before is None else find_version(registry, before)
        if before == version.number:
            raise UserError(f"version {version.number} of {model} is the champion already; nothing was changed.")
        problem = _against_the_gate(version, champion)
        if problem and not force:
            raise UserError(f"version {version.number} of {model} is not promoted: {problem}")
        forced = force if problem else ""
        with _served(registry, version, pushed) as folder, in_words(location):
            _tag(registry, version.number, {"forced": forced, "replaced": "" if before is None else str(before)})
            if before is not None:
                registry.client.set_registered_model_alias(model, PREVIOUS, str(before))
            registry.client.set_registered_model_alias(model, CHAMPION, str(version.number))
            if CHALLENGER in version.aliases:
                registry.client.delete_registered_model_alias(model, CHALLENGER)
            past = f", past the gate: {forced}" if forced else ""
            _tell(registry, version.number, f"promoted{'' if before is None else f' in place of {before}'}{past}")
        return Promotion(find_version(registry, version.number), before, forced, folder)


def rollback(location: Location, pushed: Path | None = None, model: str = MODEL) -> Promotion:
    """Make the champion of before the champion again; its file and SHA-256 are those it had.

    Raises:
        UserError: there was none before, its file is gone, or the registry is being changed.
    """
    _check_there(location)
    with one_writer(location, model):
        registry = open_registry(location, model)
        aliases = aliases_of(registry)
        withdrawn, before = aliases.get(CHAMPION), aliases.get(PREVIOUS)
        if withdrawn is not None and before == withdrawn:  # a promotion was cut off when the champion had one name more
            before = find_version(registry, withdrawn).replaced
        if withdrawn is None or before is None:
            raise UserError(
                f"{location.name}: there is no champion of before to go back to; see `alzedge registry list`."
            )
        version = find_version(registry, before)
        with _served(registry, version, pushed) as folder, in_words(location):
            registry.client.set_registered_model_alias(model, CHAMPION, str(version.number))
            if version.replaced is None:
                registry.client.delete_registered_model_alias(model, PREVIOUS)
            else:
                registry.client.set_registered_model_alias(model, PREVIOUS, str(version.replaced))
            _tell(registry, withdrawn, f"withdrawn, {version.number} serves again")
            _tell(registry, version.number, f"champion again, {withdrawn} withdrawn")
        return Promotion(find_version(registry, version.number), withdrawn, "", folder)


def _check_there(location: Location) -> None:
    if location.database is not None and not location.database.is_file():
        open_registry(location)  # which refuses


def _against_the_gate(version: Version, champion: Version | None) -> str:
    """The reason why the gate does not let a version pass, with the cure; '' where it does."""
    decision = version.gate
    if decision.outcome != Outcome.BLESSED:
        said = f"the gate's decision was '{decision.outcome}'" if decision.outcome else "it was never shown to the gate"
        return f"{said}; run `alzedge gate` on the file, push it again, or give a reason with --force."
    if champion is None and decision.against is None:
        return ""
    if champion is not None and decision.against == champion.sha256:
        return ""
    whom = "without a champion" if decision.against is None else "against another model than the champion"
    serves = "nothing serves" if champion is None else f"version {champion.number} serves"
    return f"it was blessed {whom} ({serves}); run `alzedge gate` against the champion and push it again."


@contextlib.contextmanager
def _served(registry: Registry, version: Version, pushed: Path | None) -> Iterator[Path | None]:
    """Verify a version's files, and lay them out for TensorFlow Serving; taken back where the body raises."""
    files, folder = fetch(registry, version), pushed or registry.location.pushed
    if folder is None:
        yield None
        return
    with published(files, folder, version.number) as laid_out:
        yield laid_out


def _tag(registry: Registry, number: int, tags: dict[str, str]) -> None:
    for name, text in tags.items():
        registry.client.set_model_version_tag(registry.model, str(number), name, text)


def _tell(registry: Registry, number: int, text: str) -> None:
    now = time.time_ns()
    stamp = time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime(now // 10**9))
    _tag(registry, number, {f"{EVENT}{stamp}.{now % 10**9:09d}": text})
