"""Canaries in every attribute there is: not one byte of them comes through."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.canaries import Canaries, every_tag, mr_image, plant, quiet_pydicom, table_e1_1, write
from helpers.commands import run_cli
from helpers.heads import head

from alzedge.deidentify.audit import audit_folder
from alzedge.deidentify.dicom import clean_dicom
from alzedge.deidentify.rules.allow_list import ALLOWED, Rule
from alzedge.deidentify.rules.pseudonyms import derive
from alzedge.deidentify.run import deidentify

pydicom = pytest.importorskip("pydicom")
pytest.importorskip("scipy")
pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.usefixtures("_quiet")]

EXPLICIT, IMPLICIT, RLE, JPEG = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
)
OF_THE_TABLE = sorted(set(every_tag()) & set(table_e1_1()))
KEY = "the key of these tests, kept nowhere"
SEQUENCES = [allowed.keyword for allowed in ALLOWED if allowed.rule is Rule.SEQUENCE]


@pytest.fixture
def _quiet() -> Iterator[None]:
    with quiet_pydicom():
        yield


def nested(dataset: Any, canaries: Canaries, tags: list[int], depth: int) -> None:
    """Canaries inside the sequences that survive, some levels down."""
    plant(dataset, canaries, tags)
    if depth:
        for keyword in SEQUENCES[depth % 3 :: 3]:
            items = [pydicom.Dataset(), pydicom.Dataset()]
            nested(items[1], canaries, tags, depth - 1)
            setattr(dataset, keyword, items)


def bytes_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All names and contents below a folder."""
    for path in folder.rglob("*"):
        yield "name", path.relative_to(folder).as_posix().encode()
        if path.is_file():
            yield path.name, path.read_bytes()


def assert_none_left(canaries: list[Canaries], folder: Path) -> None:
    needles = {needle for one in canaries for needle in one.needles}
    for name, data in bytes_of(folder):
        left = [needle for needle in needles if needle in data]
        assert not left, f"{name}: {left[:5]}"


def test_the_table_is_the_whole_one() -> None:
    tags = table_e1_1()
    assert len(tags) == len(set(tags)) == 654 and 0x00100020 in tags and 0x60003000 in tags


@pytest.mark.parametrize(
    ("syntax", "tags", "least"),
    [
        (EXPLICIT, every_tag(), 5000),
        (IMPLICIT, every_tag(), 5000),
        (RLE, OF_THE_TABLE, 600),
        (JPEG, OF_THE_TABLE, 600),
    ],
    ids=["explicit", "implicit", "rle", "jpeg"],
)
def test_of_two_people_with_a_canary_in_every_attribute_nothing_is_left(
    tmp_path: Path, syntax: str, tags: list[int], least: int
) -> None:
    """Every attribute of table E.1-1, preamble, meta and trailing bytes; and of pydicom's whole dictionary, private ones.

    Which way the pixels are packed makes no difference to the attributes, so packed ones have those of the table alone.
    """
    people = [Canaries("ZQ"), Canaries("KX")]
    for canaries in people:
        person = canaries.value("SH")
        dataset = mr_image(head(), person)
        plant(dataset, canaries, tags)
        path = tmp_path / "src" / person / canaries.value("SH") / canaries.value("SH")
        raw = write(path, dataset, syntax, canaries).read_bytes() + str(path).encode()
        assert not [planted for planted in canaries.planted if planted not in raw]  # the test is not blind
    assert len(people[0].planted) > least
    report = deidentify(tmp_path / "src", tmp_path / "dst", derive(KEY))
    assert (report.written, report.people, report.left_out.total()) == (2, 2, 0)
    assert_none_left(people, tmp_path / "dst")
    values = tuple(planted.decode() for one in people for planted in one.planted if len(planted) >= 6)
    audit = audit_folder(tmp_path / "dst", values)
    assert audit.found == {}
    for path in (tmp_path / "dst").rglob("*.dcm"):
        found = pydicom.dcmread(path)
        assert found.PatientIdentityRemoved == "YES" and found.PatientAge == "089Y"
        if syntax != JPEG:
            assert np.array_equal(found.pixel_array, head())
        assert {element.keyword for element in found} <= {allowed.keyword for allowed in ALLOWED}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_canaries_inside_the_sequences_that_survive(tmp_path: Path, syntax: str) -> None:
    canaries = Canaries("NT")
    dataset = mr_image(head())
    nested(dataset, canaries, table_e1_1()[4:], 2)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    raw = write(tmp_path / "src" / "a", dataset, syntax, canaries).read_bytes()
    lost = [planted for planted in canaries.planted if planted not in raw]
    assert len(canaries.planted) > 8000 and len(lost) < 100  # those of sequences that were replaced one level up
    report = deidentify(tmp_path / "src", tmp_path / "dst", derive(KEY))
    assert report.written == 1
    assert_none_left([canaries], tmp_path / "dst")


@pytest.mark.parametrize("seed", range(20))
def test_fuzz_any_nesting_of_any_attributes(tmp_path: Path, seed: int) -> None:
    """Random attributes at random depths, in sequences of any kind, of defined and undefined length."""
    chance = random.Random(seed)
    tags = every_tag()
    canaries = Canaries("FZ")

    def fill(dataset: Any, depth: int) -> None:
        plant(dataset, canaries, sorted(chance.sample(tags, 40)))
        for _ in range(chance.randrange(4) if depth else 0):
            items = [pydicom.Dataset() for _ in range(chance.randrange(1, 3))]
            for item in items:
                fill(item, depth - 1)
            keyword = chance.choice([*SEQUENCES, "ReferencedImageSequence", "ContentSequence"])
            dataset.add_new(pydicom.datadict.tag_for_keyword(keyword), "SQ", items)
            dataset[keyword].is_undefined_length = chance.random() < 0.5

    dataset = mr_image(head())
    fill(dataset, 4)
    dataset.PatientID = canaries.value("LO")
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(dataset, keyword, canaries.value("UI"))
    path = write(tmp_path / "a.dcm", dataset, chance.choice([EXPLICIT, IMPLICIT]), canaries)
    clean = clean_dicom(path.read_bytes(), derive(KEY)).data
    assert not [needle for needle in canaries.needles if needle in clean]


@pytest.mark.slow
def test_the_command_prints_no_canary_and_strings_finds_none(tmp_path: Path) -> None:
    canaries = Canaries("CL")
    dataset = mr_image(head())
    plant(dataset, canaries, every_tag())
    path = tmp_path / "src" / canaries.value("SH")
    write(path, dataset, EXPLICIT, canaries)
    write(path.parent / canaries.value("SH"), mr_image(head(), canaries.value("LO")))
    (path.parent / f"{canaries.value('SH')}.txt").write_text(canaries.value("LO"))
    key, values = tmp_path / "key.txt", tmp_path / "values.txt"
    key.write_text(canaries.value("LO") * 3)
    values.write_text("\n".join(sorted(planted.decode() for planted in canaries.planted if len(planted) > 5)))
    done = run_cli("deidentify", path.parent, tmp_path / "dst", "--key", key, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    checked = run_cli("deidentify", "--check", tmp_path / "dst", "--values", values)
    assert checked.returncode == 0, checked.stdout
    told = (done.stdout + done.stderr + checked.stdout + checked.stderr).replace(str(tmp_path), "").encode()
    assert not [needle for needle in canaries.needles if needle in told]
    assert_none_left([canaries], tmp_path / "dst")
