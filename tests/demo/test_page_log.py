"""The page's log: a line for each upload, none for what nobody uploaded, and an answer whatever becomes of it."""

import json
from pathlib import Path

import pytest
from PIL import Image

from alzedge.demo.answering.evidence import Occlusion
from alzedge.demo.answering.example import load_example
from alzedge.demo.page.api import answer, answer_each
from alzedge.demo.page.desk import Desk
from alzedge.demo.serving.server import _keep
from alzedge.inference.classifier import Classifier


@pytest.fixture
def slices(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"anna smith {number}.png" for number in range(3)]
    for path, pixels in zip(paths, load_example().slices, strict=False):
        Image.fromarray(pixels).save(path)
    return paths


def test_uploads_are_logged_and_example_and_phantoms_are_not(tmp_path: Path, slices: list[Path]) -> None:
    classifier, log = Classifier.load(), tmp_path / "log" / "answers.jsonl"
    keep = _keep(classifier, log)
    desk = Desk(classifier, Occlusion(classifier), keep=keep)
    desk.example()
    desk.phantom(2, True)
    assert not log.exists()
    programs = answer(classifier, slices, keep=keep)
    answer_each(classifier, slices[:2], keep=keep)
    desk.upload([str(path) for path in slices[1:]])
    desk.upload([str(slices[0])])
    lines = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    assert [(line["person"], line["slices"]) for line in lines] == [(True, 3), *[(True, 1)] * 2, (False, 2), (True, 1)]
    assert lines[0]["any_dementia"] == pytest.approx(programs["any_dementia"]["value"], rel=1e-3)
    assert "anna" not in log.read_text() and Classifier.load().record["sha256"] in log.read_text()


def test_a_log_that_cannot_be_written_costs_no_answer(
    tmp_path: Path, slices: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    classifier = Classifier.load()
    keep = _keep(classifier, tmp_path / "in the way" / "answers.jsonl")
    (tmp_path / "in the way").write_text("")
    assert answer(classifier, slices[:1], keep=keep)["any_dementia"]["value"] is not None
    assert "could not be written" in capsys.readouterr().err
