"""`alzedge evaluate`: the slices each model is evaluated on, what may be claimed, and the report."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli
from helpers.images import write_cohort

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet, split_dataset
from alzedge.data.folds import subject_folds
from alzedge.data.loading import load_dataset
from alzedge.data.predictions import Predictions
from alzedge.errors import UserError
from alzedge.export.commands.evaluate import glance
from alzedge.export.evaluate.curves import curves
from alzedge.export.evaluate.evaluate_files import evaluate_files
from alzedge.export.evaluate.evaluate_models import SEED, EvaluatedSplit
from alzedge.export.evaluate.evaluate_sources import choose_splits, evaluate_sources
from alzedge.export.evaluate.exposure import UNKNOWN, exposure
from alzedge.export.evaluate.measured import measured_people, write_measure_pictures
from alzedge.export.evaluate.sources import open_sources
from alzedge.export.report.html import html_report, split_cell
from alzedge.export.report.sections import Section, Table, split_section
from alzedge.inference.classifier import Classifier
from alzedge.inference.guard import Guard
from alzedge.metrics.classification import make_levels
from alzedge.metrics.split_evaluation import SplitEvaluation, read_metrics
from alzedge.metrics.tasks import ANY_DEMENTIA, STAGES4
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_record, read_tflite, write_tflite
from alzedge.monitoring.audit.overlap import Overlap, find_overlap
from alzedge.runs.recipe_file import load_recipe
from alzedge.stages import DISCLAIMER

RECIPE = load_recipe("quick")
FEW = 50  # resamples
evaluated_files = partial(evaluate_files, replicates=FEW)


def as_if_made_with(path: Path, dataset: DataSet, split: str, fold: int | None = 0) -> Path:
    """The bundled student with a record that says it was made from this data set and split."""
    flatbuffer, record = read_tflite(bundled_model())
    data = record["dataset"] | {"fingerprint": dataset.fingerprint, "name": dataset.name}
    write_tflite(path, flatbuffer, record | {"dataset": data, "split": record["split"] | {"name": split, "fold": fold}})
    return path


def pooled(dataset: DataSet, seed: int = 0) -> Predictions:
    """Answers for every slice that are right more often than not."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(dataset), 4))
    logits[np.arange(len(dataset)), dataset.labels] += 1.5
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    folds = subject_folds(dataset.subject, dataset.labels)
    return Predictions(dataset.paths, dataset.subject, dataset.labels, folds, shares)


@pytest.fixture(scope="module")
def paths(phantoms: DataSet, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sister models of both splits, and two sets of predictions."""
    folder = tmp_path_factory.mktemp("evaluate")
    models = [
        as_if_made_with(folder / "subject.tflite", phantoms, "subject"),
        as_if_made_with(folder / "official.tflite", phantoms, "official", None),
    ]
    predictions = [folder / "teacher.csv", folder / "student.csv"]
    for seed, path in enumerate(predictions):
        pooled(phantoms, seed).save(path)
    return models + predictions


@pytest.fixture(scope="module")
def evaluated(paths: list[Path], phantoms: DataSet) -> dict[str, EvaluatedSplit]:
    """All of them evaluated together, without a report."""
    opened = open_sources(paths, phantoms, RECIPE)
    sources = list(opened.values())
    splits = choose_splits(sources, phantoms, RECIPE.fold, ())
    return evaluate_sources(sources, phantoms, splits, opened[paths[2]].name, replicates=FEW)


@pytest.fixture(scope="module")
def reported(paths: list[Path], phantoms: DataSet) -> tuple[Path, dict[str, SplitEvaluation]]:
    """The report on the models and unseen people."""
    out = paths[0].parent / "out"
    return out, evaluated_files(paths[:2], phantoms, RECIPE, out, ("subject",))


def test_on_unseen_people_only_models_that_have_not_seen_them_are_evaluated(
    evaluated: dict[str, EvaluatedSplit],
) -> None:
    found = {name: split.evaluation for name, split in evaluated.items()}
    assert list(found) == ["official", "subject", "crossval"]
    assert list(found["official"].models) == ["subject.tflite", "official.tflite"]
    assert list(found["subject"].models) == ["subject.tflite"]
    assert found["official"].refused == {}
    assert found["subject"].refused and "all 4 people tested" in found["subject"].refused["official.tflite"]
    assert list(found["crossval"].models) == ["teacher.csv", "student.csv"]
    assert found["subject"].exposure["subject.tflite"].unseen_people is True
    assert found["official"].exposure["official.tflite"].seen_slices == 0


def test_a_model_s_own_training_slices_in_a_test_are_counted(phantoms: DataSet) -> None:
    own, official = split_dataset(phantoms, "subject", 2), split_dataset(phantoms, "official")
    found = exposure(own, official, phantoms)
    held_out = phantoms.subject[own.test]
    trained = ~np.isin(phantoms.subject[official.test], held_out)
    assert (found.seen_slices, found.seen_people, found.unseen_people) == (trained.sum(), 16, False)
    assert f"on {trained.sum()} of the {len(official.test)} slices" in found.statement
    assert "16 of the 20 people" in found.statement and "outside fold 2" in found.statement
    nameless = replace(phantoms, subject=np.full(len(phantoms), ""))
    assert exposure(own, official, nameless).statement == UNKNOWN


def test_figures_are_those_of_the_file_s_answers(reported: Any, phantoms: DataSet) -> None:
    out, found = reported
    test = phantoms.take(split_dataset(phantoms, "subject").test)
    answers = Classifier.load(out.parent / "subject.tflite").probabilities(test.images).argmax(axis=1)
    accuracy = found["subject"].models["subject.tflite"].slice.figure(STAGES4, "accuracy")
    assert accuracy.value == pytest.approx(np.mean(answers == test.labels))
    assert read_metrics(out / "metrics.json") == found


def test_agreement_differences_and_baselines_of_pooled_predictions(evaluated: Any, phantoms: DataSet) -> None:
    found = evaluated["crossval"].evaluation
    one, other = (pooled(phantoms, seed).probabilities.argmax(axis=1) for seed in (0, 1))
    assert found.models["student.csv"].slice.teacher["agreement"].value == pytest.approx(np.mean(one == other))
    assert found.models["teacher.csv"].slice.teacher == {}
    accuracy = [np.mean(answers == phantoms.labels) for answers in (one, other)]
    difference = found.differences["student.csv"]["slice"]["stages4"]["accuracy"]
    assert difference.value == pytest.approx(accuracy[1] - accuracy[0])
    assert (found.evaluated_on.slices, found.evaluated_on.people) == (100, 20)
    assert 0 < found.evaluated_on.baselines["majority"] <= 0.5
    tables = {table.title: table.rows for table in split_section("crossval", found, {}).tables}
    agreement = found.models["student.csv"].slice.teacher["agreement"].text()
    assert tables["Agreement with the teacher"][:2] == [
        ["figure", "student.csv, per slice", "student.csv, per person"],
        ["share of equal answers", agreement, found.models["student.csv"].by_person.teacher["agreement"].text()],
    ]
    assert tables["Differences from teacher.csv"][1][:2] == ["accuracy, 4 stages", difference.text()]


def test_curves_enclose_the_areas(evaluated: Any) -> None:
    pooled_split = evaluated["crossval"]
    levels = make_levels(pooled_split.answers["student.csv"], pooled_split.labels, pooled_split.subject)
    for name, figures in pooled_split.evaluation.models["student.csv"].levels.items():
        drawn = curves(levels[name], SEED, FEW)
        curve = drawn["any_dementia"]
        roc, area, error = curve.roc["any dementia"], *(figures.figure(ANY_DEMENTIA, f) for f in ("roc_auc", "ece"))
        assert np.trapezoid(roc.y, roc.x) == pytest.approx(area.value, abs=1e-3)
        middle = np.interp(roc.band.x, roc.x, roc.y)
        assert np.mean((np.array(roc.band.low) <= middle) & (middle <= np.array(roc.band.high))) > 0.9
        gaps = sum(b.n * abs(b.accuracy - b.confidence) for b in curve.reliability)
        assert gaps / sum(b.n for b in curve.reliability) == pytest.approx(error.value, abs=1e-4)
        assert (
            set(drawn["stages3"].pr) >= {"micro", "macro", "NonDemented"} and drawn["stages3"].pr["micro"].band is None
        )
        content = curve.to_json()
        assert set(content["roc"]["any dementia"]) == {"x", "y", "band", "low", "high"}
        assert set(content["reliability"][0]) == {"n", "confidence", "accuracy"}


def test_the_page_needs_nothing_else_and_says_what_it_must(reported: Any) -> None:
    out, _ = reported
    page, text = ((out / name).read_text() for name in ("report.html", "report.md"))
    hosts = set(re.findall(r"https?://([^/\"' ]+)", page))
    assert hosts <= {"www.w3.org", "purl.org", "creativecommons.org", "matplotlib.org"}  # names of XML vocabularies
    assert not re.search(r"<(?:script|link|img|iframe)|url\(http", page)
    measured = list(out.glob("measures-subject-*.png"))  # the bundled student measures, and phantoms have an age
    assert len(measured) == 1 and page.count("<svg") == 4 + len(measured) and "prefers-color-scheme: dark" in page
    assert page.count("<details open>") == 2  # the first model of the curves, and of what is measured
    stored = json.loads((out / "metrics.json").read_text())["subject"]
    assert list(stored)[-3:] == ["refused", "sources", "curves"] and set(stored["curves"]["subject.tflite"]) == {
        "slice",
        "person",
    }
    for report in (page, text):
        assert DISCLAIMER in report and "Phantoms are not medical data" in report
        assert f"{FEW} bootstrap resamples" in report
        assert "Trained without any of the 4 people tested." in report and "No figures here." in report
        assert "nothing is claimed about this class alone" in report


def test_the_page_escapes_names_and_writes_an_interval_smaller() -> None:
    rows = [["figure", "<b>&"], ["accuracy", "0.812 (0.760 to 0.861)"], ["accuracy", "x (y)"]]
    section = Section(
        "<i>title",
        ("a < b",),
        (Table("'t'", rows, ("<note>",)),),
        dict.fromkeys(("<m>", "n"), (("curve", "<svg></svg>"),)),
    )
    page = html_report("<title>", ["<first>", "second"], [section])
    assert not re.search("<b>|<i>|<first>|<note>|<m>", page) and "a &lt; b" in page and page.count("<svg></svg>") == 2
    assert page.count("<details open>") == 1 and page.count("<details>") == 1  # the first is open
    assert '<td class="figure">0.812 <small>(0.760 to 0.861)</small></td>' in page and "<td>x (y)</td>" in page
    assert page.count("<th>accuracy</th>") == 1 and "<th></th><td>x" in re.sub(r"\s*\n\s*", "", page)
    assert split_cell("-0.5 (a)").interval == "(a)" and split_cell("- (a)").interval is None


def test_what_is_measured_and_people_without_a_stage_are_reported(phantoms: DataSet, tmp_path: Path) -> None:
    """One person was never examined: counted for the brain volume, and for nothing that needs a stage."""
    unexamined = phantoms.subject == phantoms.subject[0]
    data = replace(phantoms, labels=np.where(unexamined, UNKNOWN_STAGE, phantoms.labels))
    labelled = pooled(phantoms)
    measured = Predictions(
        *(labelled.paths, labelled.subject, data.labels, labelled.fold, labelled.probabilities),
        brain_volume=data.nwbv + 0.01,
        age=data.age - 1,
    )
    measured.save(tmp_path / "student.csv")
    sources = list(open_sources([tmp_path / "student.csv"], data, RECIPE).values())
    chosen = choose_splits(sources, data, RECIPE.fold, ())
    split = evaluate_sources(sources, data, chosen, None, replicates=FEW)["crossval"]
    found = split.evaluation
    (figures,) = found.sources.values()
    assert found.evaluated_on.people == 19 and figures.people["test"].stages["unknown"] == 1
    assert len(split.labels) == len(split.answers["student.csv"]) == 95 and len(split.rows) == 100
    assert figures.models["student.csv"]["any_dementia"]["all"].people == 19
    volume, age = (figures.measures["student.csv"][name] for name in ("brain_volume", "age"))
    bias, corrected, error = (
        volume["slice"].figures["bias"],
        volume["person"].figures["bias"],
        age["slice"].figures["mae"],
    )
    assert volume["person"].people == 20 and bias and bias.value == pytest.approx(0.01)
    assert error and error.value == pytest.approx(1)
    assert corrected and abs(corrected.value) < 0.005  # the rule for people was fitted to other folds' people
    (models,) = measured_people(split, data).values()
    np.testing.assert_allclose(models["student.csv"].brain_volume, models["student.csv"].nwbv, atol=0.01)
    write_measure_pictures({"crossval": {"odd / name": models}}, tmp_path)
    assert (tmp_path / "measures-crossval-odd_name.png").read_bytes().startswith(b"\x89PNG")
    nobody = replace(phantoms, labels=np.full(len(phantoms), UNKNOWN_STAGE))
    replace(measured, labels=nobody.labels).save(tmp_path / "nobody.csv")
    with pytest.raises(UserError, match="nobody tested has a stage"):
        evaluated_files([tmp_path / "nobody.csv"], nobody, RECIPE, tmp_path / "none")


def test_unknown_people_are_said_beside_every_figure(phantoms: DataSet, tmp_path: Path) -> None:
    nameless = replace(phantoms, subject=np.full(len(phantoms), ""), slice=np.zeros(len(phantoms), np.int64))
    model = as_if_made_with(tmp_path / "m.tflite", nameless, "official", None)
    found = evaluated_files([model], nameless, RECIPE, tmp_path / "out")
    assert list(found) == ["official"] and found["official"].models["m.tflite"].person is None
    assert found["official"].exposure["m.tflite"].unseen_people is None
    text = (tmp_path / "out/report.md").read_text()
    headers = [line for line in text.splitlines() if line.startswith("| figure |")]
    assert headers and all("people unknown: nothing claimed about unseen people" in line for line in headers)
    with pytest.raises(UserError, match="people in phantoms are unknown"):
        evaluated_files([model], nameless, RECIPE, tmp_path / "out", ("subject",))


def test_where_no_figure_can_be_given_there_is_one_sentence(phantoms: DataSet, tmp_path: Path) -> None:
    official = as_if_made_with(tmp_path / "official.tflite", phantoms, "official", None)
    folds = [as_if_made_with(tmp_path / f"{k}.tflite", phantoms, "subject", k) for k in (0, 1)]
    out = tmp_path / "out"
    with pytest.raises(UserError, match="No figure can be given: Trained .* all 4 people"):
        evaluated_files([official], phantoms, RECIPE, out, ("subject",))
    with pytest.raises(UserError, match=r"held out different people \(folds 0, 1\)"):
        evaluated_files(folds, phantoms, RECIPE, out)
    with pytest.raises(UserError, match="name a .csv of predictions"):
        evaluated_files(folds[:1], phantoms, RECIPE, out, ("crossval",))
    one = pooled(phantoms)
    alone = one.subject == one.subject[0]
    few = Predictions(*(array[alone] for array in vars(one).values()))
    few.save(tmp_path / "few.csv")
    with pytest.raises(UserError, match="1 person to test on"):
        evaluated_files([tmp_path / "few.csv"], phantoms, RECIPE, out)
    for name, wrong, words in (
        ("paths", np.array([f"x{path}" for path in one.paths]), "is not an image of phantoms"),
        ("labels", np.zeros_like(one.labels), "is of another stage than in phantoms"),
        ("subject", np.array([f"x{who}" for who in one.subject]), "shows another person than in phantoms"),
    ):
        replace(one, **{name: wrong}).save(tmp_path / "wrong.csv")
        with pytest.raises(UserError, match=words):
            evaluated_files([tmp_path / "wrong.csv"], phantoms, RECIPE, out)
    assert not out.exists()


@pytest.fixture(scope="module")
def cohort(phantoms: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantoms in one folder with a table, and nobody with moderate dementia."""
    few = phantoms.take(np.flatnonzero(phantoms.labels < 3))
    return write_cohort(tmp_path_factory.mktemp("cohort"), few, ".tif")


def external(dataset: DataSet, overlap: Overlap | None, model: Path | None = None) -> SplitEvaluation:
    """The bundled model, or another, on a cohort, without a report."""
    opened = list(open_sources([model or bundled_model()], dataset, RECIPE).values())
    splits = choose_splits(opened, dataset, 0, ("external",), overlap)
    return evaluate_sources(opened, dataset, splits, None, replicates=FEW, overlap=overlap)["external"].evaluation


def test_a_cohort_of_ones_own_is_external(cohort: Path, tmp_path: Path) -> None:
    mine = load_dataset(cohort, every_stage=False)
    with pytest.raises(UserError, match="class ModerateDemented has no images"):
        load_dataset(cohort)
    found = external(mine, find_overlap(mine))
    tested = found.evaluated_on
    assert (tested.slices, tested.people, tested.unseen_people) == (len(mine), len(set(mine.subject)), None)
    answers = Classifier.load().probabilities(mine.images).argmax(axis=1)
    (name,) = found.models
    assert found.models[name].slice.figure(STAGES4, "accuracy").value == np.mean(answers == mine.labels)
    statement = found.exposure[name].statement
    refused = (Guard.from_dict(read_record(bundled_model())["guard"]).unlikeness(mine.images) > 1).sum()
    assert statement == (
        "People unknown to the model, so far as can be told. No slice is found, by its pixels, in the Kaggle archive. "
        f"Of the {len(mine)} slices tested its guard would refuse {refused}."
    )
    assert max(len(line) for line in glance({"external": found}).splitlines()) <= 100
    with pytest.raises(UserError, match="so it is not external"):
        external(mine, None, as_if_made_with(tmp_path / "own.tflite", mine, "subject"))


def test_people_that_trained_the_model_are_left_out_whatever_their_slices_are_called(
    cohort: Path, phantoms: DataSet
) -> None:
    known = phantoms.take(
        np.flatnonzero(np.isin(phantoms.subject, np.unique(phantoms.subject[phantoms.labels == 0])[:3]))
    )
    for people_known in (True, False):
        training = known if people_known else replace(known, subject=np.full(len(known), ""))
        mine = load_dataset(cohort, every_stage=False)
        overlap = find_overlap(mine, [training])
        assert overlap.people == 3 and set(mine.subject[overlap.seen]) == set(known.subject)
        assert "3 people" in overlap.sentence and overlap.compared_with[1] == training.name
    found = external(mine, overlap)
    assert found.evaluated_on.slices == len(mine) - len(known)
    assert f"The {len(known)} slices of those found are left out." in next(iter(found.exposure.values())).statement
    with pytest.raises(UserError, match="no slice is left to test on"):
        external(mine, find_overlap(mine, [phantoms]))


@pytest.mark.slow
def test_evaluate_on_a_cohort_from_the_command_line(cohort: Path, tmp_path: Path) -> None:
    result = call_cli("evaluate", bundled_model(), cohort, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    table = result.stdout.partition("wrote ")[0]
    assert "People unknown to the model, so far as can be told" in " ".join(table.split())
    assert max(len(line) for line in table.splitlines()[1:]) <= 100
    assert "## External data (" in (tmp_path / "out/report.md").read_text()
    assert_refused(call_cli("evaluate", bundled_model(), cohort, "--against", tmp_path / "absent"), "absent")


@pytest.mark.slow
def test_a_shipped_file_carries_what_evaluate_finds(tiny_run: Path, tmp_path: Path) -> None:
    model, other = tiny_run / "student_int8.tflite", tiny_run / "student_float32.tflite"
    recipe = tiny_run / "recipe.toml"
    command = ("evaluate", model, "phantoms", "--teacher", other, "--recipe", recipe, "--out", tmp_path / "out")
    result = call_cli(*command)
    assert result.returncode == 0, result.stderr
    found = read_metrics(tmp_path / "out/metrics.json")["subject"].models["student_int8.tflite"]
    carried = read_record(model)["metrics"]["subject"]
    summary = found.summary().to_json()
    assert [carried[level]["stages4"] for level in summary] == [summary[level]["stages4"] for level in summary]
    run = read_metrics(tiny_run / "metrics.json")["subject"].models["student_int8.tflite"]
    assert found.slice.tasks == run.slice.tasks and found.by_person.details == run.by_person.details
    assert found.slice.teacher != run.slice.teacher  # that of the run is its own teacher
    assert "Trained without any of the 4 people tested." in result.stdout
    assert_refused(call_cli(*command[:-1], tiny_run), "not empty", "--out")
