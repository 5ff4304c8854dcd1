"""Cross-validation, and experiments against each other."""

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from filelock import FileLock
from helpers.commands import CROSS_FIT, assert_refused, call_cli, run_cli

from alzedge.commands.data_sets import Source
from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.predictions import Predictions
from alzedge.errors import DivergedError, UserError
from alzedge.export.evaluate.crossval_folder import check_finished, fold_folder
from alzedge.export.experiments import cells as cells_module
from alzedge.export.experiments.comparison import comparison_rows, markdown_comparison, text_comparison
from alzedge.export.experiments.crossval import MODELS, cross_validate, pool_folds
from alzedge.export.experiments.plots import draw_study
from alzedge.export.experiments.results import AREA, StudyResults
from alzedge.export.experiments.statistics import difference, holm
from alzedge.export.experiments.stored import CellResult, answers_file, check_stored, finished, result_file
from alzedge.export.experiments.summarise import summarise
from alzedge.export.experiments.table import Cell, Experiment, Plan, cells_of, load_experiments, possible_splits
from alzedge.export.experiments.work import work
from alzedge.metrics.split_evaluation import Quote, read_metrics
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


def test_packaged_table_is_the_studies() -> None:
    found = load_experiments(None, None)
    by_group = {group: [e.name for e in found if e.group == group] for group in dict.fromkeys(e.group for e in found)}
    assert {group: len(names) for group, names in by_group.items()} == {
        "networks": 16,
        "study": 3,
        "preprocessing": 16,
        "optimizers": 27,
        "distillation": 9,
        "pre-training": 15,
    }
    lars = next(e for e in found if e.name == "LARS, step, batch 16")
    settings = lars.recipe.finetune
    assert (settings.optimizer, settings.schedule, settings.batch_size) == ("lars", "step", 16)
    assert lars.reference == "LARS, cosine, batch 32"
    sam = next(e for e in found if e.name == "SimCLR with SAM, AdamW, 10 % of labels")
    assert sam.recipe.pretrain.sam_rho == 2 and sam.reference == "supervised, 10 % of labels"
    assert sam.plan.seeds == (0, 1, 2) and {e.plan.seeds for e in load_experiments(None, 7)} == {(7,)}
    assert load_experiments(None, 7, ("study",))[0].recipe.seed == 7


def test_cells_come_by_importance_and_only_on_splits_that_the_data_allow() -> None:
    found = load_experiments(None, None, ("pre-training", "preprocessing"))
    cells = cells_of(found, possible_splits(people_known=True, came_with_split=True))
    assert len(cells) == len({cell.key for cell in cells}) == 15 * 2 * 3 + 16 * 3
    first = [cell for cell in cells if cell.seed == 0 and cell.fold == 0]
    assert cells[: len(first)] == first and {cell.split for cell in first} == {"official", "subject", "leaky"}
    assert {cell.split for cell in cells_of(found, possible_splits(people_known=False, came_with_split=True))} == {
        "official"
    }
    alone = cells_of(found, possible_splits(people_known=False, came_with_split=False))
    assert {cell.split for cell in alone} == {"random"} and len(alone) == 15 * 3 + 16


ONE = '[[experiment]]\ngroup = "g"\nname = "n"\nrecipe = "cpu"\nmodel = "teacher"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "not a table of experiments"),
        ('[[experiment]]\ngroup = "g"\nname = "n"\nrecipe = "cpu"\nmodel = "dog"', "'dog' is not known"),
        ('[[experiment]]\ngroup = "g"\nname = "n"\nrecipe = "none"\nmodel = "teacher"', "no such"),
        ('[[experiment]]\ngroup = "g"\nname = "n"\nrecipe = "cpu"\nmodel = "teacher"\nfinetune = {dog = 1}', "dog"),
        ('[groups.g]\nsplits = ["none"]\n[[experiment]]', "'none' is not a split"),
        ("[groups.g]\ndog = [1]\n[[experiment]]", "'dog' is not known"),
        (
            '[[experiment]]\ngroup = "g"\nname = "n"\nrecipe = "cpu"\nmodel = "teacher"\nreference = "o"',
            "compared with 'o'",
        ),
        (ONE.replace('"g"', "3"), "3 is not the name of a group"),
        ("experiment = []", "holds no experiment; add"),
        (ONE + "[preprocessing]", "'preprocessing' is not known; name experiment, groups"),
        (ONE + "[groups.h]\nfolds = [0]", r"groups\.h: no experiment is in this group; name one of g"),
        (ONE.replace('name = "n"', ""), "an experiment of group 'g' has no name"),
        (ONE.replace('"n"', '" "'), "an experiment of group 'g' has no name"),
        (ONE + "[groups.g]\nseeds = [-1]", "seeds is a list of different whole numbers from 0 to 2147483647"),
        (ONE + "[groups.g]\nfolds = [5]", "folds is a list of different whole numbers from 0 to 4"),
        (ONE + "[groups.g]\nfolds = [0, 0]", "folds is a list of different"),
        (ONE + "[groups.g]\nfolds = [-1]", "folds is a list"),
        (ONE + "[groups.g]\nseeds = [true]", "seeds is a list"),
        (ONE + "[groups.g]\nseeds = []", "seeds is a list"),
        (2 * ONE, "twice"),
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


@dataclass(frozen=True)
class Study:
    """A folder of finished experiments, and the command on it."""

    out: Path
    call: Callable[..., CompletedProcess[str]]


@pytest.fixture
def experiments() -> list[Experiment]:
    """A reference that is right more often than its rival, and labels for a curve."""
    recipe, plan = load_recipe("quick"), Plan(("official", "subject"), (0, 1), (0, 1))
    return [
        Experiment("g", name, replace(recipe, name=name), "teacher", "good", plan, (name,)) for name in ("good", "bad")
    ]


def store(out: Path, cells: Sequence[Cell], dataset: DataSet, status: str = "done", skill: float | None = None) -> None:
    """Write what a training leaves behind: answers that are right by so much, or a failure."""
    for cell in cells:
        recipe = cell.experiment.recipe
        result = CellResult(
            status, "" if status == "done" else "Why.", 1.0, (0.5,), recipe.to_dict(), dataset.fingerprint
        )
        result_file(out, cell).parent.mkdir(parents=True, exist_ok=True)
        result_file(out, cell).write_text(json.dumps(result.to_json()))
        test = dataset.take(split_dataset(dataset, cell.split, cell.fold).test)
        right = (3.0 if cell.experiment.name == "good" else 0.0) if skill is None else skill
        noise = np.random.default_rng([cell.seed, cell.fold]).dirichlet(np.ones(4), len(test))
        answers = noise + right * np.eye(4)[test.labels]
        made = Predictions.of(test, cell.fold, answers / answers.sum(axis=1, keepdims=True))
        answers_file(out, cell).parent.mkdir(exist_ok=True)
        made.save(answers_file(out, cell))


def test_figures_pool_folds_and_seeds_and_differences_are_corrected(
    phantoms: DataSet, experiments: list[Experiment], tmp_path: Path
) -> None:
    cells = cells_of(experiments, possible_splits(people_known=True, came_with_split=True))
    store(tmp_path, cells, phantoms)
    results = summarise(tmp_path, cells, phantoms)
    kept = json.loads(json.dumps(results.to_json()))  # figures are rounded there
    assert json.loads(json.dumps(StudyResults.from_json(kept).to_json())) == kept
    good, bad = results.of("g", "subject")
    assert (good.people, good.folds, good.seeds, good.problem) == (8, (0, 1), (0, 1), "")
    area, gap = bad.figure(AREA), bad.difference(AREA)
    assert area and gap and good.figure(AREA).value == 1.0 and area.value < 1  # type: ignore[union-attr]
    assert gap.estimate.value == pytest.approx(area.value - 1) and gap.p_holm == gap.p
    assert good.differences == {}
    rows = comparison_rows(results, "g", "subject")
    assert len(rows) == 1 + 2 + 2 and all(len(row) == len(rows[0]) for row in rows)
    assert rows[1][:2] == ["good", "8 people, 2 folds, 2 seeds"] and rows[1][-2] == "reference"
    assert rows[2][4] == area.short() and rows[2][-2].startswith("-") and rows[3][0] == "baseline: 1-nearest neighbour"
    assert "| bad |" in markdown_comparison(results) and "g, unseen people" in text_comparison(results)


def test_what_diverged_or_is_missing_is_told_and_leaves_the_others_their_figures(
    phantoms: DataSet, experiments: list[Experiment], tmp_path: Path
) -> None:
    cells = cells_of(experiments, ("subject",))
    store(tmp_path, [cell for cell in cells if cell.experiment.name == "good"], phantoms)
    good, bad = summarise(tmp_path, cells, phantoms).of("g", "subject")
    assert good.figures and bad.problem == "4 of 4 trainings were not run"
    store(tmp_path, [cell for cell in cells if cell.experiment.name == "bad"][:1], phantoms, status="diverged")
    results = summarise(tmp_path, cells, phantoms)
    assert results.of("g", "subject")[1].problem == "1 of 4 diverged: Why."
    assert comparison_rows(results, "g", "subject")[2][2] == "1 of 4 diverged: Why."
    # A recipe that was changed since is another experiment.
    changed = replace(cells[0].experiment, recipe=replace(cells[0].experiment.recipe, name="other"))
    assert finished(tmp_path, replace(cells[0], experiment=changed), phantoms) is None


def test_the_corrected_p_values_are_holms() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []
    draws = np.random.default_rng(0).normal(0.2, 0.1, 1001)
    found = difference(np.concatenate([[0.2], draws[1:]]), np.zeros(1001))
    wanted = math.erfc(0.2 / draws[1:].std(ddof=1) / math.sqrt(2))  # of a normal, about two standard errors away
    assert found and found.p == pytest.approx(wanted, rel=0.01)
    assert difference(np.full(5, np.nan), np.zeros(5)) is None


def test_work_leaves_what_others_do_and_goes_on_after_failures(
    phantoms: DataSet, experiments: list[Experiment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = cells_of(experiments, ("subject",))[:4]
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / f"{cells[1].key}.tries").write_text("2")
    trained: list[str] = []

    def fails(out: Path, cell: Cell, *rest: object) -> list[float]:
        trained.append(cell.key)
        answers_file(out, cell).parent.mkdir(exist_ok=True)
        answers_file(out, cell).touch()
        if cell == cells[0]:
            raise DivergedError("The loss is nan.")
        if cell == cells[2]:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes")
        return [0.5]

    monkeypatch.setattr(cells_module, "_train", fails)
    told: dict[str, CellResult] = {}
    held = FileLock(tmp_path / "locks" / f"{cells[3].key}.lock")
    with held:
        work(tmp_path, cells[:3], phantoms, on_cell=lambda cell, result: told.update({cell.key: result}))
        work(tmp_path, cells, phantoms, stop_after=0)
    assert [told[cell.key].status for cell in cells[:3]] == ["diverged", "memory", "memory"]
    assert "killed twice" in told[cells[1].key].message and trained == [cells[0].key, cells[2].key]
    assert all(f"remove {result_file(tmp_path, one)} to try" in told[one.key].message for one in cells[1:3])
    work(tmp_path, cells, phantoms)
    assert trained == [cells[0].key, cells[2].key, cells[3].key]
    result_file(tmp_path, cells[1]).unlink()  # the told cure
    work(tmp_path, cells, phantoms)
    assert trained[3:] == [cells[1].key]


def test_a_folder_of_other_data_is_refused_and_left_as_it_is(
    phantoms: DataSet, experiments: list[Experiment], tmp_path: Path
) -> None:
    cells = cells_of(experiments, ("subject",))[:2]
    other = replace(phantoms, labels=np.roll(phantoms.labels, 1))
    store(tmp_path, cells[:1], other, status="refused")  # holds nothing that could be lost
    check_stored(tmp_path, cells, phantoms)
    store(tmp_path, cells[:1], phantoms)
    before = result_file(tmp_path, cells[0]).read_bytes()
    for refused in (lambda: check_stored(tmp_path, cells[1:], other), lambda: work(tmp_path, cells, other)):
        with pytest.raises(UserError, match=f"{tmp_path} holds experiments on other data; choose another --out"):
            refused()
    assert result_file(tmp_path, cells[0]).read_bytes() == before
    begun = tmp_path / "begun" / "cells" / "one" / "run.json"
    begun.parent.mkdir(parents=True)
    begun.write_text(json.dumps({"run": {"data": phantoms.fingerprint[:16]}, "phases": {}}))
    check_stored(tmp_path / "begun", cells, phantoms)
    with pytest.raises(UserError, match="holds experiments on other data"):
        check_stored(tmp_path / "begun", cells, other)


def test_what_was_refused_is_tried_again_by_the_next_call(
    phantoms: DataSet, experiments: list[Experiment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = cells_of(experiments, ("subject",))[:1]
    store(tmp_path, cells, phantoms, status="refused")

    def trains(*arguments: object) -> list[float]:
        store(tmp_path, cells, phantoms)
        return [0.5]

    monkeypatch.setattr(cells_module, "_train", trains)
    work(tmp_path, cells, phantoms)
    found = finished(tmp_path, cells[0], phantoms)
    assert found and found.status == "done"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"status": "done"}', '"dog"', "[" * 100_000, "\0"])
def test_damaged_results_are_refused_by_name(
    phantoms: DataSet, experiments: list[Experiment], tmp_path: Path, text: str
) -> None:
    cells = cells_of(experiments, ("subject",))[:1]
    store(tmp_path, cells, phantoms)
    path = result_file(tmp_path, cells[0])
    whole = json.loads(path.read_text())
    for content in (text, json.dumps(whole | {"status": "dog"}), json.dumps(whole | {"losses": None})):
        path.write_text(content)
        with pytest.raises(UserError, match=f"{path.name} is not the result of an experiment .*; remove it and run"):
            check_stored(tmp_path, [], phantoms)
    path.rename(path.with_name(".alzedge-tmp-killed.json"))
    check_stored(tmp_path, cells, phantoms)


def test_cut_answers_are_refused_by_name_and_removed_ones_are_made_again(
    phantoms: DataSet, experiments: list[Experiment], tmp_path: Path
) -> None:
    cells = cells_of(experiments, ("subject",))[:1]
    store(tmp_path, cells, phantoms)
    check_stored(tmp_path, cells, phantoms)
    path = answers_file(tmp_path, cells[0])
    rows = path.read_text().splitlines(keepends=True)
    for content in ("".join(rows[:-1]), "".join(rows)[:-60], rows[0], "", "dog"):
        path.write_text(content)
        with pytest.raises(UserError, match=f"{path.name} .*; remove it and run again"):
            check_stored(tmp_path, cells, phantoms)
    path.unlink()
    assert finished(tmp_path, cells[0], phantoms) is None
    assert summarise(tmp_path, cells, phantoms).of("g", "subject")[0].problem == "1 of 1 trainings were not run"


@pytest.fixture
def study(phantoms: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A table of two experiments, both finished on phantoms, which the command takes for its DATA."""
    table = tmp_path / "table.toml"
    two = ONE.replace('"n"', '"two"') + 'reference = "n"\nfinetune = { epochs = 1 }\n'
    table.write_text(ONE + two + ONE.replace('"n"', '"three"'))
    cells = cells_of(load_experiments(table, None), ("subject",))
    out = tmp_path / "out"
    store(out, cells[:2], phantoms)

    def call(*words: object, data: DataSet = phantoms, folder: Path = out) -> CompletedProcess[str]:
        source = Source(data, load_recipe("quick"))
        monkeypatch.setattr("alzedge.export.commands.experiments.load_source", lambda *rest: source)
        return call_cli("experiments", "--table", table, "--out", folder, "--no-training", *words)

    return Study(out, call)


def test_only_some_experiments_keep_the_finished_rows_beside_them(study: Study) -> None:
    made = study.call("--split", "subject", "--only", "two")
    assert made.returncode == 0, made.stderr
    rows = json.loads((study.out / "experiments.json").read_text())["groups"]["g"]
    assert [row["name"] for row in rows] == ["n", "two"] and rows[1]["differences"]
    assert_refused(study.call("--only", "two", "--only", "dog"), "--only dog: no experiment", "n; two; three.")


def test_the_command_refuses_before_it_writes(study: Study, phantoms: DataSet, tmp_path: Path) -> None:
    files = {path: path.read_bytes() for path in study.out.rglob("*.*")}
    other = replace(phantoms, labels=np.roll(phantoms.labels, 1))
    assert_refused(study.call("--split", "subject", data=other), f"{study.out} holds experiments on other data")
    assert files == {path: path.read_bytes() for path in study.out.rglob("*.*")}

    new = tmp_path / "new"
    assert_refused(study.call(folder=new), f"{new} holds no result of these experiments; leave out --no-training")
    nobody = replace(phantoms, subject=np.full(len(phantoms), ""), split=np.full(len(phantoms), ""))
    for split in ("subject", "leaky"):
        assert_refused(study.call("--split", split, data=nobody, folder=new), "people in phantoms are unknown")
    assert_refused(study.call("--split", "official", data=nobody, folder=new), "has no official split")
    assert not new.exists()


@pytest.mark.slow
def test_every_kind_of_study_has_its_plot(phantoms: DataSet, tmp_path: Path) -> None:
    for group, axes in (("optimizers", 2 * 3), ("pre-training", 2 * 4), ("study", 4)):
        found = [
            replace(one, plan=replace(one.plan, folds=(0,), seeds=(0,)))
            for one in load_experiments(None, None, (group,))
        ]
        cells = cells_of(found, ("official", "subject"))
        store(tmp_path, cells, phantoms, skill=1.0)
        drawn = draw_study(summarise(tmp_path, cells, phantoms), group)
        assert len([axis for axis in drawn.axes if axis.get_label() != "<colorbar>"]) == axes


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
vary = [[{{ label = "cosine", reference = true }}, {{ label = "step", finetune = {{ schedule = "step" }} }}]]

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
    names = {group: [entry["name"] for entry in entries] for group, entries in found["groups"].items()}
    assert names == {"schedules": ["cosine", "step"], "students": ["int8"]}
    rows = [line for line in (out / "experiments.md").read_text().splitlines() if line.startswith("| ")]
    assert len(rows) == 2 * (1 + 2) + 3
    assert (out / "experiments-schedules.png").stat().st_size > 5_000
    again = run_cli("experiments", "--table", table, "--out", out, "--split", "subject")
    assert again.returncode == 0 and "fine-tuning" not in again.stdout
