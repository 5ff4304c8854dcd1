"""OASIS-1's table in every dress it comes in, and what is refused."""

from pathlib import Path

import pytest

from alzedge.data.people.table import COLUMNS, read_people
from alzedge.errors import UserError

ROWS = [
    "OAS1_0901_MR1,F,R,74,2,3,29,0,1344,0.743,1.306,N/A",
    "OAS1_0902_MR1,M,R,28,,,,0,1588,0.803,1.105,N/A",
    "OAS1_0903_MR2,M,L,61,,,,,1500,0.79,1.17,40",
    "OAS1_0903_MR1,M,L,61,4,,27,0.5,1499,0.8,1.171,",
]


def write(path: Path, rows: list[str] = ROWS, header: str = ",".join(COLUMNS)) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_people_sessions_and_missing_values(tmp_path: Path) -> None:
    first, second, third = read_people(write(tmp_path / "t.csv"))
    assert (first.oasis_id, first.first.sex, first.first.age, first.first.mmse, first.first.nwbv) == (
        "OAS1_0901",
        "F",
        74.0,
        29,
        0.743,
    )
    assert first.first.delay is None
    assert [scan.oasis_id for scan in third.sessions] == ["OAS1_0903_MR1", "OAS1_0903_MR2"]
    assert (third.sessions[1].delay, third.first.ses, third.first.hand) == (40, None, "L")
    assert len(second.sessions) == 1


def test_nobody_is_healthy_by_default(tmp_path: Path) -> None:
    first, second, third = read_people(write(tmp_path / "t.csv"))
    assert (first.first.cdr, second.first.cdr, third.first.cdr) == (0.0, None, 0.5)
    assert third.sessions[1].cdr is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiters_marks_and_line_ends(tmp_path: Path, delimiter: str, encoding: str, newline: str) -> None:
    plain = read_people(write(tmp_path / "plain.csv"))
    text = (tmp_path / "plain.csv").read_text().replace(",", delimiter).replace("\n", newline)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    assert read_people(tmp_path / "t.csv") == plain


def test_decimal_commas(tmp_path: Path) -> None:
    plain = read_people(write(tmp_path / "plain.csv"))
    text = (tmp_path / "plain.csv").read_text().replace(",", ";").replace(".", ",")
    (tmp_path / "t.csv").write_text(text)
    assert read_people(tmp_path / "t.csv") == plain
    quoted = [row.replace("0.743", '"0,743"') for row in ROWS]
    assert read_people(write(tmp_path / "quoted.csv", quoted)) == plain


@pytest.mark.parametrize("missing", ["", "N/A", "n/a", "NaN", "."])
def test_ways_to_say_nothing(tmp_path: Path, missing: str) -> None:
    row = f"OAS1_0901_MR1,F,R,74,2,{missing},{missing},0,1344,{missing},1.306,{missing}"
    scan = read_people(write(tmp_path / "t.csv", [row]))[0].first
    assert (scan.ses, scan.mmse, scan.nwbv, scan.delay, scan.cdr) == (None, None, None, None, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (",74,", ",0,", "Age 0"),
        (",74,", ",700,", "Age 700"),
        (",74,", ",,", "no age"),
        (",74,", ",old,", "'old'"),
        (",74,", ",inf,", "Age inf"),
        (",29,0,", ",31,0,", "MMSE 31"),
        (",29,0,", ",29,0.7,", "CDR 0.7"),
        (",29,0,", ",28.5,0,", "whole number"),
        ("0.743", "0.0743", "nWBV"),
        ("0901_MR1,F", "0901_MR1,X", "M/F"),
        ("OAS1_0901_MR1", "Alice", "Alice"),
        ("OAS1_0902_MR1", "OAS1_0901_MR1", "twice"),
        ("OAS1_0903_MR2,M", "OAS1_0903_MR2,F", "OAS1_0903"),
        ("0.743,", "0,743,", "cells"),
        ("29,0,1344", '29,"0,1344', "readable"),
    ],
)
def test_refusals_name_file_and_value(tmp_path: Path, old: str, new: str, word: str) -> None:
    text = "\n".join(ROWS)
    assert old in text
    path = write(tmp_path / "people.csv", text.replace(old, new, 1).split("\n"))
    with pytest.raises(UserError) as refusal:
        read_people(path)
    assert "people.csv" in str(refusal.value) and word in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_refuses_what_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    header = ",".join(COLUMNS).replace(",nWBV", "").replace(",Age", "")
    for content, word in [
        (header.encode(), "Age, nWBV"),
        (",".join(COLUMNS).encode(), "no rows"),
        (b"", "no column"),
        (b"\x89PNG\r\n\xff\xfe", "UTF-8"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"ID\0,M/F", "text"),
        (b"x" * (2**22 + 1), "MiB"),
    ]:
        path.write_bytes(content)
        with pytest.raises(UserError, match=word):
            read_people(path)
    for absent in (tmp_path, tmp_path / "absent.csv"):
        with pytest.raises(UserError, match="no such file"):
            read_people(absent)


def test_the_real_table(oasis_table: Path) -> None:
    people = read_people(oasis_table)
    assert (len(people), sum(len(person.sessions) for person in people)) == (416, 436)
    cdr = [person.first.cdr for person in people]
    assert [cdr.count(value) for value in (None, 0.0, 0.5, 1.0, 2.0)] == [181, 135, 70, 28, 2]
    assert all(person.first.mmse is not None for person in people if person.first.cdr is not None)
