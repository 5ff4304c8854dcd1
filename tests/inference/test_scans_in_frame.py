"""Scans and slices that do not lie as the model knows them: registered, turned, or refused with the reason."""

import csv
import json
import shutil
from importlib import resources
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from helpers.average_heads import average_head, prepare_nothing
from helpers.commands import call_cli
from helpers.images import encoded
from PIL import Image

from alzedge.imaging.slices import read_slice
from alzedge.inference.classifier import Classifier
from alzedge.inference.inputs import find_items
from alzedge.model_file.bundled import bundled_model
from alzedge.model_file.read_write import read_record
from alzedge.preparation.upright import TURNED

EXAMPLE = Path(str(resources.files("alzedge.demo.answering"))) / "example" / "slice4.png"


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    grid = average_head()
    nib.save(nib.Nifti1Image(grid.voxels, grid.affine), folder / "head.nii.gz")
    nib.save(nib.Nifti1Image(grid.voxels[:, :, :4], grid.affine), folder / "few.nii.gz")
    pair = nib.AnalyzeImage(grid.voxels.astype(np.int16), None)
    nib.save(pair, folder / "pair.hdr")
    shutil.copy(EXAMPLE, folder / "slice.png")
    return folder


def test_a_scan_is_answered_in_the_frame_and_a_bad_one_loses_only_itself(
    scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_nothing(monkeypatch)
    result = call_cli("predict", scans, "--json")
    assert result.returncode == 2
    few, head, pair, alone = json.loads(result.stdout)["predictions"]
    assert "a slab or a localiser" in few["error"] and result.stderr.count("few.nii.gz") == 1
    levels = tuple(read_record(bundled_model())["levels"])
    assert tuple(one["position_mm"] for one in head["slices"]) == levels
    assert head["quality"]["kind"] == "head" and head["notes"] == []
    assert "left and right may be exchanged" in pair["notes"][0]
    assert "pair.hdr: doubtful: its header does not say how it lies" in result.stderr
    assert alone["probabilities"] is not None and alone["notes"] == []
    table = call_cli("predict", scans / "pair.hdr", "--csv", "-").stdout
    assert "may be exchanged" in next(csv.DictReader(table.splitlines()))["notes"]
    person = Classifier.load().predict(scans / "pair.img")
    assert person.heights == levels and "may be exchanged" in person.notes[0]
    as_it_lies = call_cli("predict", scans / "head.nii.gz", "--no-prepare", "--json")
    assert json.loads(as_it_lies.stdout)["predictions"][0]["quality"] is None


def test_a_record_s_levels_are_where_scans_are_cut(scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_nothing(monkeypatch)
    classifier = Classifier.load()
    classifier.record = {**classifier.record, "levels": [-38, 8, 54]}
    assert classifier.predict(scans / "head.nii.gz").heights == (-38, 8, 54)
    del classifier.record["levels"]  # a file of version 0.1 knows the Kaggle set's alone
    assert classifier.predict(scans / "head.nii.gz").heights == tuple(range(32))


def test_a_session_of_oasis_is_one_item(scans: Path, tmp_path: Path) -> None:
    for name in ("PROCESSED/MPRAGE/SUBJ_111/OAS1_9999_MR1_sbj_111", "RAW/OAS1_9999_MR1_mpr-1_anon"):
        for ending in (".hdr", ".img"):
            target = tmp_path / f"disc1/OAS1_9999_MR1/{name}{ending}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(scans / f"pair{ending}", target)
    shutil.copy(EXAMPLE, tmp_path / "disc1/z.png")
    png, session = find_items([tmp_path])
    assert png.kind == "image" and session.name.endswith("OAS1_9999_MR1") and "sbj_111" in session.files[0]
    assert session.notes


def test_a_slice_upside_down_is_turned_and_its_answer_says_so(tmp_path: Path) -> None:
    classifier, upright = Classifier.load(), read_slice(EXAMPLE)
    (plain,) = classifier.answers(upright[None])
    (turned,) = classifier.answers(upright[None, ::-1])
    assert plain.notes == () and turned.notes == (TURNED,)
    assert turned.probabilities == plain.probabilities and turned.unlikeness == plain.unlikeness
    Image.fromarray(upright[::-1]).save(tmp_path / "down.png")
    result = call_cli("predict", tmp_path / "down.png")
    assert result.returncode == 0 and "down.png: was upside down" in result.stderr


@pytest.mark.parametrize(("turns", "side"), [(1, "left"), (-1, "right")])
def test_a_slice_on_its_side_is_refused_with_the_cure(turns: int, side: str) -> None:
    classifier, upright = Classifier.load(), read_slice(EXAMPLE)
    cropped = np.rot90(np.pad(upright, ((0, 0), (16, 16))), turns)[:, 16:-16]
    (answer,) = classifier.answers(np.ascontiguousarray(cropped)[None])
    whole = classifier.answer_image(encoded(Image.fromarray(np.rot90(upright, turns)), "PNG"), "a.png")
    for one in (answer, whole):
        assert (
            one.refused is not None
            and f"posterior at the {side}: turn it so that posterior is at the top" in one.refused
        )
