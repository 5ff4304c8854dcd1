"""Predictions as a file: what is read is what was written, and a table that cannot be is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alzedge.data.dataset import UNKNOWN_STAGE
from alzedge.data.predictions import Predictions
from alzedge.errors import UserError
from alzedge.stages import STAGES


def example() -> Predictions:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 6).astype(np.float32)
    return Predictions(
        paths=np.array([f"train/x/{k}, odd.jpg" for k in range(6)]),
        subject=np.repeat(["a", "b", "c"], 2),
        labels=np.repeat([0, 1, 3], 2),
        fold=np.repeat([0, 1, 4], 2),
        probabilities=probabilities.astype(np.float64),
    )


def test_what_was_saved_is_read_to_the_last_bit_of_float32(tmp_path: Path) -> None:
    written = example()
    written.save(tmp_path / "p.csv")
    read = Predictions.load(tmp_path / "p.csv")
    for name in ("paths", "subject", "labels", "fold"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    np.testing.assert_array_equal(read.probabilities.astype(np.float32), written.probabilities.astype(np.float32))
    assert len(read) == 6 and (tmp_path / "p.csv").read_text().startswith("path,subject,label,fold," + STAGES[0])


def test_a_person_whom_nobody_examined_has_no_stage(tmp_path: Path) -> None:
    unknown = replace(example(), labels=np.repeat([0, UNKNOWN_STAGE, 3], 2))
    unknown.save(tmp_path / "p.csv")
    assert Predictions.load(tmp_path / "p.csv").labels.tolist() == [0, 0, UNKNOWN_STAGE, UNKNOWN_STAGE, 3, 3]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("VeryMildDemented,1", "Severe,1", "'Severe' is not a stage"),
        ("a,NonDemented,0", "a,NonDemented,1", "different folds"),
        ("a,NonDemented,0", "b,NonDemented,0", "different labels"),
        ("a,NonDemented,0", ",NonDemented,0", "has no subject"),
        ("a,NonDemented,0", "a,NonDemented,x", "not a number"),
        ("a,NonDemented,0", "a,NonDemented,-1", "counted from 0"),
        ("a,NonDemented,0", "a,NonDemented,0,nan", "NaN"),
        ("a,NonDemented,0", "a,NonDemented,0,3", "add up"),
        ("0, odd", "1, odd", "more than one row"),
        ("subject", "who", "no column subject"),
    ],
)
def test_a_table_that_cannot_be_is_one_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "p.csv"
    example().save(path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=words) as error:
        Predictions.load(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"path,subject,label,fold," + ",".join(STAGES).encode(), b"\xff\xfe\x00"])
def test_an_empty_or_foreign_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"p\.csv"):
        Predictions.load(tmp_path / "p.csv")
    with pytest.raises(UserError, match="no such file"):
        Predictions.load(tmp_path / "absent.csv")
