"""The audit finds people on both sides of a split, by name and by pixels, and stays quiet where there are none."""

import csv
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli, run_code
from helpers.images import write_cohort
from PIL import Image

from alzedge.data.dataset import DataSet, split_dataset
from alzedge.data.folds import subject_folds
from alzedge.data.loading import load_dataset
from alzedge.data.phantom_set import make_phantoms
from alzedge.errors import UserError
from alzedge.monitoring.audit.audit import audit
from alzedge.monitoring.audit.index import identifier, index_images, open_source
from alzedge.monitoring.audit.neighbours import best_matches
from alzedge.stages import STAGES


def write_folder(folder: Path, data: DataSet, test: np.ndarray, named: bool = False) -> Path:
    """Slices as PNG files with random names, below train/ and test/; with a subjects.csv when `named`."""
    rows = [["path", "subject", "slice"]]
    for i in range(len(data)):
        stripped = hashlib.sha256(str(data.paths[i]).encode()).hexdigest()[:16]
        path = f"{'test' if test[i] else 'train'}/{STAGES[data.labels[i]]}/{stripped}.png"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(data.images[i]).save(folder / path)
        rows.append([path, data.subject[i], str(data.slice[i])])
    if named:
        buffer = io.StringIO()
        csv.writer(buffer).writerows(rows)
        (folder / "subjects.csv").write_text(buffer.getvalue())
    return folder


@pytest.fixture(scope="module")
def crowd() -> DataSet:
    """240 slices of 20 people: neighbouring slices are as alike as in a real volume."""
    return make_phantoms(20, 12, seed=3)


@pytest.fixture(scope="module")
def clean(crowd: DataSet) -> np.ndarray:
    return np.asarray(subject_folds(crowd.subject, crowd.labels) == 0)


@pytest.mark.slow
def test_stripped_of_names_a_leak_is_found_and_a_clean_split_is_not_accused(
    tmp_path: Path, crowd: DataSet, clean: np.ndarray
) -> None:
    every_third = crowd.slice % 3 == 0
    leaking = audit(write_folder(tmp_path / "leaking", crowd, every_third)).result
    assert leaking["verdict"]["leaks"] and leaking["people"] is None
    assert leaking["similarity"]["above"]["value"] > 0.5
    assert "nothing can be claimed about unseen people" in leaking["verdict"]["sentence"]
    assert set(leaking["floors"]["splits"]) == {"official", "random"}
    quiet = audit(write_folder(tmp_path / "clean", crowd, clean)).result
    assert not quiet["verdict"]["leaks"] and "shows no leak" in quiet["verdict"]["sentence"]
    assert "nothing can be claimed about unseen people" in quiet["verdict"]["sentence"]


@pytest.mark.slow
def test_command_names_the_people_and_proves_it_with_pixels(tmp_path: Path, crowd: DataSet) -> None:
    data = write_folder(tmp_path / "named", crowd, crowd.slice % 3 == 0, named=True)
    result = call_cli("audit", data, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("The split of named leaks: 20 of the 20 people of the test side")
    tables = result.stdout.partition("finding")[2].partition("Most similar pairs")[0]
    assert tables and all(len(line) <= 100 for line in tables.splitlines())
    found = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert found["people"] | {"shared_names": []} == {
        "known_by": "subjects.csv", "all": 20, "train": 20, "test": 20, "shared": 20, "shared_names": [],
    }  # fmt: skip
    assert found["similarity"]["same_person_by_name"] > 0.95
    assert all(pair["test_subject"] == pair["train_subject"] for pair in found["pairs"])
    floors = found["floors"]["splits"]
    assert floors["random"]["nearest_neighbour"]["stages4"]["slice"]["accuracy"]["value"] > 0.8
    unseen = floors["people"]["fluid"]
    assert unseen["per"] == "person" and unseen["any_dementia"]["person"]["roc_auc"]["value"] > 0.8
    for method in floors["people"].values():
        accuracy = method["stages4"]["person"]["accuracy"]
        assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    with Image.open(tmp_path / "out" / "audit.png") as picture:
        assert picture.width > 600


@pytest.mark.slow
def test_equal_files_across_the_split_are_a_leak(tmp_path: Path, crowd: DataSet, clean: np.ndarray) -> None:
    folder = write_folder(tmp_path / "copies", crowd, clean, named=True)
    copied = next((folder / "test" / STAGES[2]).iterdir())
    (folder / "train" / STAGES[2] / "copy.png").write_bytes(copied.read_bytes())
    with (folder / "subjects.csv").open("a") as table:
        table.write(f"train/{STAGES[2]}/copy.png,somebody else,1\n")
    found = audit(folder).result
    assert found["duplicates"]["test"] == 1 and found["people"]["shared"] == 0
    assert found["verdict"]["leaks"] and "byte for byte" in found["verdict"]["sentence"]
    assert found["pairs"][0]["train"].endswith("copy.png")


def test_without_a_split_the_random_one_is_judged(tmp_path: Path, crowd: DataSet) -> None:
    source = write_folder(tmp_path / "source", crowd, np.zeros(len(crowd), bool))
    found = audit(source / "train").result
    assert found["split"] == "random" and found["verdict"]["leaks"]
    assert found["verdict"]["sentence"].startswith("train came without a split, and a random split of its slices leaks")


def test_images_beside_their_table_are_audited_as_they_are_trained_on(tmp_path: Path) -> None:
    people = make_phantoms(4, 2)
    cohort = write_cohort(tmp_path / "cohort", people)
    index = index_images(open_source(cohort))
    assert sorted(index.people) == sorted({str(who) for who in load_dataset(cohort).subject})
    assert np.bincount(index.label).tolist() == np.bincount(people.labels).tolist()


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("train/x/OAS1_0001_MR1_55.jpg", "OAS1_0001"),
        ("OAS30001/slice.png", "OAS30001"),
        ("a/002_S_0295_12.png", "002_S_0295"),
        ("sub-01/slice.png", "sub-01"),
        ("train/x/1002_S_02.png", ""),
        ("train/x/nonDem0.jpg", ""),
    ],
)
def test_identifiers_of_studies_are_read_off_names(name: str, person: str) -> None:
    assert identifier(name) == person


def test_bad_input(tmp_path: Path, crowd: DataSet, clean: np.ndarray) -> None:
    assert_refused(call_cli("audit", tmp_path / "absent"), "no such file or folder")
    folder = write_folder(tmp_path / "broken", crowd, clean, named=True)
    table = (folder / "subjects.csv").read_text()
    for old, new, words in (
        ("path,subject", "path,who", "no column 'subject'"),
        (table.splitlines()[3], "", "no row"),
        ("phantom-001", "phantom-002", "give each visit a subject of its own"),
    ):
        (folder / "subjects.csv").write_text(table.replace(old, new))
        with pytest.raises(UserError, match=words):
            index_images(open_source(folder))
    (folder / "subjects.csv").unlink()
    moved = [path for path in folder.rglob("*.png") if path.parent.name == STAGES[0]]
    for path in moved:
        path.rename(path.with_name(f"sub-01-{path.name}"))
    for path in folder.rglob("*.png"):
        if path not in moved and not path.name.startswith("sub-01"):
            path.rename(path.with_name(f"sub-01-{path.name}"))
    with pytest.raises(UserError, match="shows one person only"):
        audit(folder)
    (folder / "train" / STAGES[0]).rename(folder / "train" / "Healthy")
    with pytest.raises(UserError, match="is in no class folder"):
        audit(folder)


def test_search_in_cells_finds_what_comparing_all_finds() -> None:
    """Twins among 12,000 vectors, in more cells than one."""
    random = np.random.default_rng(0)
    scene = random.normal(size=(6000, 8)) * 8
    train = np.concatenate([scene, random.normal(size=(6000, 40))], axis=1)
    both = np.concatenate([train, train + random.normal(0, 0.1, train.shape)])
    vectors = np.rint(both / np.linalg.norm(both, axis=1, keepdims=True) * 127 / 0.9).clip(-127, 127).astype(np.int8)
    label = np.zeros(12_000, np.int8)
    found = best_matches(vectors, np.ones(48, np.float32), label, np.arange(6000), np.arange(6000, 12_000))
    assert np.mean(found.own_at == np.arange(6000)) > 0.99
    assert np.isnan(found.other).all() and (found.other_at == -1).all()


SIMILARITIES = """
import hashlib, pathlib, sys
import numpy as np
from alzedge.monitoring.audit.descriptors import scan_images
from alzedge.monitoring.audit.index import TEST, TRAIN, index_images, open_source
from alzedge.monitoring.audit.neighbours import best_matches
source = open_source(pathlib.Path(sys.stdin.read()))
index = index_images(source)
scan = scan_images(source, index, lambda: None)
sides = (np.flatnonzero(index.side == side) for side in (TRAIN, TEST))
found = best_matches(scan.vectors, scan.spread, index.label, *sides)
print(hashlib.sha256(scan.vectors.tobytes() + found.own.tobytes() + found.other.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_any_number_of_threads_finds_the_same_similarities_to_the_last_bit(
    tmp_path: Path, crowd: DataSet, clean: np.ndarray
) -> None:
    folder = write_folder(tmp_path / "set", crowd, clean)
    variables = {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": None}
    digests = {
        run_code(SIMILARITIES, stdin=str(folder), **variables, OMP_NUM_THREADS=threads).stdout for threads in ("1", "2")
    }
    assert len(digests) == 1 and digests.pop().strip()


@pytest.mark.slow
def test_the_kaggle_archive_leaks_by_its_names(archive: Path) -> None:
    result = audit(archive).result
    assert result["people"]["shared"] == result["people"]["test"] == 200
    assert result["verdict"]["leaks"] and result["similarity"]["same_person_by_name"] > 0.97
    floors = result["floors"]["splits"]
    nearest = floors["official"]["nearest_neighbour"]["stages4"]["slice"]
    assert nearest["accuracy"]["value"] == pytest.approx(0.747, abs=0.001)
    assert nearest["balanced_accuracy"]["value"] == pytest.approx(0.70, abs=0.005)
    assert floors["official"]["chain"]["stages4"]["slice"]["accuracy"]["value"] == 1
    assert floors["people"]["chain"]["stages4"]["slice"]["accuracy"]["value"] < 0.6
    assert floors["random"]["nearest_neighbour"]["stages4"]["slice"]["accuracy"]["value"] > 0.995
    fluid = floors["people"]["fluid"]
    assert fluid["any_dementia"]["person"]["roc_auc"]["value"] == pytest.approx(0.784, abs=0.015)
    assert fluid["cdr1"]["person"]["roc_auc"]["value"] == pytest.approx(0.885, abs=0.015)


@pytest.mark.slow
def test_the_kaggle_archive_leaks_without_its_names(archive: Path, tmp_path: Path) -> None:
    data = load_dataset(archive)
    stripped = audit(write_folder(tmp_path / "stripped", data, data.split == "test")).result
    assert stripped["people"] is None and stripped["verdict"]["leaks"]
    assert stripped["similarity"]["above"]["low"] > 0.25
    held_out = np.zeros(len(data), bool)
    held_out[split_dataset(data, "subject").test] = True
    clean = audit(write_folder(tmp_path / "clean", data, held_out)).result
    assert not clean["verdict"]["leaks"]
    # Nobody of fold 0 has moderate dementia.
    assert not (data.labels[held_out] == 3).any()
