"""Readers' labels: agreement of two, and the way into DICOM."""

import shutil
import subprocess
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli

from alzedge.errors import UserError
from alzedge.reporting.agreement import agreement
from alzedge.reporting.labels import COLUMNS, Label, Row, labels_csv, read_labels
from alzedge.stages import STAGES


def rows(reviewer: str, stages: list[int | None], blind: str = "yes") -> list[Row]:
    """Labels of two images for each person."""
    return [
        dict.fromkeys(COLUMNS, "")
        | {"reviewer": reviewer, "image_sha256": f"{number:064}", "person": f"p{number // 2}", "blind": blind}
        | {"slice": f"p{number // 2}, slice {number}", "utc": f"{number:03}", "comment": "clear" if number == 1 else ""}
        | {"reviewer_stage": "" if stage is None else STAGES[stage]}
        for number, stage in enumerate(stages)
    ]


def labels(stages: list[int | None], blind: bool = True) -> list[Label]:
    return [Label("AB", str(n), f"p{n // 2}", blind, stage) for n, stage in enumerate(stages)]


@pytest.mark.slow
def test_kappa_is_cohens_and_its_interval_is_over_people() -> None:
    ours, theirs = [0, 0, 1, 1, 2, 2, 3, 0], [0, 1, 1, 1, 2, 3, 3, 0]
    found = agreement(labels(ours), labels(theirs))  # type: ignore[arg-type]
    table = np.zeros((4, 4))
    for pair in zip(ours, theirs, strict=True):
        table[pair] += 1
    expected = table.sum(1)[:, None] * table.sum(0) / table.sum()
    distance = np.abs(np.subtract.outer(range(4), range(4)))
    assert found.kappa is not None and found.weighted is not None
    for figure, weight in ((found.kappa, distance > 0), (found.weighted, distance**2)):
        assert figure.value == pytest.approx(1 - (weight * table).sum() / (weight * expected).sum())
        assert figure.low <= figure.value <= figure.high
    assert found.share.value == 6 / 8 and (found.images, found.people, found.unjudged) == (8, 4, 0)
    assert (found.table == table).all()
    assert agreement(labels(ours), labels(theirs)).kappa == found.kappa  # type: ignore[arg-type]


@pytest.mark.slow
def test_what_cannot_be_judged_is_left_out_and_one_stage_leaves_no_kappa() -> None:
    found = agreement(labels([0, None, 0]), labels([0, 1, 0]))
    assert (found.images, found.unjudged, found.share.value, found.kappa) == (2, 1, 1.0, None)
    twice = [*labels([0]), *labels([3])]
    assert agreement(twice, labels([0])).share.value == 1  # the first blind reading counts
    with pytest.raises(UserError, match="no image in common"):
        agreement(labels([0]), labels([0], blind=False))


def test_the_command_compares_two_files(tmp_path: Path) -> None:
    for name, stages in (("anna", [0, 1, 2, 2]), ("bert", [0, 1, 2, 3])):
        (tmp_path / f"{name}.csv").write_text(labels_csv(rows(name, stages)), "utf-8-sig", newline="")  # type: ignore[arg-type]
    result = call_cli("agreement", tmp_path / "anna.csv", tmp_path / "bert.csv")
    assert result.returncode == 0, result.stderr
    assert (
        result.stdout.startswith("blind: 4 images of 2 people, 0 more not judged")
        and "kappa           0.6" in result.stdout
    )
    mixed = rows("anna", [0]) + rows("bert", [1])
    (tmp_path / "mixed.csv").write_text(labels_csv(mixed), newline="")
    (tmp_path / "bad.csv").write_text("a,b\n")
    (tmp_path / "none.csv").write_text(labels_csv([]), newline="")
    for name, words in (("mixed", "several reviewers"), ("bad", "not labels exported"), ("none", "no labels in it")):
        assert_refused(call_cli("agreement", tmp_path / f"{name}.csv", tmp_path / "bert.csv"), f"{name}.csv", words)
    assert read_labels(tmp_path / "anna.csv")[3].stage == 2


def test_labels_become_a_structured_report_of_their_reviewer(tmp_path: Path) -> None:
    sr = pytest.importorskip("highdicom.sr")
    from alzedge.reporting.dicom_document import to_file
    from alzedge.reporting.labels_sr import labels_sr

    data = to_file(labels_sr(rows("Doe=A^B", [0, 3, None]), date(2026, 1, 31)))
    assert data == to_file(labels_sr(rows("Doe=A^B", [0, 3, None]), date(2026, 1, 31)))
    (tmp_path / "labels.dcm").write_bytes(data)
    document = sr.srread(tmp_path / "labels.dcm")
    (container,) = [item for item in document.content[0].ContentSequence if item.name.value == "126010"]
    stages = [
        item.value.value
        for group in container.ContentSequence
        for item in group.ContentSequence
        if item.name.value == "STAGE"
    ]
    assert stages == [STAGES[0], STAGES[3], "UNUSABLE"] and "CurrentRequestedProcedureEvidenceSequence" not in document
    remarks = [item.TextValue for item in document.content[0].ContentSequence if item.ValueType == "TEXT"]
    assert remarks[-1] == "p0, slice 1: clear" and not document.PatientName


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed")
def test_dciodvfy_finds_no_error_in_labels(tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    from alzedge.reporting.dicom_document import to_file
    from alzedge.reporting.labels_sr import labels_sr

    (tmp_path / "labels.dcm").write_bytes(to_file(labels_sr(rows("AB", [0, 3, None]), date(2026, 1, 31))))
    told = subprocess.run(["dciodvfy", tmp_path / "labels.dcm"], check=False, capture_output=True, text=True)
    assert "ComprehensiveSR" in told.stdout + told.stderr and "Error" not in told.stdout + told.stderr
