"""Folders, archives and the Kaggle names, on drawn volumes in the Kaggle layout and on the real archive."""

import csv
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli
from PIL import Image

from alzedge.data import kaggle
from alzedge.data.dataset import DataSet, available_splits, split_dataset
from alzedge.data.loading import load_dataset
from alzedge.data.phantom_set import make_phantoms
from alzedge.errors import UserError
from alzedge.stages import STAGES

PEOPLE = (12, 11, 3, 2)
PREFIXES = ("nonDem", "verymildDem", "mildDem", "moderateDem")


def kaggle_names(label: int, n: int, shared: set[int]) -> dict[str, tuple[int, int]]:
    """`{path: (k, slice)}` as the archive's author made them: sort all names as text, then deal."""

    def name(s: int, k: int) -> str:
        return f"{s}.jpg" if k == 1 else f"{s} ({k}).jpg"

    found, train = {}, []
    for s in range(1, 33):
        names = sorted((name(s, k), k) for k in range(1, n + 1))
        for text, k in names:
            if s > 26 or s == 26 and k in shared:
                found[f"test/{STAGES[label]}/{text}"] = (k, s)
            else:
                train.append((k, s))
    return found | {f"train/{STAGES[label]}/{PREFIXES[label]}{i}.jpg": who for i, who in enumerate(train)}


@pytest.fixture(scope="session")
def kaggle_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is named like the Kaggle archive, of people whose slices change slowly from foot to head."""
    root = tmp_path_factory.mktemp("kaggle") / "Alzheimer_s Dataset"
    for label, n in enumerate(PEOPLE):
        feet, head = np.random.default_rng(label).integers(40, 216, (2, n, 26, 22))
        for path, (k, s) in kaggle_names(label, n, shared={2} if n > 2 else set()).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            pixels = (feet[k - 1] * (40 - s) + head[k - 1] * s) // 40
            Image.fromarray(pixels.astype(np.uint8)).resize((176, 208)).save(root / path, quality=90)
    return root.parent


def zipped(folder: Path, target: Path) -> Path:
    return Path(shutil.make_archive(str(target.with_suffix("")), "zip", folder))


def write_folder(root: Path, dataset: DataSet) -> Path:
    for path, image in zip(dataset.paths, dataset.images, strict=True):
        target = root / str(path).split("/", 1)[1]
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(target)
    return root


@pytest.mark.parametrize("n", PEOPLE)
def test_names_tell_person_and_slice(n: int) -> None:
    truth = {}
    for label, count in enumerate(PEOPLE[:3] + (n,)):
        names = kaggle_names(label, count, {1, 2})
        truth |= {path: (f"{STAGES[label]}-{k:03d}", s) for path, (k, s) in names.items()}
    assert kaggle.subjects_from_names(truth) == truth


def test_folder_and_zip_of_the_kaggle_layout_are_equal(kaggle_like: Path, tmp_path: Path) -> None:
    folder = load_dataset(kaggle_like)
    assert len(folder) == 32 * sum(PEOPLE)
    assert folder.subjects_known
    assert kaggle.continuity(folder).min() == 1.0
    assert load_dataset(zipped(kaggle_like, tmp_path / "a.zip")).fingerprint == folder.fingerprint
    official = split_dataset(folder, "official")
    assert official.unseen_people is False
    assert set(folder.slice[official.test]) == set(range(26, 33))
    assert split_dataset(folder, "subject").unseen_people is True


def test_names_that_the_pixels_contradict_are_not_believed(kaggle_like: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(kaggle_like, copy)
    folder = copy / "Alzheimer_s Dataset/train/NonDemented"
    files = sorted(folder.iterdir())
    contents = [file.read_bytes() for file in files]
    for file, content in zip(files, contents[7:] + contents[:7], strict=True):
        file.write_bytes(content)
    loaded = load_dataset(copy)
    assert not loaded.subjects_known
    assert available_splits(loaded) == ("official",)
    assert_refused(call_cli("subjects", copy), "re-packed", "original archive.zip")


def test_renamed_copy_is_refused_by_subjects_and_read_without_people(kaggle_like: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(kaggle_like, copy)
    old = copy / "Alzheimer_s Dataset/test/MildDemented/27.jpg"
    old.rename(old.with_name("renamed.jpg"))
    table = tmp_path / "subjects.csv"
    assert_refused(call_cli("subjects", copy, "--csv", table), "test/MildDemented/renamed.jpg", "original archive.zip")
    assert not table.exists()
    assert not load_dataset(copy).subjects_known


def test_subjects_csv_is_complete(kaggle_like: Path, tmp_path: Path) -> None:
    table = tmp_path / "subjects.csv"
    result = call_cli("subjects", kaggle_like, "--csv", table)
    assert result.returncode == 0, result.stderr
    assert "lowest 1.000" in result.stdout and "28 people x 32 slices" in result.stdout
    rows = list(csv.DictReader(table.open()))
    written = "path,label,subject,slice,split,scan,height"
    assert result.stdout.endswith(f"wrote {table}: {len(rows)} rows of {written}\n")
    assert all(len(line) <= 100 for line in result.stdout.partition("wrote ")[0].splitlines()[1:])
    assert list(rows[0]) == written.split(",")
    assert all(float(row["height"]) == int(row["slice"]) - 1 for row in rows)
    assert len(rows) == 32 * sum(PEOPLE)
    assert all((kaggle_like / "Alzheimer_s Dataset" / row["path"]).is_file() for row in rows)


@pytest.mark.slow
def test_the_real_archive(archive: Path, tmp_path: Path) -> None:
    table = tmp_path / "subjects.csv"
    result = call_cli("subjects", archive, "--csv", table)
    assert result.returncode == 0, result.stderr
    assert "200 people x 32 slices = 6400 images" in result.stdout
    assert "slices 27-32 of all 200 people and 79 images of slice 26" in result.stdout
    assert "people in both train and test: 200 of 200 (100%)" in result.stdout
    assert "all 31 steps: lowest 1.000" in result.stdout
    rows = list(csv.DictReader(table.open()))
    assert len({row["subject"] for row in rows}) == 200
    reference = archive.with_name("subjects.csv")
    if reference.is_file():
        theirs = {
            r["path"]: (r["label"], r["subject"], r["slice"], r["official_split"])
            for r in csv.DictReader(reference.open())
        }
        assert {r["path"]: (r["label"], r["subject"], r["slice"], r["split"]) for r in rows} == theirs


def test_folder_with_one_subfolder_per_stage(tmp_path: Path, phantoms: DataSet) -> None:
    loaded = load_dataset(write_folder(tmp_path / "set", phantoms))
    assert len(loaded) == len(phantoms) and not loaded.subjects_known
    assert available_splits(loaded) == ("random",)
    with pytest.raises(UserError, match="people in set are unknown"):
        split_dataset(loaded, "subject")


def test_phantom_folder_with_subjects_csv_keeps_its_people(tmp_path: Path) -> None:
    result = call_cli("phantoms", tmp_path / "set", "--subjects", 8, "--slices", 5)
    assert result.returncode == 0, result.stderr
    assert load_dataset(tmp_path / "set").fingerprint == make_phantoms(8, 5).fingerprint
    assert load_dataset(tmp_path / "set").synthetic
    assert_refused(call_cli("phantoms", tmp_path / "set"), "not empty")


def broken(root: Path, how: str) -> Path:
    """The folder made bad in one way."""
    stage = root / "MildDemented"
    image = next(stage.iterdir())
    if how == "empty class":
        shutil.rmtree(stage)
        stage.mkdir()
    elif how == "unknown class":
        stage.rename(root / "Confused")
    elif how == "truncated":
        image.write_bytes(image.read_bytes()[:500])
    elif how == "text":
        image.write_text("not an image")
    elif how == "other size":
        Image.new("L", (64, 64)).save(image)
    elif how == "colour":
        Image.new("RGB", (176, 208), "red").save(image)
    elif how == "bad table":
        (root / "subjects.csv").write_text("file,who\na,b\n")
    return image


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("empty class", ["class MildDemented has no images"]),
        ("unknown class", ["Confused", "no class folder"]),
        ("truncated", ["damaged or cut off"]),
        ("text", ["not a JPEG, PNG"]),
        ("other size", ["64 wide x 64 high", "176 wide x 208 high"]),
        ("colour", ["in colour", "grey"]),
        ("bad table", ["subjects.csv", "path"]),
    ],
)
def test_bad_folders_are_refused_in_one_sentence(tmp_path: Path, phantoms: DataSet, how: str, words: list[str]) -> None:
    root = write_folder(tmp_path / "set", phantoms)
    image = broken(root, how)
    if how in ("truncated", "text", "other size", "colour"):
        words = [*words, image.name]
    out = tmp_path / "out"
    assert_refused(call_cli("run", root, "--out", out), *words)
    assert not out.exists()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("path,subject\n{paths},p1\n{first}\n", "two different rows"),
        ("path,subject\n{paths}\n", "no subject for"),
        ("path,subject\n{paths}, \n", "no subject for"),
        ("path,subject\n{paths},p1\n", "p1 is MildDemented on other images and"),
        ("path,label,subject\n{paths},MildDemented,p1\n", "lies in another class folder"),
        ("path,label,subject\n{paths},Ill,p1\n", "'Ill', which is not a stage"),
        ("path,subject,slice\n{paths},p1,top\n", "has slice top"),
        ("path,subject,subject\n{paths},p1,p2\n", "two columns are called 'subject'"),
        ("path,subject\n{paths},unknown\n", "no subject for"),
        ("# made by hand\n{paths},p1\n", "no column 'path'"),
        ("path,subject,slice\n{paths},p1,-1\n", "has slice -1; slices are counted from 1"),
        ("path,subject,split\n{paths},p1,validation\n", "has split 'validation'; expected train or test"),
        ("path,label\n{paths},\n", "no column 'subject'"),
    ],
)
def test_bad_subject_tables_are_refused(tmp_path: Path, phantoms: DataSet, table: str, words: str) -> None:
    root = write_folder(tmp_path / "set", phantoms)
    paths = [str(path).split("/", 1)[1] for path in phantoms.paths]
    header, pattern, *rest = table.split("\n")
    rows = [pattern.format(paths=path) for path in paths] + [line.format(first=paths[0] + ",p9") for line in rest]
    (root / "subjects.csv").write_text("\n".join([header, *rows]))
    with pytest.raises(UserError, match=words):
        load_dataset(root)


def test_a_file_that_came_twice_is_named(kaggle_like: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(kaggle_like, copy)
    first = copy / "Alzheimer_s Dataset/test/MildDemented/27.jpg"
    shutil.copy(first, first.with_name("27 (1).jpg"))
    assert_refused(call_cli("subjects", copy), "27 (1).jpg", "same slice by name")
    assert not load_dataset(copy).subjects_known


def test_bad_archives_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.zip"
    text.write_text("not a zip")
    assert_refused(call_cli("run", text), "not a complete zip file")
    empty = tmp_path / "b.zip"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert_refused(call_cli("run", empty), "b.zip", "NonDemented")
    assert_refused(call_cli("run", tmp_path / "absent.zip"), "no such file or folder")


def test_damaged_archive_names_the_entry(tmp_path: Path, phantoms: DataSet) -> None:
    path = zipped(write_folder(tmp_path / "set", phantoms), tmp_path / "c.zip")
    data = bytearray(path.read_bytes())
    data[1000:1100] = bytes(100)
    path.write_bytes(data)
    assert_refused(call_cli("run", path), "c.zip", ".png", "again")


def test_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for stage in STAGES[1:]:
            archive.writestr(f"{stage}/a.png", b"never read")
        with archive.open(f"{STAGES[0]}/a.png", "w") as file:
            for _ in range(64):
                file.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    with pytest.raises(UserError, match="too large"):
        load_dataset(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * 2**20


def test_continuity_needs_whole_volumes(phantoms: DataSet) -> None:
    with pytest.raises(UserError, match="same slices"):
        kaggle.continuity(phantoms.take(range(1, 100)))


def test_dataset_is_read_only(phantoms: DataSet) -> None:
    with pytest.raises(ValueError, match="read-only"):
        phantoms.images[0, 0, 0] = 1
