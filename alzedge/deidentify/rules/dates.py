"""Dates that keep their intervals, and ages that single nobody out."""

import re
from datetime import date, timedelta

# From here on ages single people out (45 CFR 164.514(b)(2)(i)(C)): 089Y reads "89 years or more".
OLDEST = 89
_DAYS_PER_YEAR = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def read_date(text: str) -> date | None:
    """A DICOM date (VR DA: YYYYMMDD, or YYYY.MM.DD before 1993); None where it is not one."""
    match = re.fullmatch(r"(\d{4})(\.?)(\d{2})\2(\d{2})", text.strip())
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        return None


def shifted(text: str, days: int) -> str:
    """A DICOM date moved back by some days; empty where it is not a date or the calendar ends."""
    found = read_date(text)
    try:
        moved = None if found is None else found - timedelta(days)
    except OverflowError:
        moved = None
    return "" if moved is None else moved.isoformat().replace("-", "")


def capped_age(text: str) -> str:
    """A DICOM age (VR AS: three digits and D, W, M or Y), with 89 years or more as 089Y; empty where it is not one."""
    match = re.fullmatch(r"(\d{1,4})([DWMY])", text.strip().upper())
    if match is None:
        return ""
    number, unit = int(match[1]), match[2]
    if number * _DAYS_PER_YEAR[unit] >= OLDEST:
        return f"{OLDEST:03}Y"
    return f"{number:03}{unit}" if number < 1000 else ""


def age_between(birth: str, study: str) -> str:
    """The age in whole years on a day, as a DICOM age; empty where a date is missing or they are out of order."""
    born, seen = read_date(birth), read_date(study)
    if born is None or seen is None or seen < born:
        return ""
    years = seen.year - born.year - ((seen.month, seen.day) < (born.month, born.day))
    return capped_age(f"{years}Y")
