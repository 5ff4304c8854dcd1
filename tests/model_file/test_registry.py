"""The registry: the gate keeps its door, a rollback gives the old SHA-256, and what goes wrong leaves the champion."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from helpers.commands import assert_refused, call_cli

from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import Record, read_record, read_tflite, write_tflite
from alzedge.model_file.registry import client
from alzedge.model_file.registry.changes import promote, push, rollback
from alzedge.model_file.registry.client import open_registry
from alzedge.model_file.registry.lineage import lineage, lineage_text
from alzedge.model_file.registry.location import Location, Reference, locate
from alzedge.model_file.registry.versions import aliases_of, fetch_registered, find_version, list_versions


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return locate(tmp_path / "registry")


def model(path: Path, seed: int, outcome: str = "", against: str | None = None) -> Path:
    """The bundled model, as if another one had been trained and shown to the gate."""
    flatbuffer, record = read_tflite(bundled_model())
    changed: Record = record | {"recipe": record["recipe"] | {"seed": seed}}
    if outcome:
        changed |= {"gate": {"outcome": outcome, "against": against, "people": 224, "signed_by": "A. Smith"}}
    write_tflite(path, flatbuffer, changed)
    return path


def sha(path: Path) -> str:
    return str(read_record(path)["sha256"])


@pytest.fixture
def two(tmp_path: Path, location: Location) -> Iterator[tuple[Path, Path]]:
    """Two files, the second blessed against the first, both promoted in turn."""
    first = model(tmp_path / "first.tflite", 1, "blessed")
    second = model(tmp_path / "second.tflite", 2, "blessed", sha(first))
    for file in (first, second):
        push(location, file)
        promote(location)
    yield first, second


def test_the_life_of_a_champion(location: Location, two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two
    registry = open_registry(location)
    assert aliases_of(registry) == {"champion": 2, "previous": 1}
    assert [path.name for path in location.pushed.iterdir()] == ["2"]
    assert sha(location.pushed / "2/model.tflite") == sha(second)
    monkeypatch.setenv("ALZEDGE_REGISTRY", str(location.folder))
    assert Classifier.load("models:/alzedge@champion").record["sha256"] == sha(second)

    back = rollback(location)
    assert back.version.sha256 == sha(first) and back.before == 2
    assert Classifier.load("models:/alzedge@champion").record["sha256"] == sha(first)
    assert fetch_registered("models:/alzedge@champion").read_bytes() == first.read_bytes()
    assert [path.name for path in location.pushed.iterdir()] == ["1"]
    with pytest.raises(UserError, match="no champion of before"):
        rollback(location)
    told = lineage_text(find_version(open_registry(location), 2))
    assert "withdrawn, 1 serves again" in told and "signed by A. Smith" in told
    assert [one.number for one in lineage(open_registry(location), 2)] == [2, 1]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [("", "never shown to the gate"), ("refused", "'refused'"), ("cannot tell", "'cannot tell'")],
)
def test_nothing_passes_but_through_the_gate(tmp_path: Path, location: Location, outcome: str, reason: str) -> None:
    push(location, model(tmp_path / "new.tflite", 3, outcome))
    with pytest.raises(UserError, match=reason):
        promote(location)
    assert aliases_of(open_registry(location)) == {"challenger": 1} and not location.pushed.exists()
    result = call_cli("registry", "promote", "--registry", location.folder, "--force", "a trial")
    assert result.returncode == 0 and "FORCED past the gate" in result.stderr and "a trial" in result.stderr
    version = find_version(open_registry(location), "champion")
    assert version.forced == "a trial" and "past the gate: a trial" in lineage_text(version)
    assert "by force" in call_cli("registry", "list", "--registry", location.folder).stdout


def test_a_blessing_holds_against_the_champion_it_was_given_against(
    tmp_path: Path, location: Location, two: tuple[Path, Path]
) -> None:
    """Two candidates were blessed against the first champion; when one of them serves, the other's blessing is old."""
    push(location, model(tmp_path / "late.tflite", 9, "blessed", sha(two[0])))
    with pytest.raises(UserError, match="blessed against another model than the champion"):
        promote(location)
    push(location, model(tmp_path / "first_again.tflite", 10, "blessed"))
    with pytest.raises(UserError, match="blessed without a champion"):
        promote(location)
    with pytest.raises(UserError, match="is the champion already"):
        promote(location, "champion")
    assert aliases_of(open_registry(location))["champion"] == 2


def test_what_goes_wrong_leaves_the_champion_serving(
    location: Location, two: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_PATIENCE_S", 0.1)
    registry, database = str(location.folder), location.database
    assert location.folder is not None and database is not None
    before = (location.pushed / "2/model.tflite").read_bytes()
    with FileLock(location.folder / ".lock"):  # another promotion is under way
        assert_refused(call_cli("registry", "rollback", "--registry", registry), "being changed by another alzedge")
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert_refused(call_cli("registry", "list", "--registry", registry), "locked by another process")
    assert_refused(call_cli("registry", "rollback", "--registry", registry), "locked by another process")
    holder.execute("ROLLBACK")
    holder.close()
    readonly = f"sqlite:///file:{database.absolute()}?mode=ro&uri=true"
    assert_refused(call_cli("registry", "rollback", "--registry", readonly), "may not be written")
    assert_refused(call_cli("registry", "promote", "7", "--registry", registry), "holds no version 7")
    assert_refused(call_cli("registry", "promote", "--registry", registry), "no 'challenger'")
    assert_refused(call_cli("registry", "push", tmp_path / "no.tflite", "--registry", registry), "no such model file")
    gone = next((location.folder / "artifacts").rglob("model.tflite"))
    for path in (location.folder / "artifacts").rglob("model.tflite"):
        gone = path if sha(path) == sha(two[0]) else gone
    kept = gone.read_bytes()
    gone.unlink()
    assert_refused(call_cli("registry", "rollback", "--registry", registry), "not there any more")
    shutil.copyfile(two[1], gone)
    assert_refused(call_cli("registry", "rollback", "--registry", registry), "SHA-256 differs")
    gone.write_bytes(kept)
    assert aliases_of(open_registry(location)) == {"champion": 2, "previous": 1}
    assert (location.pushed / "2/model.tflite").read_bytes() == before
    assert [path.name for path in location.pushed.iterdir()] == ["2"]


def test_a_registry_that_cannot_be_read_is_refused_in_a_sentence(
    location: Location, two: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "newer"
    assert location.folder is not None
    shutil.copytree(location.folder, copy)
    with sqlite3.connect(copy / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    assert_refused(call_cli("registry", "list", "--registry", copy), "another version of MLflow")
    (copy / "mlflow.db").write_bytes(b"this is no database" * 100)
    assert_refused(call_cli("registry", "list", "--registry", copy), "damaged database")
    assert_refused(call_cli("registry", "list", "--registry", "http://127.0.0.1:9"), "cannot be reached")
    assert_refused(call_cli("registry", "list", "--registry", tmp_path / "nothing"), "holds no registry")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("mine")
    first = str(two[0])
    assert_refused(call_cli("registry", "push", first, "--registry", tmp_path / "full"), "is not empty")
    assert_refused(call_cli("predict", first, "--model", "models:/alzedge"), "names no model of a registry")


def test_a_folder_for_serving_that_holds_something_else_is_left_alone(
    location: Location, two: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    with pytest.raises(UserError, match=r"letter\.txt, which is no model version"):
        rollback(location, tmp_path / "mine")
    assert aliases_of(open_registry(location))["champion"] == 2


def test_a_schema_is_kept_with_its_hash_and_versions_are_listed(location: Location, tmp_path: Path) -> None:
    schema = tmp_path / "schema.pbtxt"
    schema.write_text("feature {}\n")
    version = push(location, model(tmp_path / "a.tflite", 1), schema=schema)
    assert len(version.schema) == 64 and version.schema in lineage_text(version)
    assert [one.number for one in list_versions(open_registry(location))] == [1]
    assert json.dumps(version.data) and version.recipe


def test_names_of_models_are_read_or_refused() -> None:
    assert Reference.parse("models:/alzedge@champion") == Reference("alzedge", "champion", None)
    assert str(Reference.parse("models:/alzedge/3")) == "models:/alzedge/3"
    for text in ("models:/alzedge", "models:/alzedge@", "models:/a b@champion", "models:/../x@y/1"):
        with pytest.raises(UserError, match="names no model"):
            Reference.parse(text)
