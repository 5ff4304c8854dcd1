"""Balance: who is in each part of a data set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.data.summaries.balance import balance, balance_text


def test_parts_add_up_and_values_are_people_s(phantoms: DataSet) -> None:
    parts = {part.name: part for part in balance(phantoms)}
    assert list(parts) == ["all", "train", "test", *(f"fold {k}" for k in range(5))]
    whole = parts["all"]
    assert (whole.people, whole.scans, whole.slices, whole.stages) == (20, 20, 100, (5, 5, 5, 5))
    folds = [part for name, part in parts.items() if name.startswith("fold")]
    assert sum(part.people for part in folds) == 20 and sum(part.slices for part in folds) == 100
    first = phantoms.slice == 1
    assert whole.age.mean == pytest.approx(phantoms.age[first].mean())
    assert whole.nwbv.deviation == pytest.approx(phantoms.nwbv[first].std(ddof=1))
    assert whole.women + whole.men == 20 and whole.missing("sex") == 0 and whole.missing("mmse") == 20


def test_what_is_unknown_is_counted_and_not_guessed(phantoms: DataSet) -> None:
    labels = np.where(phantoms.labels == 0, UNKNOWN_STAGE, phantoms.labels)
    age = np.where(phantoms.labels == 1, np.nan, phantoms.age)
    whole = balance(replace(phantoms, labels=labels, age=age, sex=np.full(100, "")))[0]
    assert whole.unknown_stage == 5 and whole.stages == (0, 5, 5, 5)
    assert whole.age.known == 15 and whole.missing("sex") == 20
    text = balance_text([whole])
    assert "0/5/5/5/5" in text and "sex 20, age 5" in text
    with pytest.raises(ValueError, match="not known"):
        balance(replace(phantoms, subject=np.full(100, "")))


def test_the_command_says_it_of_any_data_set_with_people(tmp_path: Path) -> None:
    assert call_cli("phantoms", tmp_path / "set", "--subjects", 8, "--slices", 3).returncode == 0
    result = call_cli("subjects", tmp_path / "set")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    whole = next(line.split() for line in lines if line.startswith("all "))
    assert whole[1:4] == ["8", "8", "24"] and "2/2/2/2/0" in whole
    assert (
        any(line.startswith("fold 4") for line in lines)
        and "unknown, of 8 people: education 8, mmse 8" in result.stdout
    )
    assert_refused(call_cli("subjects", tmp_path / "set", tmp_path / "set"), "set is named twice")
