"""The gate's decision as text for a terminal."""

from alzedge.export.evaluate.gate.compare import WANTED_POWER
from alzedge.model_file.decision import Check, Decision, Outcome, Verdict, decisive
from alzedge.utils.text_table import in_columns

_SENTENCES = {
    Outcome.BLESSED: "BLESSED: every comparison that decides shows it to be no worse by more than the margin.",
    Outcome.REFUSED: "REFUSED: it is shown to be worse than a limit allows.",
    Outcome.CANNOT_TELL: "CANNOT TELL: these people are too few to show that it is good enough, or that it is not.",
}


def decision_text(decision: Decision) -> str:
    """Lay out a decision: the outcome, each check with its interval and limit, the power, who was held out."""
    rows = [["verdict", "figure", "value (90 % interval)", "limit", "people"]]
    rows += [_row(check) for check in decisive(decision.checks)]
    lines = [_SENTENCES[decision.outcome], "", in_columns(rows), ""]
    if decision.power is not None:
        enough = decision.power >= WANTED_POWER or not decision.people_needed
        needed = "" if enough else f"; {decision.people_needed} people would make it {WANTED_POWER:.0%}"
        lines.append(
            f"power: on these people a model exactly as good as the champion passes the hardest comparison ({decision.hardest}) "
            f"with a chance of {decision.power:.0%}{needed}."
        )
    lines += [f"held out: {decision.held_out}", *(f"note: {note}" for note in decision.notes)]
    if any(not check.decides for check in decision.checks):
        lines.append("note: figures in brackets can refuse a model; that nothing is shown of them does not stop it.")
    return "\n".join(lines)


def _row(check: Check) -> list[str]:
    verdict = str(check.verdict) if check.decides or check.verdict is Verdict.FAILED else f"({check.verdict})"
    interval = "" if check.low == check.high == check.value else f" ({check.low:.4f} to {check.high:.4f})"
    sign = "at least" if check.at_least else "at most"
    people = "" if check.people is None else str(check.people)
    return [verdict, check.name, f"{check.value:.4f}{interval}", f"{sign} {check.limit:g}", people]
