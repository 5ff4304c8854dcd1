"""The table of people that anybody may lay beside their images: what it may say, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alzedge.data.dataset import UNKNOWN_STAGE, DataSet
from alzedge.data.loading import load_dataset
from alzedge.data.subjects_csv import subjects_csv
from alzedge.errors import UserError
from alzedge.stages import STAGES

HEADER = "path,subject,scan,age,sex,education,mmse,etiv,nwbv"
ROWS = [f"{stage}/a.png,p{k},,7{k},F,12,2{k},1500.5,0.7{k}" for k, stage in enumerate(STAGES)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("own")
    for stage in STAGES:
        (root / stage).mkdir()
        Image.new("L", (176, 208), 9).save(root / stage / "a.png")
    return root


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "subjects.csv").write_bytes(text.encode(encoding))
    return folder


def plain() -> str:
    return "\n".join([HEADER, *ROWS]) + "\n"


def values(dataset: DataSet) -> list[list]:
    return [getattr(dataset, name).tolist() for name in ("age", "sex", "education", "mmse", "etiv", "nwbv")]


def test_values_are_read_in_every_dress(folder: Path) -> None:
    expected = values(load_dataset(write(folder, plain())))
    assert expected == [
        [70, 71, 72, 73], ["F"] * 4, [12] * 4, [20, 21, 22, 23], [1500.5] * 4, [0.70, 0.71, 0.72, 0.73],
    ]  # fmt: skip
    for text, encoding in (
        (plain(), "utf-8-sig"),
        ("sep=,\n" + plain().replace("/a.png", "//a.png").replace("Very", "./Very"), "utf-8"),
        (plain().replace(",", ";").replace(".7", ",7").replace("0.5", "0,5"), "utf-8"),
        (plain().replace(",", "\t").replace("\n", "\r\n"), "utf-8"),
        (plain().replace(",F,", ",female,").replace("age", " Age ").replace("nwbv", "nWBV"), "utf-8"),
    ):
        assert values(load_dataset(write(folder, text, encoding))) == expected


def test_what_is_missing_stays_missing(folder: Path) -> None:
    text = plain().replace(",71,", ",N/A,").replace(",F,12,", ",,n/a,", 1)
    read = load_dataset(write(folder, text))
    assert np.isnan(read.age).tolist() == [False, True, False, False]
    assert read.sex.tolist() == ["", "F", "F", "F"] and np.isnan(read.education[0])
    bare = load_dataset(write(folder, "path,subject\n" + "".join(f"{s}/a.png,{s}\n" for s in STAGES)))
    assert np.isnan(bare.age).all() and (bare.sex == "").all() and (bare.scan == "").all()


def test_one_row_fills_the_others_of_its_scan(folder: Path) -> None:
    again = folder / STAGES[0] / "b.png"
    Image.new("L", (176, 208), 8).save(again)
    try:
        read = load_dataset(write(folder, plain() + f"{STAGES[0]}/b.png,p0,,,,,,,\n"))
        assert read.age[:2].tolist() == [70, 70] and read.sex[1] == "F"
        later = load_dataset(write(folder, plain() + f"{STAGES[0]}/b.png,p0,second,72,,,,,\n"))
        assert later.age[:2].tolist() == [70, 72] and later.sex[1] == "F" and np.isnan(later.nwbv[1])
        with pytest.raises(UserError, match=r"subjects\.csv: p0 has age 70\.0 and 71\.0; keep one"):
            load_dataset(write(folder, plain() + f"{STAGES[0]}/b.png,p0,,71,,,,,\n"))
        with pytest.raises(UserError, match="p0 has sex F and M"):
            load_dataset(write(folder, plain() + f"{STAGES[0]}/b.png,p0,second,72,M,,,,\n"))
    finally:
        again.unlink()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",70,", ",0,", "NonDemented/a.png has age 0; expected 1 to 120 years"),
        (",70,", ",700,", "age 700"),
        (",70,", ",nine,", "age 'nine', not a number"),
        (",70,", ",inf,", "age inf"),
        (",F,", ",x,", "sex 'x'; expected F or M"),
        (",20,", ",31,", "mmse 31"),
        ("0.70", "70", "nwbv 70; expected 0.3 to 1"),
        ("0.70", "0,70", "more cells than the header"),
    ],
)
def test_refusals_name_the_table_and_the_image(folder: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(UserError) as refusal:
        load_dataset(write(folder, plain().replace(old, new, 1)))
    assert words in str(refusal.value) and "subjects.csv" in str(refusal.value) and "\n" not in str(refusal.value)


def test_written_tables_keep_what_is_known(folder: Path, phantoms: DataSet) -> None:
    read = load_dataset(write(folder, plain()))
    assert load_dataset(write(folder, subjects_csv(read))).fingerprint == read.fingerprint
    assert subjects_csv(phantoms).splitlines()[0] == "path,label,subject,slice,split,scan,sex,height,age,nwbv"
    unknown = replace(phantoms.take([0]), labels=np.array([UNKNOWN_STAGE]))
    assert subjects_csv(unknown).splitlines()[1].split(",")[1] == ""


def test_pictures_of_a_kind_that_is_not_read_are_not_passed_over(folder: Path) -> None:
    picture = folder / STAGES[1] / "b.GIF"
    picture.write_bytes(b"GIF89a")
    with pytest.raises(UserError, match=r"b\.GIF is a picture of a kind that is not read"):
        load_dataset(folder)
    picture.unlink()
