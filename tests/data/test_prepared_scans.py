"""OASIS-1's prepared scans as a data set, on drawn volumes in the frame and on the real scans."""

from pathlib import Path

import numpy as np
import pytest

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.data.loading import load_dataset
from alzedge.data.people.table import COLUMNS
from alzedge.data.prepared_scans import HEIGHTS_MM, find_prepared
from alzedge.errors import UserError
from alzedge.preparation import frame
from alzedge.preparation.brightness import WHITE
from alzedge.preparation.prepare import Prepared

ROWS = [
    "OAS1_0901_MR1,F,R,74,2,3,29,0.5,1344,0.743,1.306,N/A",
    "OAS1_0901_MR2,F,R,75,,,,,,0.741,1.306,40",
    "OAS1_0902_MR1,M,R,28,,,,0,1588,0.803,1.105,N/A",
]
NAMES = ("OAS1_0901_MR1", "OAS1_0901_MR2", "OAS1_0902_MR1")


def drawn(seed: int) -> np.ndarray:
    """A volume in the frame, float32 (176, 208, 176), white matter about 1: coarse noise inside the skull."""
    coarse = np.random.default_rng(seed).uniform(0.2, 1.1, (22, 26, 22)).astype(np.float32)
    return np.kron(coarse, np.ones((8, 8, 8), np.float32)) * frame.load_template().mask


def write_volume(folder: Path, volume: np.ndarray, affine: np.ndarray | None = None) -> None:
    from nibabel.nifti1 import Nifti1Image

    folder.mkdir(parents=True)
    grey = np.rint(np.clip(volume * WHITE, 0, 255)).astype(np.uint8)
    Nifti1Image(grey, frame.affine() if affine is None else affine).to_filename(folder / "volume.nii.gz")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("set") / "prepared"
    for seed, name in enumerate(NAMES):
        write_volume(root / name, drawn(seed))
    return root


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "people.csv"
    path.write_text("\n".join([",".join(COLUMNS), *ROWS]) + "\n")
    return path


@pytest.fixture(scope="module")
def loaded(prepared: Path, table: Path) -> DataSet:
    return load_dataset(prepared, people=table)


def test_people_sessions_stages_and_values(loaded: DataSet) -> None:
    first = {name: loaded.take([int(np.flatnonzero(loaded.scan == name)[0])]) for name in NAMES}
    assert len(loaded) == 3 * len(HEIGHTS_MM) and set(loaded.source) == {"oasis1"}
    assert [str(one.subject[0]) for one in first.values()] == ["OAS1_0901", "OAS1_0901", "OAS1_0902"]
    assert [int(one.labels[0]) for one in first.values()] == [1, 1, UNKNOWN_STAGE]
    assert [float(one.age[0]) for one in first.values()] == [74, 75, 28]
    assert [float(one.etiv[0]) for one in first.values()] == [1344, 1344, 1588]  # of MR2 the first scan's
    assert [float(one.nwbv[0]) for one in first.values()] == [0.743, 0.741, 0.803]
    assert np.isnan(first["OAS1_0902_MR1"].mmse[0]) and first["OAS1_0902_MR1"].sex[0] == "M"
    assert loaded.height[: len(HEIGHTS_MM)].tolist() == list(range(-38, 55, 4))


def test_pixels_are_those_that_preparation_cuts(loaded: DataSet) -> None:
    """Up to what the volume's 8 bits round away."""
    head = drawn(2)
    which = range(frame.FIRST_LEVEL - 38, frame.FIRST_LEVEL + 55, 4)
    cut = Prepared("x", head, head, np.eye(4), None).slices(which)  # type: ignore[arg-type]
    ours = loaded.images[loaded.scan == NAMES[2]]
    assert ours.shape == cut.shape and ours.any(axis=(1, 2)).all()
    assert np.abs(ours.astype(int) - cut).max() <= 2


def test_without_a_table_the_people_are_known_and_their_stages_are_not(prepared: Path) -> None:
    bare = load_dataset(prepared)
    assert (bare.labels == UNKNOWN_STAGE).all() and bare.subjects_known and np.isnan(bare.age).all()


def test_refusals(prepared: Path, table: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "OAS1_0001_MR1.nii.gz").write_bytes(b"")
    with pytest.raises(UserError, match=r"run `alzedge prepare .* --out PREPARED` first, then name PREPARED"):
        load_dataset(raw)
    (tmp_path / "own" / "OAS1_0001_MR1" / "RAW").mkdir(parents=True)
    with pytest.raises(UserError, match="then name PREPARED"):
        load_dataset(tmp_path / "own", people=table)
    write_volume(tmp_path / "others" / "sub-01", drawn(0)[:8])
    with pytest.raises(UserError, match="sub-01: not named like a scan of OASIS-1"):
        load_dataset(tmp_path / "others")
    write_volume(tmp_path / "turned" / NAMES[0], drawn(0), np.diag([2.0, 2, 2, 1]))
    with pytest.raises(UserError, match="not a volume in the frame"):
        load_dataset(tmp_path / "turned")
    write_volume(tmp_path / "more" / "OAS1_0007_MR1", drawn(0)[:8])
    with pytest.raises(UserError, match="OAS1_0007 is not in the table"):
        load_dataset(tmp_path / "more", people=table)
    assert find_prepared(tmp_path / "more" / "OAS1_0007_MR1") == []
