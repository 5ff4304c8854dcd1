"""Cross-validation, and experiments against each other."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import CROSS_FIT, assert_refused, call_cli, run_cli

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.predictions import Predictions
from alzedge.errors import UserError
from alzedge.export.evaluate.crossval_folder import check_finished, fold_folder
from alzedge.export.experiments.comparison import (
    Comparison,
    ExperimentResult,
    comparison_rows,
    draw_comparison,
    draw_label_curve,
    markdown_comparison,
    text_comparison,
)
from alzedge.export.experiments.crossval import MODELS, cross_validate, pool_folds
from alzedge.export.experiments.experiments import load_experiments
from alzedge.metrics.classification import evaluate
from alzedge.metrics.evaluation import Summary
from alzedge.metrics.split_evaluation import EvaluationSet, Quote, read_metrics
from alzedge.metrics.tasks import STAGES4
from alzedge.model_file.read_write import read_record
from alzedge.runs.recipe_file import load_recipe


@pytest.fixture(scope="module")
def cross_fit_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "crossfit.toml"
    path.write_text(CROSS_FIT)
    return path


def test_pooled_answers_hold_every_slice_once_by_a_model_without_its_fold(phantoms: DataSet, tmp_path: Path) -> None:
    for fold in range(5):
        rows = split_dataset(phantoms, "subject", fold).test
        test = phantoms.take(rows)
        answers = np.full((len(rows), 4), 0.25)
        folder = fold_folder(tmp_path, fold)
        Predictions(test.paths, test.subject, test.labels, np.full(len(rows), fold), answers).save(
            folder / "answers_student.csv"
        )
    pooled = Predictions.load(pool_folds(tmp_path, "student.csv"))
    assert sorted(pooled.paths) == sorted(phantoms.paths)
    held_out = {
        path: fold for fold in range(5) for path in phantoms.paths[split_dataset(phantoms, "subject", fold).test]
    }
    assert [held_out[path] for path in pooled.paths] == pooled.fold.tolist()


def test_packaged_table_is_the_study(tmp_path: Path) -> None:
    found = load_experiments(None, None)
    by_group = {group: [e.name for e in found if e.group == group] for group in dict.fromkeys(e.group for e in found)}
    assert {group: len(names) for group, names in by_group.items()} == {
        "study": 3,
        "optimizers": 27,
        "preprocessing": 9,
        "networks": 6,
        "pre-training": 10,
    }
    lars = next(e for e in found if e.name == "LARS, step, batch 16")
    settings = lars.recipe.finetune
    assert (settings.optimizer, settings.schedule, settings.batch_size) == ("lars", "step", 16)
    assert load_experiments(None, 7, ("study",))[0].recipe.seed == 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "not a table of experiments"),
        ('[[experiment]]\ngroup = "g"\nname = "n"\nrecipe = "cpu"\nmodel = "dog"', "'dog' is not known"),
        ('[[experiment]]\ngroup = "g"\nname = "n"\nrecipe = "none"\nmodel = "teacher"', "no such"),
        ('[[experiment]]\ngroup = "g"\nname = "n"\nrecipe = "cpu"\nmodel = "teacher"\nfinetune = {dog = 1}', "dog"),
        (2 * '[[experiment]]\ngroup = "g"\nname = "n"\nrecipe = "cpu"\nmodel = "teacher"\n', "twice"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, text: str, words: str) -> None:
    table = tmp_path / "table.toml"
    table.write_text(text)
    with pytest.raises(UserError, match=words):
        load_experiments(table, None)


def test_the_command_lists_the_experiments_of_a_group_and_refuses_another(tmp_path: Path) -> None:
    listed = call_cli("experiments", "--list", "--group", "study")
    assert listed.returncode == 0 and len(listed.stdout.splitlines()) == 3 and "study: " in listed.stdout
    assert_refused(call_cli("experiments", "--list", "--group", "cats"), "has no group 'cats'", "study")
    assert_refused(call_cli("experiments", "--table", tmp_path / "none.toml"), "none.toml")
    assert_refused(call_cli("crossval", tmp_path / "none", "--out", tmp_path / "out"), "none")


def summary_of(dataset: DataSet, seed: int, people_known: bool = True) -> Summary:
    answers = np.random.default_rng(seed).dirichlet(np.ones(4), len(dataset))
    who = dataset.subject if people_known else None
    return evaluate(answers, dataset.labels, who, replicates=10).summary()


def test_a_comparison_has_a_row_for_each_experiment_split_and_baseline(phantoms: DataSet, tmp_path: Path) -> None:
    recipe = load_recipe("quick")
    evaluated_on = EvaluationSet("a clause", 100, 20, True, {"majority": 0.4, "nearest_neighbour": 0.5})
    figures = {"official": summary_of(phantoms, 0, people_known=False), "subject": summary_of(phantoms, 1)}
    results = [
        ExperimentResult("g", f"{percent} %", "teacher", replace(recipe, finetune=settings), figures)
        for percent in (10, 100)
        for settings in [replace(recipe.finetune, label_percent=percent)]
    ]
    results.append(ExperimentResult("g", "int8", "student_int8", recipe, {"subject": figures["subject"]}))
    comparison = Comparison({"official": evaluated_on, "subject": evaluated_on}, tuple(results))
    rows = comparison_rows(comparison)
    assert len(rows) == 1 + 5 + 4 and all(len(row) == len(rows[0]) for row in rows)
    accuracy, area = figures["subject"].slice.figure(STAGES4, "accuracy"), figures["subject"].person
    assert accuracy and area and rows[2][:4] == ["g: 10 %", "teacher", "unseen people", accuracy.short()]
    assert rows[2][5] == area.tasks["any_dementia"]["roc_auc"].short()  # type: ignore[union-attr]
    assert rows[1][5] == figures["official"].slice.tasks["any_dementia"]["roc_auc"].short()  # type: ignore[union-attr]
    assert rows[-1][:4] == ["baseline: majority class", "", "unseen people", "0.400"]
    table, _, note = text_comparison(comparison).rpartition("\n")
    assert max(len(line) for line in table.splitlines()) <= 100 and note
    assert rows[-1][3] in table and "| g: int8 |" in markdown_comparison(comparison)
    content = comparison.to_json()
    assert content["splits"]["subject"]["floors"] == evaluated_on.baselines
    assert content["experiments"][0]["recipe"] == results[0].recipe.to_dict()
    assert content["experiments"][2]["figures"] == {"subject": figures["subject"].to_json()}
    draw_comparison(comparison, tmp_path / "all.png")
    assert draw_label_curve(comparison, tmp_path / "curve.png")
    assert not draw_label_curve(replace(comparison, experiments=tuple(results[1:])), tmp_path / "none.png")
    assert {path.name for path in tmp_path.iterdir()} == {"all.png", "curve.png"}


def test_a_cross_validation_is_quoted_only_for_its_own_recipe_and_data(phantoms: DataSet, tmp_path: Path) -> None:
    recipe = load_recipe("quick")
    with pytest.raises(UserError, match="holds no finished cross-validation"):
        check_finished(tmp_path, phantoms, recipe)
    settings = recipe.to_dict()
    about = {"data": phantoms.fingerprint} | {name: settings[name] for name in ("seed", "augment", "teacher")}
    (tmp_path / "crossval.json").write_text(json.dumps(about | {"seed": 7}))
    with pytest.raises(UserError, match=r"cross-validated something else \(seed, preprocessing, "):
        check_finished(tmp_path, phantoms, recipe)


def test_unknown_people_cannot_be_cross_validated(tmp_path: Path, phantoms: DataSet) -> None:
    nobody = DataSet(
        "nobody",
        phantoms.images,
        phantoms.labels,
        np.full(len(phantoms), ""),
        phantoms.slice,
        phantoms.split,
        phantoms.paths,
    )
    with pytest.raises(UserError, match="unknown, so nothing can be said about unseen people"):
        cross_validate(nobody, load_recipe("quick"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_crossval_pools_judges_resumes_and_is_quoted(tmp_path: Path, cross_fit_recipe: Path) -> None:
    out = tmp_path / "crossval"
    first = run_cli("crossval", "--recipe", cross_fit_recipe, "--out", out, "--jobs", 2)
    assert first.returncode == 0, first.stderr
    pooled = {name: (out / name).read_bytes() for name in MODELS}
    assert len(Predictions.load(out / "student_int8.csv")) == 100
    evaluation = read_metrics(out / "evaluation" / "metrics.json")["crossval"]
    assert evaluation.evaluated_on.people == 20 and set(evaluation.models) == set(MODELS)
    # One fold is made again, by one process, and comes out the same to the last bit.
    shutil.rmtree(fold_folder(out, 3))
    again = run_cli("crossval", "--recipe", cross_fit_recipe, "--out", out, "--jobs", 1)
    assert again.returncode == 0, again.stderr
    assert "fold 3: teacher pre-training" in again.stdout and "fold 2: teacher" not in again.stdout
    assert {name: (out / name).read_bytes() for name in MODELS} == pooled

    other = run_cli("run", "--recipe", cross_fit_recipe, "--seed", 1, "--out", tmp_path / "run", "--crossval", out)
    assert_refused(other, out, "cross-validated something else")
    run = run_cli("run", "--recipe", cross_fit_recipe, "--out", tmp_path / "run", "--crossval", out)
    assert run.returncode == 0, run.stderr
    record = read_record(tmp_path / "run" / "student_int8.tflite")
    own = Quote.from_json(record["metrics"]["crossval"])
    assert own.summary == evaluation.models["student_int8.csv"].summary() and "five sister models" in own.measured_on
    assert record["soft_targets"]["cross_fit"] == 2
    assert "unseen people, cross-validated" in (tmp_path / "run" / "README.md").read_text().lower()


@pytest.mark.slow
def test_experiments_compare_and_share_pretraining(tmp_path: Path, tiny_recipe: Path) -> None:
    table = tmp_path / "table.toml"
    table.write_text(
        f"""
[[experiment]]
group = "schedules"
recipe = {json.dumps(str(tiny_recipe))}
model = "teacher"
vary = [[{{ label = "cosine" }}, {{ label = "step", finetune = {{ schedule = "step" }} }}]]

[[experiment]]
group = "students"
name = "int8"
recipe = {json.dumps(str(tiny_recipe))}
model = "student_int8"
"""
    )
    out = tmp_path / "out"
    result = run_cli("experiments", "--table", table, "--out", out, "--split", "subject")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("teacher pre-training: 3/3") == 1
    found = json.loads((out / "experiments.json").read_text())
    assert [entry["name"] for entry in found["experiments"]] == ["cosine", "step", "int8"]
    rows = [line for line in (out / "experiments.md").read_text().splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 3 + 2
    assert (out / "experiments.png").stat().st_size > 10_000
    again = run_cli("experiments", "--table", table, "--out", out, "--split", "subject")
    assert again.returncode == 0 and "fine-tuning" not in again.stdout
