"""The answer in HTML: any dementia at the operating point first, stages second; and a refusal, kindly."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alzedge.demo.answering.reply import Reply
from alzedge.demo.answering.told import NOTHING_TOLD, Told
from alzedge.demo.answering.uploads import Unread
from alzedge.demo.html.curve import curve_html
from alzedge.demo.html.measures import measured_words, measures_html, stage_set_html
from alzedge.demo.html.rendering import render
from alzedge.demo.html.table import table_html
from alzedge.demo.html.verdict import (
    operating_html,
    size_text,
    threshold_of,
    verdict_of,
)
from alzedge.inference.answer import notes_in_words, without_copies
from alzedge.metrics.caveats import cannot_sentence
from alzedge.metrics.record_facts import is_synthetic
from alzedge.model_file.read_write import Record


def empty_html(record: Record) -> Markup:
    """The answer's place before the first question: what can be asked, and how far to trust what comes."""
    return render(
        "empty",
        size=size_text(record),
        measures=bool(record.get("measures")),
        operating=operating_html(record, per_slice=False),
        cannot=cannot_sentence(record),
    )


def answer_html(
    record: Record, reply: Reply, told: Told = NOTHING_TOLD, problem: str = "", weighed: str = ""
) -> Markup:
    """Draw the whole answer to one upload.

    Args:
        record: of the model that answered.
        reply: its answers.
        told: age and sex of the person; of no use to pictures of several people.
        problem: what was wrong with what was told, as a sentence; empty where nothing was.
        weighed: whether the score weighs what was told, as a sentence; empty for a model of the image alone.
    """
    if not reply.given:
        return refusal_html(_why_refused(reply), reply.unread)
    threshold = threshold_of(record)
    of_one = bool(reply.one_person) or not reply.several
    person = reply.person_told(told)
    measures = measures_html(person, reply.measures, told) if of_one else ""
    return render(
        "answer",
        unread=reply.unread,
        files=len(reply.answers) + len(reply.unread),
        several=reply.several,
        threshold=threshold,
        about=_person(reply, threshold) if reply.one_person else None,
        shown=_slice(reply, threshold),
        problem=problem,
        notes=notes_in_words(reply.answers, person if reply.one_person else None),
        weighed=weighed,
        measures=measures,
        stage_set=stage_set_html(person) if of_one else "",
        operating=operating_html(record, per_slice=not reply.one_person, brief=bool(measures)),
        curve=curve_html(reply, threshold) if reply.one_person else "",
        table=table_html(record, reply) if reply.pictures and not reply.one_person else "",
        cannot=cannot_sentence(record),
        phantom=reply.phantom and not is_synthetic(record),
        measured=_Measured(len(reply.answers), 1000 * reply.seconds, str(record["kind"]), str(record["sha256"])),
    )


def refusal_html(reason: str, unread: Sequence[Unread] = ()) -> Markup:
    """No answer, why, and what would get one.

    Args:
        reason: a sentence, which may hold a file's name.
        unread: further files that could not be read.
    """
    return render("refusal", reason=reason, more=tuple(unread))


@dataclass(frozen=True)
class _Measured:
    count: int
    milliseconds: float
    kind: str
    sha256: str


@dataclass(frozen=True)
class _Shown:
    """A verdict with words around it, as the template names them."""

    heading: str
    side: str
    score: float
    shares: tuple[float, ...]
    eyebrow: str = ""
    basis: str = ""
    measured: str = ""
    name: str = ""
    number: int = 1
    count: int = 1


def _person(reply: Reply, threshold: float | None) -> _Shown:
    verdict = verdict_of(reply.person, threshold)
    count = len(without_copies([reply.answers[row] for row in reply.given]))
    left_out = len(reply.answers) - len(reply.given)
    basis = f"{'The mean over' if reply.measures is None else 'From'} {count} slices" if count > 1 else "One slice"
    basis += f"; {left_out} that the model does not know as brain slices left out" if left_out else ""
    eyebrow = "The phantom" if reply.phantom else "The person"
    return _Shown(verdict.heading, verdict.side, verdict.score, verdict.shares, eyebrow=eyebrow, basis=f"{basis}.")


def _slice(reply: Reply, threshold: float | None) -> _Shown:
    """The answer for the slice on show; page.js changes it as the reader moves along the slices."""
    row = reply.first
    verdict = verdict_of(reply.answers[row], threshold)
    return _Shown(
        verdict.heading,
        verdict.side,
        verdict.score,
        verdict.shares,
        measured=measured_words(reply.answers[row]) if reply.several else "",
        name=reply.names[row],
        number=row + 1,
        count=len(reply.answers),
    )


def _why_refused(reply: Reply) -> str:
    name = reply.names[0]
    if not reply.several:
        return f"{name}: {reply.answers[0].refused}."
    return f"{name} and {len(reply.answers) - 1} more: {reply.person.refused}."
