"""The decision of the gate, which a model file carries in its record: `alzedge.export.evaluate.gate` takes it, the registry asks for it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from alzedge.model_file.record import Record
from alzedge.model_file.record_entries import entry_of

GATE_ENTRY = "gate"


class Verdict(StrEnum):
    """Verdict on one check."""

    PASSED = "passed"
    FAILED = "failed"
    UNSURE = "cannot tell"


class Outcome(StrEnum):
    """Outcome of all checks together."""

    BLESSED = "blessed"
    REFUSED = "refused"
    CANNOT_TELL = "cannot tell"


EXIT_CODES = {Outcome.BLESSED: 0, Outcome.REFUSED: 3, Outcome.CANNOT_TELL: 4}


@dataclass(frozen=True)
class Check:
    """One figure held against its limit.

    Attributes:
        name: what was compared, such as 'AUC of any dementia, new less champion'.
        value: measured, in the figure's own unit.
        low, high: ends of its 90 % interval, so that each end alone is a bound of 95 %; the value itself where the
            figure is counted, not estimated.
        limit: the figure must be at least this, or at most.
        at_least: which of the two.
        decides: false where the figure can refuse a model, but need not be shown: a small group of people proves little.
        people: whom it was measured on; None for figures of files.
    """

    name: str
    value: float
    low: float
    high: float
    limit: float
    at_least: bool
    decides: bool = True
    people: int | None = None

    @property
    def verdict(self) -> Verdict:
        """Passed where the whole interval lies on the right side of the limit, failed where it lies on the wrong one."""
        worst, best = (self.low, self.high) if self.at_least else (-self.high, -self.low)
        limit = self.limit if self.at_least else -self.limit
        if worst >= limit:
            return Verdict.PASSED
        return Verdict.FAILED if best < limit else Verdict.UNSURE


@dataclass(frozen=True)
class Decision:
    """Decision on a new model.

    Attributes:
        checks: all that was looked at.
        candidate: SHA-256 in the new model's record, before this decision was written into it; None for predictions.
        against: SHA-256 in the champion's record; None without a champion, or for predictions.
        data: fingerprint of the data set; see `alzedge.data.dataset.DataSet.fingerprint`.
        people: number of held-out people.
        held_out: sentence on who they are and why neither model has seen them.
        power: chance, 0 to 1, that a model exactly as good as the champion passes the comparison with the fewest
            chances; None without a champion.
        hardest: name of that comparison; '' without a champion.
        people_needed: number of people for a power of 0.8; None without a champion, or where no number is enough.
        notes: sentences on what could not be checked.
        signed_by: who answers for it; '' for nobody.
    """

    checks: tuple[Check, ...]
    candidate: str | None
    against: str | None
    data: str
    people: int
    held_out: str
    power: float | None = None
    hardest: str = ""
    people_needed: int | None = None
    notes: tuple[str, ...] = ()
    signed_by: str = ""

    @property
    def outcome(self) -> Outcome:
        """Refused where any check failed; blessed where all that decide passed; otherwise the data cannot tell."""
        if any(check.verdict is Verdict.FAILED for check in self.checks):
            return Outcome.REFUSED
        shown = all(check.verdict is Verdict.PASSED for check in self.checks if check.decides)
        return Outcome.BLESSED if shown else Outcome.CANNOT_TELL

    def to_dict(self) -> dict[str, Any]:
        """The record's entry `gate`, numbers to six decimals."""
        content = asdict(self) | {"outcome": str(self.outcome)}
        content["checks"] = [
            {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(check).items()}
            | {"verdict": str(check.verdict)}
            for check in self.checks
        ]
        return content | {"notes": list(self.notes), "power": None if self.power is None else round(self.power, 3)}


@dataclass(frozen=True)
class SignedDecision:
    """The part of a decision that a promotion depends on, as a file's record says it.

    Attributes:
        outcome: 'blessed', 'refused' or 'cannot tell'; '' where the file was never shown to the gate.
        against: SHA-256 of the champion it was compared with; None without one.
        people: number of held-out people; None where unknown.
        signed_by: who answers for it; '' for nobody.
    """

    outcome: str = ""
    against: str | None = None
    people: int | None = None
    signed_by: str = ""

    @classmethod
    def read(cls, record: Record) -> "SignedDecision":
        """Read the entry `gate` of a record."""
        entry = record.get(GATE_ENTRY)
        texts = [entry_of(entry, name) for name in ("outcome", "against", "signed_by")]
        outcome, against, signed_by = (text if isinstance(text, str) else None for text in texts)
        people = entry_of(entry, "people")
        return cls(outcome or "", against, people if isinstance(people, int) else None, signed_by or "")


def decisive(checks: Sequence[Check]) -> list[Check]:
    """Sort checks so that those behind the outcome come first: failed, cannot tell, passed."""
    order = {Verdict.FAILED: 0, Verdict.UNSURE: 1, Verdict.PASSED: 2}
    return sorted(checks, key=lambda check: order[check.verdict] if check.decides or order[check.verdict] == 0 else 3)
