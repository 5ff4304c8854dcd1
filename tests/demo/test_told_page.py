"""Age and sex as an input of the model: on the page, for programs, in reports and for `Classifier`."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.images import encoded
from helpers.told import told_classifier
from PIL import Image

from alzedge.demo.answering.evidence import Occlusion
from alzedge.demo.answering.example import load_example
from alzedge.demo.answering.told import Told
from alzedge.demo.page.api import answer
from alzedge.demo.page.desk import Desk
from alzedge.demo.page.report_button import links_html
from alzedge.inference.classifier import Classifier
from alzedge.metrics.caveats import demographics_sentence


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return told_classifier()


def test_the_score_follows_what_is_told_and_without_it_there_is_an_answer(classifier: Classifier) -> None:
    slices = load_example().slices[:2]
    scores = [
        classifier.predict(slices, age=age, sex=sex).person.any_dementia
        for age, sex in ((None, None), (80, None), (80, "M"))
    ]
    values = [score.value for score in scores if score is not None]
    assert values == pytest.approx([1 / (1 + np.exp(-x)) for x in (-1, 0, 0.5)], abs=1e-4)
    record = classifier.record
    assert "80 years and sex M" in demographics_sentence(record, 80, "M")
    assert "told neither" in demographics_sentence(record) and demographics_sentence(Classifier.load().record, 80) == ""


def test_a_program_is_told_what_was_weighed(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "slice.png"
    path.write_bytes(encoded(Image.fromarray(load_example().slices[3])))
    told = answer(classifier, [path], told=Told(80, "M"))
    assert told["any_dementia"]["value"] == pytest.approx(0.6225, abs=1e-3)
    assert "80 years and sex M" in told["model"]["demographics"]
    assert "demographics" not in answer(Classifier.load(), [path])["model"]


def test_the_page_weighs_what_was_told_with_the_slices_and_says_so_after_a_change(classifier: Classifier) -> None:
    desk = Desk(classifier, Occlusion(classifier))
    shown = desk.example("80", "M")
    assert "told of the person, 80 years and sex M" in shown.answer and "0.62" in shown.answer
    kept = shown.answered
    assert kept is not None
    again = desk.regroup(kept, None, "40", "M").answer
    assert "0.62" in again and "send them again" in again
    assert "told neither" in desk.example().answer
    links = str(links_html(classifier.record, replace(kept, student=replace(kept.student, one_person=True)), "40", "M"))
    report = base64.b64decode(re.findall(r"text/html;charset=utf-8;base64,([^\"]+)", links)[0]).decode()
    assert "send them again" in report and "40 years, M" in report
