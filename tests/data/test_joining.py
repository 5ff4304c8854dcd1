"""Data sets joined: people shared by name, and nobody who might be somebody else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import call_cli

from alzedge.commands.data_sets import load_source
from alzedge.commands.options import (
    output_folder,
)
from alzedge.data.dataset import UNKNOWN_STAGE, DataSet, available_splits, split_dataset
from alzedge.data.folds import N_FOLDS, oasis_folds
from alzedge.data.joining import join_datasets
from alzedge.data.kaggle import KAGGLE
from alzedge.data.prepared_scans import OASIS1
from alzedge.errors import UserError


def made(name: str, subjects: list[str], source: str, **columns: list) -> DataSet:
    """Two slices for each subject; columns by person."""
    count = 2 * len(subjects)
    values = {key: np.repeat(np.array(value), 2) for key, value in columns.items()}
    return DataSet(
        name=name,
        images=np.zeros((count, 208, 176), np.uint8),
        labels=values.pop("labels", np.zeros(count, np.int64)),
        subject=np.repeat(np.array(subjects), 2),
        slice=np.tile([1, 2], len(subjects)),
        split=np.full(count, "train" if source == KAGGLE else ""),
        paths=np.array([f"{k}.png" for k in range(count)]),
        source=np.full(count, source),
        **values,
    )


OASIS = list(oasis_folds())[:20]


def test_people_of_both_sources_are_on_one_side() -> None:
    kaggle = made("archive.zip", [*OASIS[:10], "NonDemented-010"], KAGGLE)
    scans = made("prepared", OASIS, OASIS1)
    joined = join_datasets(kaggle, scans)
    assert joined.name == "archive.zip + prepared" and available_splits(joined) == ("subject",)
    assert "NonDemented-010" not in joined.subject and len(joined) == 60
    assert len(np.unique(joined.paths)) == 60
    for fold in range(N_FOLDS):
        split = split_dataset(joined, "subject", fold)
        assert split.unseen_people
        both = [p for p in OASIS[:10] if p in joined.subject[split.test]]
        assert all(set(joined.source[joined.subject == p]) == {KAGGLE, OASIS1} for p in both)


def test_the_unidentified_stay_where_they_can_be_nobody_else() -> None:
    joined = join_datasets(made("a", ["NonDemented-001"], KAGGLE), made("b", ["x"], ""))
    assert set(joined.subject) == {"NonDemented-001", "x"} and set(joined.source) == {KAGGLE, "b"}


def test_unknown_stages_contradict_nothing_and_one_data_set_stays_what_it_is() -> None:
    one = made("a", ["x", "y"], "", labels=[UNKNOWN_STAGE, 1])
    assert join_datasets(one) is one
    joined = join_datasets(one, made("b", ["x", "y"], "", labels=[2, 1]))
    assert joined.labels.tolist() == [-1, -1, 1, 1, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (made("a", ["NonDemented-001"], KAGGLE), made("b", OASIS, OASIS1), "name OASIS-1's table with --people"),
        (made("a", ["x"], ""), made("a", ["x"], ""), "named twice"),
        (
            made("a", ["x"], "", labels=[0]),
            made("b", ["x"], "", labels=[2]),
            "x is NonDemented in a and MildDemented in b",
        ),
        (made("a", ["x"], "", sex=["F"]), made("b", ["x"], "", sex=["M"]), "x is F in a and M in b"),
        (made("a", ["x"], ""), made("b", [""], ""), "people in b are unknown"),
        (made("a", ["x"], ""), replace(made("b", ["y"], ""), synthetic=True), "phantoms and people"),
    ],
)
def test_refusals(first: DataSet, second: DataSet, words: str) -> None:
    with pytest.raises(UserError, match=words):
        join_datasets(first, second)


def test_commands_join_what_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        assert (
            call_cli("phantoms", tmp_path / name, "--subjects", 8, "--slices", 2, "--seed", len(name)).returncode == 0
        )
    (tmp_path / "b" / "subjects.csv").write_text(
        (tmp_path / "b" / "subjects.csv").read_text().replace(",phantom-", ",other-")
    )
    data = (str(tmp_path / "a"), str(tmp_path / "b"))
    source = load_source(data, None, None)
    assert len(source.dataset) == 32 and "a + b: 32 slices of 16 people" in capsys.readouterr().out
    assert str(source.dataset.paths[0]).startswith("a: train/")
    assert output_folder(None, "runs/DATA", data) == Path("runs/a+b")
    with pytest.raises(UserError, match="inside the data set"):
        output_folder(tmp_path / "b" / "out", "", data)
