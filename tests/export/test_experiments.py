"""Cross-fitted targets, cross-validation, and experiments against each other."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import TINY, assert_refused, run_cli
from sklearn.metrics import roc_auc_score

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.phantom_set import make_phantoms
from alzedge.data.predictions import Predictions
from alzedge.errors import UserError
from alzedge.export.experiments.comparison import comparison_rows
from alzedge.export.experiments.crossval import MODELS, cross_validate, crossval_metrics, fold_folder, pool_folds
from alzedge.export.experiments.experiments import load_experiments
from alzedge.model_file.read_write import read_record
from alzedge.runs.recipe import load_recipe
from alzedge.student.cross_fit import _joined, cross_fitted_targets, deal_people
from alzedge.student.distill import soft_targets
from alzedge.student.targets import cross_fitted_regression, fluid_by_person
from alzedge.teacher.finetune import build_teacher, finetune

CROSS_FIT = TINY.replace("views = 2", "views = 2\ntemperature = 1.0\ncross_fit = 2\nfluid = true").replace(
    "epochs = 3", "epochs = 1"
)


@pytest.fixture(scope="module")
def cross_fit_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "crossfit.toml"
    path.write_text(CROSS_FIT)
    return path


def test_parts_keep_a_person_together_and_every_stage_apart(phantoms: DataSet) -> None:
    part = deal_people(phantoms.subject, phantoms.labels, 4)
    for person in np.unique(phantoms.subject):
        assert len(np.unique(part[phantoms.subject == person])) == 1
    people = [len(np.unique(phantoms.subject[part == k])) for k in range(4)]
    assert sum(people) == 20 and max(people) - min(people) <= 1
    with pytest.raises(UserError, match="2 training people are too few"):
        deal_people(np.array(["a", "b"]), np.array([0, 1]), 3)


def test_the_regression_on_fluid_answers_only_for_people_it_was_not_fitted_on() -> None:
    data = make_phantoms(40, 6)
    _, first, person = np.unique(data.subject, return_index=True, return_inverse=True)
    backwards = np.arange(len(data))[::-1]
    values = fluid_by_person(data.images, person, data.slice)
    assert values.shape == (40, 64)
    np.testing.assert_array_equal(
        values, fluid_by_person(data.images[backwards], person[backwards], data.slice[backwards])
    )
    part = deal_people(data.subject, data.labels, 4)[first]
    labels = data.labels[first]
    answers = cross_fitted_regression(values, labels, part)
    assert roc_auc_score(labels > 0, 1 - answers[:, 0]) > 0.9  # phantoms are drawn with more fluid by stage
    # Whatever a person's own label: nobody's answer changes by it but those of the other parts.
    labels[0] = 3 - labels[0]
    changed = (cross_fitted_regression(values, labels, part) != answers).any(axis=1)
    assert not changed[part == part[0]].any() and changed[part != part[0]].all()


def test_half_of_the_joint_target_is_the_regression() -> None:
    logits = np.log(np.array([[[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1]]], np.float32))
    opinion = np.array([[0.0, 0.0, 1.0, 0.0]])
    joint = _joined(logits, np.array([0, 0]), opinion)
    np.testing.assert_allclose(joint[0, 0], [0.275, 0.125, 0.55, 0.05], rtol=1e-6)
    np.testing.assert_allclose(joint.sum(axis=-1), 1, rtol=1e-6)


@pytest.mark.slow
def test_cross_fitted_targets_come_from_teachers_without_the_person(
    phantoms: DataSet, cross_fit_recipe: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(str(cross_fit_recipe))
    images, labels, people = recipe.preprocessing(phantoms.images), phantoms.labels, phantoms.subject
    start = build_teacher(recipe, images.shape[1:])
    found = cross_fitted_targets(start, images, labels, people, recipe, tmp_path / "parts")
    assert found.logits.shape == (2, 100, 4) and found.parts == 2
    raw = found.logits * np.float32(found.temperature)
    part = deal_people(people, labels, 2)
    others, own = np.flatnonzero(part != 0), np.flatnonzero(part == 0)
    teacher, _ = finetune(start, images[others], labels[others], recipe, tmp_path / "own.npz", people=people[others])
    np.testing.assert_allclose(raw[:, own], soft_targets(teacher, images, recipe, rows=own), rtol=1e-4, atol=1e-5)
    every, again = soft_targets(teacher, images, recipe), soft_targets(teacher, images, recipe, rows=own)
    np.testing.assert_allclose(every[:, own], again, rtol=1e-4, atol=1e-5)


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
    metrics = json.loads((out / "evaluation" / "metrics.json").read_text())["crossval"]
    assert metrics["people"] == 20 and set(metrics["models"]) == set(MODELS)
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
    own = record["metrics"]["crossval"]["person"]["any_dementia"]["roc_auc"]["value"]
    pooled_figure = metrics["models"]["student_int8.csv"]["person"]["any_dementia"]["roc_auc"]["value"]
    assert own == pytest.approx(pooled_figure, abs=1e-6)
    assert record["soft_targets"]["cross_fit"] == 2
    assert "unseen people, cross-validated" in (tmp_path / "run" / "README.md").read_text().lower()
    with pytest.raises(UserError, match="holds no finished cross-validation"):
        crossval_metrics(tmp_path, None, None)  # type: ignore[arg-type]


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
    rows = comparison_rows(found)
    assert len(rows) == 1 + 3 + 2 and all(len(row) == len(rows[0]) for row in rows)
    assert (out / "experiments.png").stat().st_size > 10_000
    again = run_cli("experiments", "--table", table, "--out", out, "--split", "subject")
    assert again.returncode == 0 and "fine-tuning" not in again.stdout
