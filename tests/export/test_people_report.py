"""What is said of people: in a report, in a card, on the results page; and the pictures of what is measured."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli
from helpers.programs import docs_program
from helpers.two_sources import asked, folds, two_sources

from alzedge.export.evaluate.cross_fitted_rule import cross_fitted_rule
from alzedge.export.hub.card import model_card
from alzedge.export.report.html import html_report, markdown_report
from alzedge.export.report.measure_plots import MeasuredPeople, draw_measures
from alzedge.export.report.people_sections import people_sections
from alzedge.metrics.people.evidence import Asked, source_figures
from alzedge.metrics.people.person_answers import mean_over_slices
from alzedge.metrics.split_evaluation import SplitEvaluation
from alzedge.model_file.bundled import bundled_model

ROOT = Path(__file__).resolve().parents[2]
in_checkout = pytest.mark.skipif(
    not (ROOT / "docs/results.py").is_file(), reason="needs the checkout with its documents"
)
STUDENT = "student_int8.csv"


@pytest.fixture(scope="module")
def pooled() -> SplitEvaluation:
    """A cross-validation of the people of two sources, without figures per slice."""
    data = two_sources()
    models = dict.fromkeys(("teacher.csv", "student.csv", STUDENT), asked(data))
    sources = source_figures(models, data, np.arange(len(data)), folds(data), replicates=20)
    content = {"labels": [], "description": "folds 0, 1 pooled", "slices": 216, "people": 60, "unseen_people": True}
    empty = content | {"floors": {}, "models": {}, "exposure": {}, "differences": {}}
    return replace(SplitEvaluation.from_json(empty), sources=sources)


def test_a_report_shows_people_beside_baselines(pooled: SplitEvaluation) -> None:
    sections = people_sections({"crossval": pooled}, {})
    assert [section.title for section in sections] == [
        f"People of {source}, Unseen people, cross-validated" for source in ("kaggle", "oasis1")
    ]
    text = markdown_report("t", ["first"], sections)
    for words in (
        "| baseline: MMSE, a test without an image | 1.000 (1.00-1.00) |",
        "people of 60 and more",
        "| women |",
        "| stage unknown: never examined | 10 | 10 |",
        "brain volume (nWBV): SD between two scans, the table's",
        "labels permuted over people",
    ):
        assert words in text, words
    page = html_report("t", ["first"], sections)
    assert '<td class="figure">1.000 <small>(1.00-1.00)</small></td>' in page
    seen = replace(pooled, evaluated_on=replace(pooled.evaluated_on, unseen_people=False))
    assert "nothing here says anything about new people" in people_sections({"official": seen}, {})[0].sentences[0]


def test_a_card_tells_of_people_where_it_was_told_and_says_unknown_where_not(
    pooled: SplitEvaluation, tmp_path: Path
) -> None:
    plain = model_card(bundled_model())
    assert "Ages, sexes and other values of the people: unknown" in plain and "not measured for this card" in plain
    told = model_card(bundled_model(), evaluation={"crossval": pooled})
    for words in (
        "Flow of people: 60 with 68 scans and 136 slices were tested. 10 of them have no stage",
        f"| **{STUDENT}** |",
        "### Unseen people, cross-validated, people of oasis1",
        "By group, any dementia:",
        "1.5 T Siemens Vision",
        "P50 AG05681, P01 AG03991",
        "CLAIM 2024",
        "CHAI Applied Model Card",
        "| cross-validated, per person |",
    ):
        assert words in told, words
    for card in (plain, told):
        assert "does not say the age or sex" not in card and "Clinical Dementia Rating (CDR; Morris 1993)" in card
    metrics = tmp_path / "metrics.json"
    metrics.write_text(json.dumps({"crossval": pooled.to_json()}))
    result = call_cli("card", "--evaluation", metrics)
    assert result.returncode == 0 and "Flow of people: 60" in result.stdout
    metrics.write_text("[]")
    assert_refused(call_cli("card", "--evaluation", metrics), "metrics.json")


def test_rules_behind_pooled_predictions_are_fitted_without_the_person_asked_about() -> None:
    data = two_sources()
    fold = np.array([int(name[1:]) % 5 for name in data.subject])
    readings = asked(data).readings
    own = cross_fitted_rule(readings, data, fold)
    rows = np.flatnonzero(data.scan == "007_MR1")
    answer = own(readings.take(rows), "p007")
    assert answer.brain_volume and answer.brain_volume.low < answer.brain_volume.value < answer.brain_volume.high
    assert abs(answer.brain_volume.value - data.nwbv[rows[0]]) < abs(
        readings.brain_volume[rows].mean() - data.nwbv[rows[0]]
    )
    lied = replace(data, nwbv=np.where(data.subject == "p007", 0.4, data.nwbv))
    again = cross_fitted_rule(readings, lied, fold)(readings.take(rows), "p007")
    assert again.brain_volume and again.brain_volume.value == answer.brain_volume.value
    stages = replace(readings, brain_volume=None, age=None)
    assert cross_fitted_rule(stages, data, fold) is mean_over_slices
    figures = source_figures({"m": Asked(readings, own)}, data, np.arange(len(data)), folds(data), replicates=20)
    measures = figures["oasis1"].measures["m"]
    assert measures["brain_volume"]["person"].figures["coverage"] and measures["stage_set"]["person"].people == 50


@in_checkout
def test_the_results_page_has_all_people_and_older_ones(pooled: SplitEvaluation) -> None:
    page = docs_program("results")
    files = {name: f"{name}.csv" for name in page.OURS}
    text = page.people_sections(pooled, files)
    assert "### People of kaggle" in text and "| **ours: student_int8** |" in text and "Who they are" in text
    assert "| baseline: nWBV of the table, age and sex |" in text and "| people of 60 and more |" in text
    warned = page.people_sections(pooled, files, "**no evidence about new people**")
    assert "**no evidence about new people**" in warned and "Who they are" not in warned
    assert "are unknown in this run" in page.people_sections(replace(pooled, sources={}), files)
    assert "has no official split" in page.official_people(None)
    old = {name: entry for name, entry in pooled.to_json().items() if name != "sources"}  # as version 0.1 wrote it
    assert SplitEvaluation.from_json(old).sources == {}


def test_pictures_show_as_many_points_as_can_be_compared() -> None:
    truth = np.linspace(0.65, 0.85, 30)
    measured = np.where(np.arange(30) < 4, np.nan, truth + 0.01)
    unknown = np.full(30, np.nan)
    drawn = draw_measures(MeasuredPeople(measured, truth, unknown, unknown))
    assert "26 people" in drawn and "bias +0.0100" in drawn and "not measured" in drawn and "currentColor" in drawn
    assert MeasuredPeople(unknown, truth, unknown, unknown).empty
