"""The log: what is in it and what is not, rotation, broken files."""

import json
import stat
from pathlib import Path

import numpy as np
import pytest

from alzedge.errors import UserError
from alzedge.inference.answer import Answer
from alzedge.monitoring.log import AnswerLog, is_log, read_logs
from alzedge.monitoring.quantities import LOGGED
from alzedge.stages import STAGES

MODEL = "a" * 64
ANSWER = Answer(dict(zip(STAGES, (0.1234567, 0.8, 0.05, 0.0265433), strict=True)), unlikeness=0.5, notes=("anna.png",))


def add(log: AnswerLog, people: int, one_person: bool = True) -> None:
    for number in range(people):
        features = np.full((2, 9), 1.0 + number)
        log.add(features, [ANSWER, Answer(None, "not a slice", 3.0)], ANSWER, (), one_person)


def test_a_line_holds_numbers_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "answers.jsonl"
    add(AnswerLog(path, MODEL), 2)
    head, line, _ = (json.loads(text) for text in path.read_text().splitlines())
    assert head == {"format": "alzedge-log-1", "model": MODEL}
    assert set(line) == {"person", "slices", *LOGGED}
    assert all(value is None or isinstance(value, bool | int | float) for value in line.values())
    assert line["NonDemented"] == 0.1235 and line["refused"] == 0.5 and line["unlikeness"] == 1.75
    assert line["height"] is None and line["slices"] == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    people = read_logs([path]).people
    assert people is not None and people.numbers["brightness"].tolist() == [1, 2]


def test_a_long_log_is_rotated_and_nothing_is_lost_but_the_oldest(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    add(AnswerLog(path, MODEL, most=1200, kept=3), 20)
    older = [tmp_path / f"answers.jsonl.{number}" for number in (1, 2, 3)]
    assert all(one.stat().st_size <= 1200 and is_log(one) for one in (path, *older))
    assert not (tmp_path / "answers.jsonl.4").exists()
    people = read_logs([*reversed(older), path]).people
    assert people is not None
    values = people.numbers["brightness"].tolist()
    assert values == list(range(int(values[0]), 21)) and 8 <= len(values) < 20


def test_another_model_begins_another_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    add(AnswerLog(path, MODEL), 1)
    add(AnswerLog(path, "b" * 64), 1)
    assert read_logs([path]).model == "b" * 64 and read_logs([tmp_path / "answers.jsonl.1"]).model == MODEL
    with pytest.raises(UserError, match="different models"):
        read_logs([path, tmp_path / "answers.jsonl.1"])


def test_broken_logs_are_refused_with_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text("")
    with pytest.raises(UserError, match="empty log"):
        read_logs([path])
    add(AnswerLog(path, MODEL), 2)
    whole = path.read_text()
    path.write_text(whole[:-40])  # the last line was being written
    people = read_logs([path]).people
    assert people is not None and len(people) == 1
    for damaged in (whole.replace('"refused": 0.5', '"refused": "x"', 1), whole.replace('"person"', '"who"', 1)):
        path.write_text(damaged)
        with pytest.raises(UserError, match="line 2 is damaged"):
            read_logs([path])
    path.write_text("a,b,c\n1,2,3\n")
    for refused in (lambda: read_logs([path]), lambda: AnswerLog(path, MODEL)):
        with pytest.raises(UserError, match="not a log"):
            refused()
    assert path.read_text() == "a,b,c\n1,2,3\n"
    path.unlink()
    add(AnswerLog(path, MODEL), 2, one_person=False)
    with pytest.raises(UserError, match="nobody known"):
        read_logs([path])
