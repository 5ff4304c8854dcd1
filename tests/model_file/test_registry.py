"""The registry: the gate keeps its door, a rollback gives the old SHA-256, and what goes wrong leaves the champion."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from filelock import FileLock
from helpers.commands import assert_refused, call_cli, once

from alzedge.errors import UserError
from alzedge.inference.classifier import Classifier
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import Record, read_record, read_tflite, write_tflite
from alzedge.model_file.registry import client, one_writer
from alzedge.model_file.registry.changes import Promotion, promote, push, rollback
from alzedge.model_file.registry.client import open_registry
from alzedge.model_file.registry.lineage import lineage, lineage_text
from alzedge.model_file.registry.location import Location, Reference, locate
from alzedge.model_file.registry.versions import aliases_of, fetch_registered, find_version, list_versions


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without models, which takes MLflow seconds to make."""

    def make(folder: Path) -> None:
        assert not list_versions(open_registry(locate(folder / "registry"), create=True))

    return once(tmp_path_factory, "registry", make) / "registry/mlflow.db"


@pytest.fixture
def location(begun: Path, tmp_path: Path) -> Location:
    (tmp_path / "registry").mkdir()
    shutil.copyfile(begun, tmp_path / "registry/mlflow.db")
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
    monkeypatch.chdir(tmp_path)  # MLflow makes folders of the parts of the read-only address
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


def test_a_promotion_that_is_cut_off_leaves_the_champion_and_its_folder(
    location: Location, two: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry goes away when the files are laid out and the champion of now has got the name `previous` already."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    push(location, model(tmp_path / "third.tflite", 3, "blessed", sha(two[1])))
    before = (location.pushed / "2/model.tflite").read_bytes()
    alias = MlflowClient.set_registered_model_alias

    def gone(client: MlflowClient, name: str, wanted: str, version: str) -> None:
        if wanted == "champion":
            raise MlflowException("API request to http://mlflow failed")
        alias(client, name, wanted, version)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", gone)
        with pytest.raises(UserError, match="cannot be reached"):
            promote(location)
    assert aliases_of(open_registry(location)) == {"champion": 2, "previous": 2, "challenger": 3}
    assert [path.name for path in location.pushed.iterdir()] == ["2"]
    assert (location.pushed / "2/model.tflite").read_bytes() == before
    assert rollback(location).version.sha256 == sha(two[0])


@pytest.fixture
def database(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Location:
    """A registry that is not in a folder of ours, as on a server, with a champion and two who were blessed against it."""
    monkeypatch.chdir(tmp_path)  # MLflow keeps the files of such a one where the process is
    shutil.copyfile(begun, tmp_path / "server.db")
    location = locate(f"sqlite:///{tmp_path / 'server.db'}")
    first = model(tmp_path / "first.tflite", 1, "blessed")
    push(location, first)
    assert promote(location).pushed is None
    for seed in (2, 3):
        push(location, model(tmp_path / f"{seed}.tflite", seed, "blessed", sha(first)))
    return location


def test_of_two_promotions_at_once_on_a_server_one_is_refused(
    database: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt(number: int) -> Promotion | str:
        try:
            return promote(database, number)
        except UserError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(attempt, (2, 3)))
    (done,) = [one for one in results if isinstance(one, Promotion)]
    (refused,) = [one for one in results if isinstance(one, str)]
    assert "by another alzedge" in refused or "another model than the champion" in refused or "locked" in refused
    registry = open_registry(database)
    assert aliases_of(registry)["champion"] == done.version.number and aliases_of(registry)["previous"] == 1
    assert [one.name for one in registry.client.search_registered_models()] == ["alzedge"]
    assert not (tmp_path / "pushed_model").exists()

    registry.client.create_registered_model("alzedge-lock")  # whose maker was killed
    with pytest.raises(UserError, match="being changed by another alzedge"):
        rollback(database)
    assert aliases_of(registry)["champion"] == done.version.number
    monkeypatch.setattr(one_writer, "_KEPT_S", -60)  # ten minutes later
    served = rollback(database, tmp_path / "served").pushed
    assert served == tmp_path / "served/1" and (tmp_path / "served/1/model.tflite").is_file()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(401, "refuses to answer (HTTP 401)"), (404, "not as an MLflow server"), (200, "check the address")],
)
def test_a_server_that_is_none_of_mlflow_s_is_refused_in_a_sentence(status: int, sentence: str) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>A page</html>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://user:secret@127.0.0.1:{server.server_port}"
        result = call_cli("registry", "list", "--registry", address)
        server.shutdown()
    assert_refused(result, sentence, f"127.0.0.1:{server.server_port}")
    assert "secret" not in result.stderr


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
    driver = call_cli("registry", "list", "--registry", "mssql+pymssql://user:secret@127.0.0.1:9/x")
    assert_refused(driver, "needs a package for its database (No module named 'pymssql')")
    assert "secret" not in driver.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALZEDGE_REGISTRY", "http://127.0.0.1:9")
        result = call_cli("predict", two[0], "--model", "models:/alzedge@champion")
        assert_refused(result, "http://127.0.0.1:9 cannot be reached")
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


def test_a_registry_is_begun_a_schema_kept_with_its_hash_and_versions_listed(tmp_path: Path) -> None:
    location = locate(tmp_path / "new")
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
