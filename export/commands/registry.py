"""`alzedge registry`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alzedge.commands.options import next_command

if TYPE_CHECKING:
    from alzedge.model_file.registry.changes import Promotion
    from alzedge.model_file.registry.versions import Version

_WHERE = (
    "Folder of the registry, or URI of an MLflow server or database.  [default: $ALZEDGE_REGISTRY or alzedge-registry]"
)


def registry_option(command: Any) -> Any:
    """`--registry DIR|URI` and `--name MODEL`."""
    command = click.option(
        "--name", "model", default="alzedge", show_default=True, help="Name of the registered model."
    )(command)
    return click.option("--registry", metavar="DIR|URI", help=_WHERE)(command)


def serving_option(command: Any) -> Any:
    """`--serving DIR`."""
    return click.option(
        "--serving",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder that TensorFlow Serving watches.  [default: pushed_model in the registry's folder; none for a server]",
    )(command)


@click.group("registry")
def registry_command() -> None:
    """Keep versions of the model: who serves, who served before, what each was made from.

    An embedded MLflow registry in a folder (SQLite), or any MLflow server. Its aliases are champion (serves), challenger
    (pushed last) and previous (served before). Load one with Classifier.load("models:/alzedge@champion").

    \b
    alzedge registry push runs/phantoms/student_int8.tflite
    alzedge registry promote
    alzedge registry list
    alzedge registry rollback
    """


@registry_command.command("push")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--saved-model",
    type=click.Path(path_type=Path, file_okay=False),
    help="SavedModel of the same student, by `alzedge export --format saved_model`, for TensorFlow Serving.",
)
@click.option(
    "--schema", type=click.Path(path_type=Path, dir_okay=False), help="Schema of its data, by `alzedge schema`."
)
@registry_option
def push_command(file: Path, saved_model: Path | None, schema: Path | None, registry: str | None, model: str) -> None:
    """Push FILE as the next version; it becomes the challenger and serves nobody yet.

    \b
    alzedge registry push runs/phantoms/student_int8.tflite --saved-model runs/phantoms/saved_model
    """
    from alzedge.model_file.registry.changes import push
    from alzedge.model_file.registry.location import locate

    version = push(locate(registry), file, saved_model, schema, model)
    click.echo(f"version {version.number} of {model}: {file}, SHA-256 {version.sha256}, gate: {_gate(version)}")
    click.echo(f"next: {next_command('registry', 'promote', *(['--registry', registry] if registry else []))}")


@registry_command.command("list")
@registry_option
def list_command(registry: str | None, model: str) -> None:
    """List the versions, the newest first.

    \b
    alzedge registry list
    """
    from alzedge.model_file.registry.client import open_registry
    from alzedge.model_file.registry.location import locate
    from alzedge.model_file.registry.versions import list_versions
    from alzedge.utils.text_table import in_columns

    location = locate(registry)
    versions = list_versions(open_registry(location, model))
    if not versions:
        click.echo(f"{location.name} holds no version of {model}")
        return
    rows = [["version", "alias", "gate", "sha256", "data", "recipe"]]
    rows += [
        [str(one.number), ", ".join(one.aliases), _gate(one), one.sha256[:12], one.data[:12], one.recipe]
        for one in reversed(versions)
    ]
    click.echo(in_columns(rows))


@registry_command.command("promote")
@click.argument("version", default="challenger")
@click.option("--force", default="", metavar="REASON", help="Promote past the gate; the reason is kept and shown.")
@serving_option
@registry_option
def promote_command(version: str, force: str, serving: Path | None, registry: str | None, model: str) -> None:
    """Make VERSION (a number or an alias; the challenger where none is named) the champion, if the gate blessed it.

    \b
    alzedge registry promote
    alzedge registry promote 3 --force "the champion fails on the new scanner"
    """
    from alzedge.model_file.registry.changes import promote
    from alzedge.model_file.registry.location import locate

    done = promote(locate(registry), version, force, serving, model)
    _show(done, model)
    if done.forced:
        click.echo(f"FORCED past the gate ({_gate(done.version)}): {done.forced}", err=True)


@registry_command.command("rollback")
@serving_option
@registry_option
def rollback_command(serving: Path | None, registry: str | None, model: str) -> None:
    """Make the champion of before the champion again, with the SHA-256 that it had.

    \b
    alzedge registry rollback
    """
    from alzedge.model_file.registry.changes import rollback
    from alzedge.model_file.registry.location import locate

    _show(rollback(locate(registry), serving, model), model)


@registry_command.command("lineage")
@click.argument("version", default="champion")
@registry_option
def lineage_command(version: str, registry: str | None, model: str) -> None:
    """Show what VERSION was made from, what it replaced and what happened to it, back to the first champion.

    \b
    alzedge registry lineage champion
    """
    from alzedge.model_file.registry.client import open_registry
    from alzedge.model_file.registry.lineage import lineage, lineage_text
    from alzedge.model_file.registry.location import locate

    for one in lineage(open_registry(locate(registry), model), version):
        click.echo(lineage_text(one))


def _gate(version: "Version") -> str:
    decision = version.gate
    signed = f", signed by {decision.signed_by}" if decision.signed_by else ""
    forced = "; promoted by force" if version.forced else ""
    people = "" if decision.people is None else f" on {decision.people} people"
    return f"{decision.outcome or 'never shown'}{people}{signed}{forced}"


def _show(done: "Promotion", model: str) -> None:
    version = done.version
    before = "" if done.before is None else f" in place of version {done.before}"
    click.echo(f"champion of {model}: version {version.number}{before}, SHA-256 {version.sha256}")
    if done.pushed is not None:
        click.echo(f"TensorFlow Serving: {done.pushed}")
