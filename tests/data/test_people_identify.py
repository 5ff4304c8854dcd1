"""The people of the archive from end to end: the command, its table and its picture."""

import csv
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli

from alzedge.data.people.identify import COLUMNS, Identified, people_csv, summary
from alzedge.data.people.picture import draw_proof
from alzedge.data.people.proof import CovariateProof, Proof
from alzedge.data.people.recovery import Match, Recovery
from alzedge.data.people.table import Person, Session


@pytest.fixture(scope="module")
def identified() -> Identified:
    """Two made-up people, one of them not sure."""
    people = [
        Person(f"OAS1_000{k}", (Session(f"OAS1_000{k}_MR1", f"OAS1_000{k}", 1, sex, None, age, 3, None, mmse, cdr, 1400.0, 0.75, None, None),))
        for k, (sex, age, mmse, cdr) in enumerate([("F", 70.0, 29, 0.0), ("M", 81.0, None, None)], start=1)
    ]  # fmt: skip
    matches = (
        Match("NonDemented-001", people[0], 0.97, people[1], 0.02, 0.0),
        Match("NonDemented-002", people[1], 0.61, people[0], 0.30, 0.1),
    )
    random = np.random.default_rng(0)
    table = random.normal(0.75, 0.05, (40, 4))
    proof = Proof((CovariateProof("nWBV", 0.9, 0.1, 0.2, 0.5, 0.6),), table + 0.01, table, table[::-1], table)
    return Identified(Recovery(matches, table, 3, True), proof, None, ())


def test_the_table_marks_whom_it_does_not_know(identified: Identified) -> None:
    rows = list(csv.DictReader(people_csv(identified.recovery).splitlines()))
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["oasis_id"], row["known"], row["runner_up"]) for row in rows] == [
        ("OAS1_0001", "yes", "OAS1_0002"),
        ("OAS1_0002", "no", "OAS1_0001"),
    ]
    assert (rows[0]["age"], rows[0]["sex"], rows[0]["cdr"], rows[0]["mmse"]) == ("70.0", "F", "0.0", "29")
    assert rows[1]["cdr"] == rows[1]["mmse"] == ""  # missing stays missing


def test_the_summary_counts_and_proves(identified: Identified) -> None:
    text = summary(identified)
    assert "1 of 2 people known" in text and "1 of them at 0.95 or more" in text
    assert any(line.split()[:2] == ["nWBV", "0.900"] for line in text.splitlines())


def test_the_proof_is_drawn(identified: Identified, tmp_path: Path) -> None:
    from PIL import Image

    draw_proof(identified.proof, tmp_path / "proof.png")
    assert np.asarray(Image.open(tmp_path / "proof.png").convert("L")).std() > 5


def test_another_archive_and_another_table_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("ID,Age\nOAS1_0001_MR1,70\n")
    (tmp_path / "set").mkdir()
    assert_refused(call_cli("subjects", tmp_path / "set", "--people", table), "set")


@pytest.mark.slow
def test_the_command_finds_the_people_of_the_archive(archive: Path, tmp_path: Path) -> None:
    table = archive.parent / "oasis_cross-sectional.csv"
    if not table.is_file():
        pytest.skip("OASIS-1's table is not beside the archive")
    out = tmp_path / "people.csv"
    result = call_cli("subjects", archive, "--people", table, "--csv", out, "--picture", tmp_path / "proof.png")
    assert result.returncode == 0, result.stderr
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) == len({row["oasis_id"] for row in rows}) == 200
    assert sum(row["known"] == "yes" for row in rows) >= 190
    stage = {"NonDemented": "0.0", "VeryMildDemented": "0.5", "MildDemented": "1.0", "ModerateDemented": "2.0"}
    assert all(row["cdr"] == stage[row["subject"].rpartition("-")[0]] for row in rows)
    assert (tmp_path / "proof.png").is_file()
