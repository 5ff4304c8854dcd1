"""Records that somebody else wrote, sealed as ours are: read, or refused in one sentence, never a traceback."""

import json
import random
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fuzzing.mutators import tree_of
from helpers.commands import assert_refused, call_cli

from alzedge.commands.record_text import record_text
from alzedge.errors import UserError
from alzedge.export.hub.card import model_card
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_record, read_tflite, write_tflite
from alzedge.model_file.record import LABELS_ENTRY, RECORD_ENTRY, _digest
from alzedge.model_file.record_schema import problem_of


def try_out(path: Path, flatbuffer: bytes, record: dict[str, Any], seed: int) -> bool:
    """Write, read and describe a mutated record; True where it is answered, False where it is refused."""
    rng = random.Random(seed)
    try:
        write_tflite(path, flatbuffer, tree_of(record, rng) | {"format": 1})
    except (KeyError, TypeError, AttributeError):
        return False  # without labels, which no file can be written without
    try:
        assert record_text(path.name, read_record(path))
        assert model_card(path)
    except UserError as error:
        assert "\n" not in str(error), error
        return False
    return True


@pytest.mark.parametrize(
    "seeds", [range(50), pytest.param(range(50, 550), marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_mutated_records_end_in_an_answer_or_a_sentence(seeds: range, tmp_path: Path) -> None:
    flatbuffer, record = read_tflite(bundled_model())
    assert problem_of(record) is None
    answered = sum(try_out(tmp_path / "model.tflite", flatbuffer, record, seed) for seed in seeds)
    assert 0 < answered < len(seeds)


@pytest.mark.parametrize(
    ("section", "entry", "words"),
    [
        ("dataset", {"people": "200"}, "dataset.people is of another type"),
        ("split", {"unseen_people": 1}, "split.unseen_people is of another type"),
        ("metrics", {"subject": []}, "metrics.subject is no table"),
        ("preprocessing", {"shrink": True}, "preprocessing.shrink is of another type"),
        ("verdict", {"max_difference": 1e300}, "verdict.max_difference is 1e+300"),
    ],
)
def test_the_sentence_names_the_entry(section: str, entry: dict[str, Any], words: str, tmp_path: Path) -> None:
    flatbuffer, record = read_tflite(bundled_model())
    path = tmp_path / "model.tflite"
    write_tflite(path, flatbuffer, record | {section: record[section] | entry})
    for command in ("inspect", "card"):
        assert_refused(call_cli(command, path), "model.tflite", words)


def test_infinity_is_no_number_of_a_record(tmp_path: Path) -> None:
    """JSON knows no Infinity; Python's reader does, and takes 1e999 for it too."""
    flatbuffer, record = read_tflite(bundled_model())
    path = tmp_path / "model.tflite"
    shutil.copy(bundled_model(), path)
    for written in ("1e999", "Infinity", "NaN"):
        odd = record | {"soft_targets": {"temperature": float(written)}}
        text = json.dumps(odd | {"sha256": _digest(flatbuffer, odd)}).replace("Infinity", written)
        path.write_bytes(flatbuffer)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(LABELS_ENTRY, "\n".join([*record["labels"], ""]))
            archive.writestr(RECORD_ENTRY, text)
        assert_refused(call_cli("inspect", path, "--json"), "soft_targets.temperature is")


def test_endings_in_capitals_are_the_same(tmp_path: Path) -> None:
    shutil.copy(bundled_model(), tmp_path / "STUDENT.TFLITE")
    described = json.loads(call_cli("inspect", tmp_path / "STUDENT.TFLITE", "--json").stdout)
    assert described["tflite_metadata"] is not None
    assert "student_int8" not in call_cli("card", tmp_path / "STUDENT.TFLITE").stderr
