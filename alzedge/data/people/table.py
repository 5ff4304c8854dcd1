"""OASIS-1's public table `oasis_cross-sectional.csv`: 416 people, 20 of them scanned twice.

Source: Marcus et al. 2007, J Cogn Neurosci 19:1498, doi 10.1162/jocn.2007.19.9.1498.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from alzedge.errors import UserError

COLUMNS = ("ID", "M/F", "Hand", "Age", "Educ", "SES", "MMSE", "CDR", "eTIV", "nWBV", "ASF", "Delay")
_ID = re.compile(r"(OAS1_\d{4})_MR(\d)")
_MISSING = {"", "n/a", "na", "nan", "none", "null", ".", "-"}
# What a value may be in adults; Educ and SES are OASIS-1's codes (table 2 of the paper), eTIV is in cm3.
_RANGES = {
    "Age": (18, 110),
    "Educ": (1, 5),
    "SES": (1, 5),
    "MMSE": (0, 30),
    "CDR": (0, 3),
    "eTIV": (700, 2500),
    "nWBV": (0.4, 1),
    "ASF": (0.5, 2.5),
    "Delay": (0, 365),
}
_WHOLE = ("Educ", "SES", "MMSE", "Delay")
_MAX_BYTES = 2**22


@dataclass(frozen=True)
class Session:
    """One scan, as a row of the table describes it. A missing value is None.

    Attributes:
        oasis_id: `OAS1_0061_MR2`.
        person: `OAS1_0061`.
        number: 1 for MR1, 2 for MR2.
        sex: 'F' or 'M'.
        hand: 'R' or 'L'.
        age: years.
        education: 1 (below high school) to 5 (beyond college).
        ses: socioeconomic status, 1 (highest) to 5.
        mmse: Mini-Mental State Examination, 0 to 30.
        cdr: Clinical Dementia Rating, 0, 0.5, 1, 2 or 3; None for people who were not examined.
        etiv: estimated total intracranial volume, cm3.
        nwbv: normalised whole-brain volume, share of eTIV.
        asf: atlas scaling factor.
        delay: days since MR1.
    """

    oasis_id: str
    person: str
    number: int
    sex: str
    hand: str | None
    age: float
    education: int | None
    ses: int | None
    mmse: int | None
    cdr: float | None
    etiv: float | None
    nwbv: float | None
    asf: float | None
    delay: int | None


@dataclass(frozen=True)
class Person:
    """One person with all scans, the first one first.

    Attributes:
        oasis_id: `OAS1_0061`.
        sessions: in the order of their numbers.
    """

    oasis_id: str
    sessions: tuple[Session, ...]

    @property
    def first(self) -> Session:
        """The first scan, which carries the clinical examination."""
        return self.sessions[0]


def read_people(path: Path) -> tuple[Person, ...]:
    """Read OASIS-1's table: UTF-8 or UTF-16, with or without byte-order mark, split by comma, semicolon or tab.

    Copies of the table write CDR 0 for people below the age of examination, whom the original
    leaves blank. Whoever has neither an MMSE nor an education was not examined, so that 0 is
    read as missing: nobody is healthy by default.

    Returns:
        People in the order of their identifiers.

    Raises:
        UserError: no such file, not a table, columns missing, a value that cannot be, a scan or a
            person's number twice, or two sexes for one person.
    """
    rows = _rows(path)
    sessions: dict[str, Session] = {}
    for line, row in rows:
        session = _session(row, f"{path}, line {line}")
        if session.oasis_id in sessions:
            raise UserError(f"{path}, line {line}: {session.oasis_id} stands there twice; keep one row.")
        sessions[session.oasis_id] = session
    if not sessions:
        raise UserError(f"{path}: a header and no rows; download oasis_cross-sectional.csv again.")
    return _people(path, sessions.values())


def _people(path: Path, sessions: Iterable[Session]) -> tuple[Person, ...]:
    by_person: dict[str, list[Session]] = defaultdict(list)
    for session in sorted(sessions, key=lambda s: s.oasis_id):
        by_person[session.person].append(session)
    for person, scans in by_person.items():
        if len({scan.sex for scan in scans}) > 1:
            raise UserError(f"{path}: {person} is F in one row and M in another; correct the table.")
    return tuple(Person(person, tuple(scans)) for person, scans in by_person.items())


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line numbers and the named cells of each row that is not blank."""
    text = _text(path)
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names = [name.strip().lower() for name in next(reader, [])]
        missing = [column for column in COLUMNS if column.lower() not in names]
        if missing:
            raise UserError(
                f"{path}: no column {', '.join(missing)}; expected OASIS-1's oasis_cross-sectional.csv with the "
                f"columns {','.join(COLUMNS)}."
            )
        if len(set(names)) < len([name for name in names if name]):
            raise UserError(f"{path}: two columns have the same name; keep one of each.")
        found = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                raise UserError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells where the header has {len(names)}; "
                    "write decimal commas in quotes or split the table by semicolons."
                )
            row = dict(zip(names, (cell.strip() for cell in cells), strict=True))
            found.append((reader.line_num, {column: row[column.lower()] for column in COLUMNS}))
    except csv.Error as error:
        raise UserError(f"{path}: not a readable table ({error}); save it as CSV again.") from error
    return found


def _text(path: Path) -> str:
    if not path.is_file():
        raise UserError(f"{path}: no such file; name OASIS-1's table oasis_cross-sectional.csv.")
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise UserError(f"{path}: over {_MAX_BYTES // 2**20} MiB, so not OASIS-1's table; name the CSV file.")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text file in UTF-8; save the table as CSV in UTF-8.") from error
    if "\0" in text:
        raise UserError(f"{path}: not a text file; save the table as CSV in UTF-8.")
    return text


def _session(row: dict[str, str], where: str) -> Session:
    match = _ID.fullmatch(row["ID"])
    if match is None:
        raise UserError(f"{where}: ID {row['ID']!r} is not like OAS1_0001_MR1; use OASIS-1's own table.")
    if row["M/F"].upper() not in ("F", "M"):
        raise UserError(f"{where}: M/F is {row['M/F']!r}, expected F or M; correct the table.")
    values = {column: _number(row[column], column, where) for column in _RANGES}
    age, cdr = values["Age"], values["CDR"]
    if age is None:
        raise UserError(f"{where}: no age; OASIS-1's table has one for everybody.")
    if cdr not in (None, 0, 0.5, 1, 2, 3):
        raise UserError(f"{where}: CDR {cdr:g} does not exist; it is 0, 0.5, 1, 2 or 3.")
    if values["MMSE"] is None and values["Educ"] is None and cdr == 0:
        cdr = None
    whole = {column: None if (value := values[column]) is None else int(value) for column in _WHOLE}
    return Session(
        oasis_id=row["ID"],
        person=match[1],
        number=int(match[2]),
        sex=row["M/F"].upper(),
        hand=row["Hand"].upper() if row["Hand"].upper() in ("L", "R") else None,
        age=age,
        education=whole["Educ"],
        ses=whole["SES"],
        mmse=whole["MMSE"],
        cdr=cdr,
        etiv=values["eTIV"],
        nwbv=values["nWBV"],
        asf=values["ASF"],
        delay=whole["Delay"],
    )


def _number(cell: str, column: str, where: str) -> float | None:
    if cell.lower() in _MISSING:
        return None
    low, high = _RANGES[column]
    try:
        value = float(cell.replace(",", "."))
    except ValueError as error:
        raise UserError(f"{where}: {column} is {cell!r}, not a number; correct the table or leave it empty.") from error
    if not low <= value <= high:
        raise UserError(f"{where}: {column} {cell} is not between {low:g} and {high:g}; correct the table.")
    if column in _WHOLE and value != int(value):
        raise UserError(f"{where}: {column} {cell} is not a whole number; correct the table.")
    return value
