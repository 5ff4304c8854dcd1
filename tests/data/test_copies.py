"""Copies of the Kaggle set that have lost its names: recognised whatever their size, or left without people."""

import io
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, call_cli
from PIL import Image

from alzedge.data.loading import load_dataset
from alzedge.data.people.by_pixels import copies
from alzedge.data.people.by_pixels.fingerprints import frequencies, kaggle_fingerprints, make_fingerprints
from alzedge.errors import UserError
from alzedge.stages import STAGES

SLICES = 3


def heads() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slices of two made-up people of each stage, their names, and their slices' numbers."""
    rows, columns = np.mgrid[:208, :176]
    oval = ((rows - 104) / 90) ** 2 + ((columns - 88) / 70) ** 2 < 1
    images = []
    for person in range(2 * len(STAGES)):
        feet, head = np.random.default_rng(person).normal(size=(2, 26, 22))
        for s in range(SLICES):
            pixels = np.kron(120 + 30 * (feet * (SLICES - s) + head * s) / SLICES, np.ones((8, 8)))
            images.append(np.where(oval, np.clip(pixels, 10, 255), 0).astype(np.uint8))
    names = [f"{stage}-{k:03d}" for stage in STAGES for k in (1, 2)]
    return np.array(images), np.repeat(names, SLICES), np.tile(np.arange(1, SLICES + 1), len(names))


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up people's fingerprints in the place of the Kaggle set's."""
    images, subject, position = heads()
    made = make_fingerprints(np.stack([frequencies(Image.fromarray(image)) for image in images]), subject, position)
    monkeypatch.setattr(copies, "kaggle_fingerprints", lambda: made)


def write(root: Path, size: tuple[int, int] | None = None, stages: tuple[str, ...] = STAGES) -> Path:
    images, subject, _ = heads()
    order = np.random.default_rng(0).permutation(len(images))
    for number, row in enumerate(order):
        folder = root / stages[STAGES.index(str(subject[row]).rpartition("-")[0])]
        folder.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(images[row])
        (image.resize(size) if size else image).save(folder / f"{number}.jpg", quality=90)
    return root


@pytest.mark.parametrize("size", [None, (128, 128), (190, 200)])
def test_a_renamed_copy_gets_its_people_back(tmp_path: Path, size: tuple[int, int] | None) -> None:
    images, subject, position = heads()
    data = load_dataset(write(tmp_path / "copy", size))
    assert data.subjects_known and set(data.source) == {"kaggle"} and data.images.shape == images.shape
    assert (data.height == data.slice - 1).all() and (data.scan == np.char.add(data.subject, "/kaggle")).all()
    of = {(str(who), int(s)): image for who, s, image in zip(subject, position, images, strict=True)}
    for who, s, image in zip(data.subject, data.slice, data.images, strict=True):
        assert np.abs(of[str(who), int(s)].astype(int) - image).mean() < 12


def test_one_stranger_among_the_images_leaves_the_people_unknown(tmp_path: Path) -> None:
    folder = write(tmp_path / "copy")
    noise = np.kron(np.random.default_rng(9).integers(0, 255, (26, 22)), np.ones((8, 8))).astype(np.uint8)
    Image.fromarray(noise).save(folder / STAGES[0] / "z.png")
    assert not load_dataset(folder).subjects_known
    small = write(tmp_path / "small", (128, 128))
    Image.fromarray(noise).save(small / STAGES[0] / "z.png")
    with pytest.raises(UserError, match="128 wide x 128 high"):
        load_dataset(small)


def test_a_copy_with_mixed_up_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="24 of 24 images lie in the wrong folder"):
        load_dataset(write(tmp_path / "copy", stages=(*STAGES[1:], STAGES[0])))


def test_the_command_says_how_the_people_are_known(tmp_path: Path) -> None:
    result = call_cli("subjects", write(tmp_path / "copy"))
    assert result.returncode == 0, result.stderr
    assert "8 people x 3 slices" in result.stdout and "recognised as the Kaggle set's by their pixels" in result.stdout
    folder = write(tmp_path / "part")
    next((folder / STAGES[0]).iterdir()).unlink()
    part = call_cli("subjects", folder)
    assert "23 images of 8 people, a part of the Kaggle set" in part.stdout, part.stderr


def test_augmented_images_beside_the_originals(tmp_path: Path) -> None:
    write(tmp_path / "set" / "train_augmented")
    write(tmp_path / "set" / "val")
    assert_refused(call_cli("subjects", tmp_path / "set"), "more than one data set", "val holds the images themselves")
    assert load_dataset(tmp_path / "set" / "val").subjects_known


def parquet(path: Path, rows: range, codes: dict[str, int]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    images, subject, _ = heads()
    table = []
    for row in rows:
        buffer = io.BytesIO()
        Image.fromarray(images[row]).resize((128, 128)).save(buffer, "JPEG", quality=90)
        label = codes[str(subject[row]).rpartition("-")[0]]
        table.append({"image": {"bytes": buffer.getvalue(), "path": None}, "label": label})
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_table(pyarrow.Table.from_pylist(table), path)
    return path


HUB = {"MildDemented": 0, "ModerateDemented": 1, "NonDemented": 2, "VeryMildDemented": 3}


def test_parquet_tables_get_their_people_and_stages_back(tmp_path: Path) -> None:
    _, subject, position = heads()
    train = parquet(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet", range(1, 24), HUB)
    parquet(tmp_path / "hub" / "data" / "test-00000-of-00001.parquet", range(1), HUB)
    data = load_dataset(tmp_path / "hub")
    assert data.subject.tolist() == subject.tolist() and data.slice.tolist() == position.tolist()
    assert data.split.tolist() == ["test"] + ["train"] * 23 and data.images.shape == (24, 208, 176)
    assert [STAGES[label] for label in data.labels] == [who.rpartition("-")[0] for who in subject.tolist()]
    assert "8 people x 3 slices" in call_cli("subjects", tmp_path / "hub").stdout
    assert load_dataset(train).split[0] == "train"
    mixed = parquet(tmp_path / "mixed.parquet", range(24), HUB | {"NonDemented": 0})
    assert_refused(call_cli("subjects", mixed), "labels contradict")


def test_parquet_tables_of_others_and_without_pyarrow_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parquet(tmp_path / "a.parquet", range(2), HUB)
    monkeypatch.setattr(copies, "kaggle_fingerprints", kaggle_fingerprints)
    assert_refused(call_cli("subjects", path), "Parquet", "2 of its 2 images are not the Kaggle set's")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and no more")
    assert_refused(call_cli("subjects", tmp_path / "b.parquet"), "not a readable Parquet table")
    monkeypatch.setattr("alzedge.data.people.by_pixels.parquet.find_spec", lambda name: None)
    assert_refused(call_cli("subjects", path), "Parquet", "pip install pyarrow")


@pytest.mark.slow
def test_resized_and_renamed_files_of_the_real_archive(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    original = load_dataset(archive)
    some = np.flatnonzero(np.isin(original.subject, [f"{stage}-{k:03d}" for stage in STAGES for k in (1, 2)]))
    for number, row in enumerate(some):
        folder = tmp_path / STAGES[original.labels[row]]
        folder.mkdir(exist_ok=True)
        buffer = io.BytesIO()
        Image.fromarray(original.images[row]).resize((128, 128)).save(buffer, "JPEG", quality=80)
        (folder / f"{number:04d}.jpg").write_bytes(buffer.getvalue())
    copy = load_dataset(tmp_path)
    assert len(copy) == 8 * 32 and set(zip(copy.subject, copy.slice, strict=True)) == set(
        zip(original.subject[some], original.slice[some], strict=True)
    )
