"""A model file's record in at most 15 lines."""

import textwrap
from typing import Any

from alzedge.inference.measures.demographics import Coding
from alzedge.inference.measures.rule import Measures
from alzedge.metrics.caveats import cannot_sentence, operating_sentence
from alzedge.metrics.record_facts import is_synthetic
from alzedge.model_file.read_write import Record
from alzedge.model_file.record_entries import count, entry_of, number

_WIDTH = 100


def record_text(name: str, record: Record) -> str:
    """Lay out what matters to a user: what the file is, what it was made from, and what it can and cannot tell.

    Args:
        name: of the file.
        record: in it; an entry of another type than it should have counts as missing.
    """
    entries = {
        "file": f"{name}, {record['kind']}, AlzEdge {record['alzedge']}, {record.get('licence', 'no licence named')}",
        "sha256": str(record["sha256"]),
        "answers": ", ".join(map(str, record["labels"])),
        "input": _input(record["preprocessing"]) + _told(record),
        "made from": _data(record),
        "network": _network(record.get("verdict")),
        "guard": _guard(record.get("guard")),
        "measures": _measures(record),
        "threshold": operating_sentence(record),
        "stages": cannot_sentence(record),
        "use": str(record.get("disclaimer", "")),
        "more": "alzedge inspect --json",
    }
    indent = max(map(len, entries)) + 2
    lines = (f"{key:<{indent}}{value}" for key, value in entries.items() if value)
    return "\n".join(textwrap.fill(line, _WIDTH, subsequent_indent=" " * indent) for line in lines)


def _input(preprocessing: Any) -> str:
    shrink = count(entry_of(preprocessing, "shrink"))
    steps = entry_of(preprocessing, "steps") or []
    return f"176 x 208 pixels, 8-bit grey, shrunk {shrink} times" + "".join(f", step {step}" for step in steps)


def _told(record: Record) -> str:
    coding = Coding.read(record)
    if coding is None:
        return ""
    return f"; age from {coding.youngest:g} to {coding.oldest:g} and sex, each if known, for the stages"


def _guard(guard: Any) -> str:
    if not guard:
        return "none: answers for anything"
    measured = entry_of(guard, "measured")
    share = number(entry_of(entry_of(measured, "false_refusals"), "refused"))
    unseen = entry_of(measured, "unseen_source")
    others = [number(entry_of(entry, "refused")) for entry in unseen.values()] if isinstance(unseen, dict) else []
    said = "refuses what is not a slice"
    if share is not None:
        said += f"; by mistake {share:.1%} of test slices"
        rates = [rate for rate in others if rate is not None]
        if rates:
            said += f", {max(rates):.1%} of an unseen source's"
    return said


def _data(record: Record) -> str:
    data, split = record.get("dataset"), record.get("split")
    people = count(entry_of(data, "people"))
    who = "people unknown" if people is None else f"{people} {'phantoms' if is_synthetic(record) else 'people'}"
    trained = count(entry_of(split, "training_slices"))
    learned = "" if trained is None else f" ({trained} train)"
    return (
        f"{entry_of(data, 'name')}: {entry_of(data, 'slices')} slices{learned}, {who}; {entry_of(split, 'description')}"
    )


def _measures(record: Record) -> str:
    measures = Measures.read(record)
    if measures is None:
        return ""
    parts = [("brain volume", measures.anywhere.brain_volume), ("apparent age", measures.anywhere.age)]
    named = [name for name, part in parts if part is not None]
    norm = f"; percentiles at {measures.norm.ages[0]:.0f} to {measures.norm.ages[1]:.0f}" if measures.norm else ""
    told = f"{' and '.join(named)}, 90% intervals{norm}; " if named else "stages calibrated per person; "
    return f"{told}from {measures.people} {'phantoms' if is_synthetic(record) else 'people'}"


def _network(verdict: Any) -> str:
    size, agreement = count(entry_of(verdict, "bytes")), number(entry_of(verdict, "agreement"))
    if size is None or agreement is None:
        return ""
    return f"{entry_of(verdict, 'format')}, {size / 1024:.0f} KiB; same stage as its Keras student for {agreement:.1%}"
