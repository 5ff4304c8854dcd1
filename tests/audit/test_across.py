"""The audit across sources: people in two data sets found by pixels, and folds that keep them together or do not."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli

from alzedge.data.dataset import DataSet
from alzedge.data.folds import kaggle_folds, oasis_folds
from alzedge.data.kaggle import KAGGLE
from alzedge.data.prepared_scans import OASIS1
from alzedge.errors import UserError
from alzedge.monitoring.audit.across import LEFT_OUT, across_text, audit_across, sentence
from alzedge.monitoring.audit.stacks import stacks_of

PEOPLE, BOTH, HEIGHTS = 16, 10, (0, 4, 8, 12)
IDS = list(oasis_folds())[:PEOPLE]


def drawn(source: str, names: list[str], people: range, heights: tuple[int, ...], moved: int) -> DataSet:
    """Slices of made-up people: each one's own folds in a shared oval, the whole a little moved and brighter."""
    rows, columns = np.mgrid[:208, :176]
    oval = ((rows - 104) / 90) ** 2 + ((columns - 88) / 70) ** 2 < 1
    images = []
    for person in people:
        feet, head = np.random.default_rng(person).normal(size=(2, 26, 22))
        for z in heights:
            pixels = np.kron(120 + 2.5 * (feet * (16 - z) + head * z), np.ones((8, 8)))
            pixels = np.roll(pixels, moved, axis=0) * (1 + moved / 20)
            images.append(np.where(oval, np.clip(pixels, 10, 255), 0).astype(np.uint8))
    count, every = len(images), len(heights)
    subject = np.repeat(np.array(names), every)
    return DataSet(
        name=source,
        images=np.array(images),
        labels=np.zeros(count, np.int64),
        subject=subject,
        slice=np.tile(np.arange(1, every + 1), len(names)),
        split=np.full(count, ""),
        paths=np.array([f"{k}.png" for k in range(count)]),
        source=np.full(count, source),
        scan=np.char.add(subject, f"/{source}"),
        height=np.tile(np.array(heights, float), len(names)),
    )


@pytest.fixture(scope="module")
def unnamed() -> DataSet:
    return drawn(KAGGLE, list(kaggle_folds())[:PEOPLE], range(PEOPLE), tuple(range(14)), 0)


@pytest.fixture(scope="module")
def scans() -> DataSet:
    """The first ten of the same people and six others, elsewhere in the stack and 3 mm further down."""
    people = range(PEOPLE - BOTH, 2 * PEOPLE - BOTH)
    return drawn(OASIS1, IDS, people, HEIGHTS, 3)


def test_people_are_found_by_pixels_and_a_fold_that_divides_them_is_a_leak(unnamed: DataSet, scans: DataSet) -> None:
    (across,) = audit_across([unnamed, scans])
    truth = dict(zip(list(kaggle_folds())[PEOPLE - BOTH : PEOPLE], IDS, strict=False))
    assert {pair.first: pair.second for pair in across.found} == truth
    apart = [a for a, b in truth.items() if kaggle_folds()[a] != oasis_folds()[b]]
    assert apart and [a for a, _ in across.divided] == sorted(apart)
    assert f"{BOTH} people are in both by their pixels, and {len(apart)} of them would train" in sentence(across)


def test_with_one_name_in_both_nobody_is_divided_and_the_unidentified_are_left_out(
    unnamed: DataSet, scans: DataSet
) -> None:
    names = dict(zip(list(kaggle_folds())[PEOPLE - BOTH : PEOPLE - 1], IDS, strict=False))
    named = replace(unnamed, subject=np.array([names.get(str(name), str(name)) for name in unnamed.subject]))
    (across,) = audit_across([named, scans])
    assert len(across.found) == BOTH and len(across.by_name) == BOTH - 1 and not across.divided and not across.renamed
    assert across.folds[0][next(iter(kaggle_folds()))] == LEFT_OUT
    assert "show no leak" in sentence(across) and "people in both, by name" in across_text(across)
    wrong = replace(named, subject=np.where(named.subject == IDS[0], IDS[12], named.subject))
    (across,) = audit_across([wrong, scans])
    assert [(pair.first, pair.second) for pair in across.renamed] == [(IDS[12], IDS[0])]


def test_without_heights_only_names_speak(unnamed: DataSet, scans: DataSet) -> None:
    bare = replace(scans, height=np.full(len(scans), np.nan))
    assert stacks_of(bare) is None
    (across,) = audit_across([unnamed, bare])
    assert not across.compared and "pixels were not compared" in sentence(across) and "nobody" in sentence(across)
    with pytest.raises(UserError, match="add a subjects.csv"):
        audit_across([unnamed, replace(scans, subject=np.full(len(scans), ""))])


def test_the_command_compares_folders(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 1)):
        made = call_cli("phantoms", tmp_path / name, "--subjects", 6, "--slices", 4, "--seed", seed)
        assert made.returncode == 0, made.stderr
    result = call_cli("audit", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "6 people are in both" not in result.stdout.splitlines()[0] and "6 by name" in result.stdout.splitlines()[0]
    written = json.loads((tmp_path / "out" / "audit.json").read_text())["across"][0]
    assert written["shared_by_name"] == 6 and written["pixels_compared"] and not written["leaks"]
    assert_refused(call_cli("audit", tmp_path / "a", tmp_path / "nothere"), "no such file or folder")
    assert_refused(call_cli("audit", tmp_path / "a", "phantoms"), "phantoms are nobody")
    (tmp_path / "prepared" / "OAS1_0001_MR1").mkdir(parents=True)
    (tmp_path / "prepared" / "OAS1_0001_MR1" / "volume.nii.gz").touch()
    assert_refused(call_cli("audit", tmp_path / "prepared"), "name a second data set")


@pytest.mark.slow
def test_kaggle_and_oasis_share_the_people_that_the_table_says(archive: Path) -> None:
    """On the real data: nobody whom the table identifies is found as somebody else."""
    from alzedge.data.loading import load_dataset

    prepared, table = os.environ.get("ALZEDGE_PREPARED", ""), archive.with_name("oasis_cross-sectional.csv")
    if not prepared or not table.is_file():
        pytest.skip("set ALZEDGE_PREPARED to OASIS-1's prepared scans, with the table beside the archive")
    kaggle, scans = load_dataset(archive, people=table), load_dataset(Path(prepared), people=table)
    (across,) = audit_across([kaggle, scans])
    assert len([p for p in across.found if p.first == p.second]) > 0.95 * len(across.by_name)
    assert not across.renamed and not across.divided
