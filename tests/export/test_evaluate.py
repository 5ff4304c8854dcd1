"""`alzedge evaluate`: what is judged on whom, what may be claimed, and the report."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.commands import assert_refused, run_cli

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.folds import subject_folds
from alzedge.data.predictions import Predictions
from alzedge.errors import UserError
from alzedge.export.evaluate.evaluate_files import evaluate_files
from alzedge.export.evaluate.exposure import UNKNOWN, exposure
from alzedge.inference.classifier import Classifier
from alzedge.metrics.classification import summary
from alzedge.model_file.read_write import read_record, read_tflite, write_tflite
from alzedge.runs.recipe import load_recipe
from alzedge.stages import DISCLAIMER

RECIPE = load_recipe("quick")


def as_if_made_with(path: Path, dataset: DataSet, split: str, fold: int | None = 0) -> Path:
    """The bundled student with a record that says it was made from this data set and split."""
    from importlib import resources

    with resources.as_file(resources.files("alzedge.inference").joinpath("bundled/student_int8.tflite")) as bundled:
        flatbuffer, record = read_tflite(bundled)
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
def judged(phantoms: DataSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Sister models of both splits and two sets of predictions, evaluated together."""
    folder = tmp_path_factory.mktemp("evaluate")
    paths = [
        as_if_made_with(folder / "subject.tflite", phantoms, "subject"),
        as_if_made_with(folder / "official.tflite", phantoms, "official", None),
        folder / "teacher.csv",
        folder / "student.csv",
    ]
    for seed, path in enumerate(paths[2:]):
        pooled(phantoms, seed).save(path)
    out = folder / "out"
    return out, evaluate_files(paths, phantoms, RECIPE, out, teacher=paths[2])


def test_on_unseen_people_only_who_has_not_seen_them_is_judged(judged: Any) -> None:
    _, found = judged
    assert list(found) == ["official", "subject", "crossval"]
    assert list(found["official"]["models"]) == ["subject.tflite", "official.tflite"]
    assert list(found["subject"]["models"]) == ["subject.tflite"]
    assert "all 4 people tested" in found["subject"]["refused"]["official.tflite"]
    assert list(found["crossval"]["models"]) == ["teacher.csv", "student.csv"]
    assert found["subject"]["exposure"]["subject.tflite"]["unseen_people"] is True
    assert found["official"]["exposure"]["official.tflite"]["seen_slices"] == 0


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


def test_figures_are_those_of_the_file_s_answers(judged: Any, phantoms: DataSet) -> None:
    out, found = judged
    test = phantoms.take(split_dataset(phantoms, "subject").test)
    answers = Classifier.load(out.parent / "subject.tflite").probabilities(test.images).argmax(axis=1)
    accuracy = found["subject"]["models"]["subject.tflite"]["slice"]["stages4"]["accuracy"]["value"]
    assert accuracy == pytest.approx(np.mean(answers == test.labels))
    assert json.loads((out / "metrics.json").read_text()) == found


def test_agreement_differences_and_floors_of_pooled_predictions(judged: Any, phantoms: DataSet) -> None:
    found = judged[1]["crossval"]
    one, other = (pooled(phantoms, seed).probabilities.argmax(axis=1) for seed in (0, 1))
    student = found["models"]["student.csv"]["slice"]
    assert student["teacher"]["agreement"]["value"] == pytest.approx(np.mean(one == other))
    assert "teacher" not in found["models"]["teacher.csv"]["slice"]
    accuracy = [np.mean(answers == phantoms.labels) for answers in (one, other)]
    difference = found["differences"]["student.csv"]["slice"]["stages4"]["accuracy"]
    assert difference["value"] == pytest.approx(accuracy[1] - accuracy[0])
    assert found["slices"] == 100 and found["people"] == 20
    assert found["floors"]["majority"] <= 0.5


def test_curves_enclose_the_areas(judged: Any) -> None:
    found = judged[1]["crossval"]
    for level in ("slice", "person"):
        curve = found["curves"]["student.csv"][level]["any_dementia"]
        roc, figures = curve["roc"]["any dementia"], found["models"]["student.csv"][level]["any_dementia"]
        assert np.trapezoid(roc["y"], roc["x"]) == pytest.approx(figures["roc_auc"]["value"], abs=1e-3)
        middle = np.interp(roc["band"], roc["x"], roc["y"])
        assert np.mean((np.array(roc["low"]) <= middle) & (middle <= np.array(roc["high"]))) > 0.9
        bins = curve["reliability"]
        gaps = sum(b["n"] * abs(b["accuracy"] - b["confidence"]) for b in bins) / sum(b["n"] for b in bins)
        assert gaps == pytest.approx(figures["ece"]["value"], abs=1e-4)
    assert set(found["curves"]["student.csv"]["slice"]["stages3"]["pr"]) >= {"micro", "macro", "NonDemented"}


def test_the_page_needs_nothing_else_and_says_what_it_must(judged: Any) -> None:
    out, _ = judged
    page, text = ((out / name).read_text() for name in ("report.html", "report.md"))
    hosts = set(re.findall(r"https?://([^/\"' ]+)", page))
    assert hosts <= {"www.w3.org", "purl.org", "creativecommons.org", "matplotlib.org"}  # names of XML vocabularies
    assert not re.search(r"<(?:script|link|img|iframe)|url\(http", page)
    assert page.count("<svg") == 4 * 5 and "prefers-color-scheme: dark" in page
    for report in (page, text):
        assert DISCLAIMER in report and "Phantoms are not medical data" in report
        assert "Trained without any of the 4 people tested." in report and "No figures here." in report
        assert "nothing is claimed about this class alone" in report


def test_unknown_people_are_said_beside_every_figure(phantoms: DataSet, tmp_path: Path) -> None:
    nameless = replace(phantoms, subject=np.full(len(phantoms), ""), slice=np.zeros(len(phantoms), np.int64))
    model = as_if_made_with(tmp_path / "m.tflite", nameless, "official", None)
    found = evaluate_files([model], nameless, RECIPE, tmp_path / "out")
    assert list(found) == ["official"] and set(found["official"]["models"]["m.tflite"]) == {"slice"}
    assert found["official"]["exposure"]["m.tflite"]["unseen_people"] is None
    text = (tmp_path / "out/report.md").read_text()
    headers = [line for line in text.splitlines() if line.startswith("| figure |")]
    assert headers and all("people unknown: nothing claimed about unseen people" in line for line in headers)
    with pytest.raises(UserError, match="people in phantoms are unknown"):
        evaluate_files([model], nameless, RECIPE, tmp_path / "out", ("subject",))


def test_where_no_figure_can_be_given_there_is_one_sentence(phantoms: DataSet, tmp_path: Path) -> None:
    official = as_if_made_with(tmp_path / "official.tflite", phantoms, "official", None)
    folds = [as_if_made_with(tmp_path / f"{k}.tflite", phantoms, "subject", k) for k in (0, 1)]
    out = tmp_path / "out"
    with pytest.raises(UserError, match="No figure can be given: Trained .* all 4 people"):
        evaluate_files([official], phantoms, RECIPE, out, ("subject",))
    with pytest.raises(UserError, match=r"held out different people \(folds 0, 1\)"):
        evaluate_files(folds, phantoms, RECIPE, out)
    with pytest.raises(UserError, match="name a .csv of predictions"):
        evaluate_files(folds[:1], phantoms, RECIPE, out, ("crossval",))
    one = pooled(phantoms)
    alone = one.subject == one.subject[0]
    few = Predictions(*(array[alone] for array in vars(one).values()))
    few.save(tmp_path / "few.csv")
    with pytest.raises(UserError, match="1 person to test on"):
        evaluate_files([tmp_path / "few.csv"], phantoms, RECIPE, out)
    for name, wrong, words in (
        ("paths", np.array([f"x{path}" for path in one.paths]), "is no image of phantoms"),
        ("labels", np.zeros_like(one.labels), "is labelled otherwise"),
        ("subject", np.array([f"x{who}" for who in one.subject]), "is of a person otherwise"),
    ):
        replace(one, **{name: wrong}).save(tmp_path / "wrong.csv")
        with pytest.raises(UserError, match=words):
            evaluate_files([tmp_path / "wrong.csv"], phantoms, RECIPE, out)
    assert not out.exists()


def test_a_shipped_file_carries_what_evaluate_finds(tiny_run: Path, tmp_path: Path) -> None:
    model, teacher = tiny_run / "student_int8.tflite", tiny_run / "subject/teacher.keras"
    recipe = tiny_run / "recipe.toml"
    command = ("evaluate", model, "phantoms", "--teacher", teacher, "--recipe", recipe, "--out", tmp_path / "out")
    result = run_cli(*command)
    assert result.returncode == 0, result.stderr
    found = json.loads((tmp_path / "out/metrics.json").read_text())["subject"]["models"]
    carried = read_record(model)["metrics"]["subject"]
    for level, figures in summary(found["student_int8.tflite"]).items():
        assert carried[level] == figures
    run = json.loads((tiny_run / "metrics.json").read_text())["subject"]["models"]
    assert found["student_int8.tflite"] == run["student_int8.tflite"] and found["teacher.keras"] == run["teacher.keras"]
    assert "Trained without any of the 4 people tested." in result.stdout
    assert_refused(run_cli(*command[:-1], tiny_run), "not empty", "--out")
