"""The pipeline: what must end it ends it before anything is pushed, and what is done is not done again."""

import ast
import inspect
import json
import shlex
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.commands import TINY, assert_refused, call_cli, run_cli

import alzedge.export.experiments.lifecycle as room
from alzedge.data.dataset import DataSet
from alzedge.errors import UserError
from alzedge.export.experiments.lifecycle import steps
from alzedge.export.experiments.lifecycle.opening import Opened, Spec, open_spec
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.decision import Outcome
from alzedge.model_file.registry.location import locate
from alzedge.runs.recipe_file import load_recipe

ROOT = Path(__file__).parents[2]


def test_too_few_held_out_people_are_refused_before_anything_is_trained(phantoms: DataSet, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="of the people held out in fold 0 3 have dementia and 1 have none"):
        steps.ingest(Opened(phantoms, load_recipe("quick")), tmp_path / "data.json")
    assert not (tmp_path / "data.json").exists()


def test_data_that_do_not_fit_the_schema_end_the_pipeline(people: DataSet, tmp_path: Path) -> None:
    schema = tmp_path / "schema.pbtxt"
    steps.compute_statistics(people, tmp_path / "stats.pb", schema)
    steps.validate_data(people, schema, tmp_path / "fits.json")
    assert json.loads((tmp_path / "fits.json").read_text()) == {"anomalies": []}
    bright = replace(people, images=np.minimum(people.images.astype(int) * 2 + 60, 255).astype(np.uint8))
    with pytest.raises(UserError, match="does not fit"):
        steps.validate_data(bright, schema, tmp_path / "anomalies.json")
    assert json.loads((tmp_path / "anomalies.json").read_text())["anomalies"]
    schema.write_text('feature {\n  name: "trip_miles"\n  type: FLOAT\n}\n')
    with pytest.raises(UserError, match="a schema of another data set, it describes trip_miles"):
        steps.validate_data(people, schema, tmp_path / "other.json")
    assert not (tmp_path / "other.json").exists()


def test_a_registry_that_cannot_take_a_model_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("mine")
    out = ("--out", tmp_path / "out")
    result = call_cli("pipeline", "run", "phantoms", *out, "--registry", tmp_path / "full")
    assert_refused(result, "is not empty and holds no registry")
    result = call_cli("pipeline", "run", "phantoms", *out, "--registry", "http://127.0.0.1:9")
    assert_refused(result, "http://127.0.0.1:9 cannot be reached")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.CANNOT_TELL])
def test_a_model_that_is_not_blessed_is_not_pushed(outcome: Outcome, tmp_path: Path) -> None:
    delivery = steps.Delivery(bundled_model(), tmp_path / "saved_model", tmp_path / "schema.pbtxt")
    with pytest.raises(UserError, match=f"'{outcome}', so it is not pushed"):
        steps.push_model(delivery, outcome, locate(tmp_path / "registry"), tmp_path / "pushed.json")
    assert not list(tmp_path.iterdir())


def test_a_spec_opens_as_the_command_does(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    opened = open_spec(Spec(("phantoms",), recipe=str(tmp_path / "tiny.toml"), seed=3))
    assert len(opened.dataset) == 100 and opened.recipe.seed == 3


def test_components_import_all_they_use_inside() -> None:
    """Kubeflow sends the text of a function: a name of the module would be unknown there."""
    tree = ast.parse((Path(inspect.getfile(room)).parent / "kubeflow.py").read_text("utf-8"))
    outside = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "kfp.dsl"
        for alias in node.names
    } | {"Compiled", "Path", "compiler", "dsl"}
    components = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name not in ("make_pipeline", "compile_pipeline")
    ]
    assert [one.name for one in components] == ["ingest", "stats", "validate", "train", "evaluate", "gate", "push"]
    for one in components:
        inside = {alias.name for node in ast.walk(one) if isinstance(node, ast.ImportFrom) for alias in node.names}
        used = {node.id for node in ast.walk(one) if isinstance(node, ast.Name)}
        assert not (used & outside) - inside, one.name


@pytest.mark.skipif(
    find_spec("kfp") is None, reason="kfp is not installed: it wants protobuf 6, an environment of its own"
)
def test_the_pipeline_compiles_without_tensorflow(tmp_path: Path) -> None:
    done = run_cli("pipeline", "compile", tmp_path / "alzedge.yaml", "--image", "registry.local/alzedge:1")
    assert done.returncode == 0, done.stderr
    spec = next(yaml.safe_load_all((tmp_path / "alzedge.yaml").read_text()))
    assert set(spec["root"]["inputDefinitions"]["parameters"]) == {
        "data",
        "people",
        "recipe",
        "registry",
        "schema",
        "seed",
        "signed_by",
        "trained_on",
    }
    images = {one["container"]["image"] for one in spec["deploymentSpec"]["executors"].values()}
    assert images == {"registry.local/alzedge:1"}


def test_what_is_to_be_copied_names_commands_and_options_that_exist() -> None:
    folder = ROOT / "docs/mlops"
    if not folder.exists():
        pytest.skip("needs the checkout with its documents")
    job = yaml.safe_load((folder / "github-workflow.yml").read_text())["jobs"]["gate"]
    calls = [line for step in job["steps"] for line in step.get("run", "").split(" && ") if line.startswith("alzedge")]
    assert [call.split()[1] for call in calls] == ["stats", "validate", "gate", "registry", "registry"]
    life = [line for line in (folder / "life.sh").read_text().splitlines() if line.startswith("call ")]
    assert len(life) > 10
    helps: dict[tuple[str, ...], str] = {}
    for words in (shlex.split(call)[1:] for call in calls + life):
        name = tuple(words[: 2 if words[0] in ("registry", "pipeline") else 1])
        if name not in helps:
            helps[name] = call_cli(*name, "--help").stdout
        assert all(word in helps[name] for word in words if word.startswith("--")), words


def test_compile_refuses_another_ending(tmp_path: Path) -> None:
    assert_refused(call_cli("pipeline", "compile", tmp_path / "alzedge.json"), "name a file that ends with .yaml")


@pytest.mark.slow
def test_from_data_to_a_champion_and_not_twice(tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(TINY.replace("subjects = 20", "subjects = 120"))
    always = ("--floor", 0, "--floor-margin", 1, "--brier-margin", 1, "--calls", 0)
    call = (
        "pipeline",
        "run",
        "--recipe",
        recipe,
        "--registry",
        tmp_path / "registry",
        "--out",
        tmp_path / "out",
        *always,
    )
    first = run_cli(*call)
    assert first.returncode == 0 and "blessed: version 1 serves" in first.stdout, first.stderr
    assert (tmp_path / "registry/pushed_model/1/saved_model.pb").is_file()
    ledger = (tmp_path / "out/run.json").read_bytes()
    again = run_cli(*call)
    assert again.returncode == 0 and "version 1 serves" in again.stdout and "distillation" not in again.stdout
    assert (tmp_path / "out/run.json").read_bytes() == ledger
    strict = run_cli(*call[:-8], "--out", tmp_path / "new", "--seed", 5, "--floor", 1, "--calls", 0)
    assert strict.returncode in (3, 4) and "version 1 serves" in strict.stdout, strict.stderr
    assert not (tmp_path / "new/pushed.json").exists()
