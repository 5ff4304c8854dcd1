"""JSON sidecars (BIDS, dcm2niix): the keys that DICOM's allow-list knows too, with values of the same kind."""

import json

from alzedge.deidentify.rules.allow_list import ALLOWED, Rule
from alzedge.deidentify.rules.refusals import LeftOut
from alzedge.deidentify.rules.values import plain_value

_MAX_BYTES = 2**20
_RULES = (Rule.NUMBER, Rule.WHOLE, Rule.CODE, Rule.CODES, Rule.VENDOR, Rule.AGE)
_ALLOWED = {allowed.keyword: allowed for allowed in ALLOWED if allowed.rule in _RULES}


def clean_sidecar(data: bytes) -> bytes:
    """De-identify the bytes of a JSON sidecar.

    Raises:
        LeftOut: not JSON, not an object, or over a mebibyte.
    """
    try:
        found = json.loads(data) if len(data) <= _MAX_BYTES else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise LeftOut("JSON that is not a sidecar, damaged or over 1 MiB; it stays where it is")
    kept = {}
    for keyword, allowed in _ALLOWED.items():
        value = found.get(keyword)
        values = value if isinstance(value, list) else [] if value is None else [value]
        new = [_as_json(one) for one in plain_value(allowed, values)]
        if new:
            kept[keyword] = new if isinstance(value, list) else new[0]
    return (json.dumps(kept, indent=2, allow_nan=False) + "\n").encode()


def _as_json(value: object) -> object:
    return value if isinstance(value, int | float | str) else str(value)
