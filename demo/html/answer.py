"""The answer in HTML: a bar per stage, how far to trust it, how long it took; and a refusal, kindly."""

from html import escape
from typing import Any

from alzedge.demo.answering.reply import Reply, best, shares
from alzedge.demo.html.curve import curve_html
from alzedge.inference.classifier import Answer
from alzedge.model_file.read_write import Record
from alzedge.stages import DISCLAIMER, TITLES

EMPTY = (
    '<section class="panel empty"><h2>Nothing asked yet</h2>'
    "<p>Upload a slice or a volume, or draw a phantom: the answer appears here.</p></section>"
)
_PHANTOM = "The model has learned from real slices only, so on a phantom its answer shows how the page works, no more."
_CHECKLIST = (
    "one axial slice, seen from above, forehead up",
    "skull-stripped, T1-weighted",
    "176 pixels wide and 208 high, 1 mm each, 8-bit grey",
)


def answer_html(record: Record, reply: Reply) -> str:
    """The whole answer to one upload.

    Args:
        record: of the model that answered.
        reply: what it said.
    """
    if not reply.given:
        return refusal_html(_why_refused(reply))
    parts = [_person_html(reply)] if reply.one_person else []
    parts.append(_slice_html(reply))
    if reply.phantom and not record["dataset"]["synthetic"]:
        parts.append(f'<p class="caveat">{_PHANTOM}</p>')
    parts += [trust_html(record, reply.one_person), _measured_html(record, reply)]
    return f'<section class="panel" aria-label="Answer">{"".join(parts)}</section>'


def refusal_html(reason: str) -> str:
    """No answer, why, and what would get one.

    Args:
        reason: a sentence, which may hold a file's name: not HTML.
    """
    wanted = "".join(f"<li>{line}</li>" for line in _CHECKLIST)
    return (
        '<section class="panel refused" role="alert"><h2>No answer</h2>'
        f"<p>{escape(reason)}</p><p>A guess about something the model does not know would be worse than none. "
        f"What it can read:</p><ul>{wanted}</ul>"
        "<p>Or a whole head: a NIfTI volume or the DICOM files of a series. A phantom is always at hand.</p></section>"
    )


def bars_html(answer: Answer, name: str = "") -> str:
    """One bar per stage, in order of severity.

    Args:
        answer: not a refusal.
        name: a further class of the list, for whoever changes its numbers later.
    """
    top = best(answer)
    rows = "".join(_bar(stage, share, stage == top) for stage, share in enumerate(shares(answer)))
    return f'<ul class="bars {name}">{rows}</ul>'


def _bar(stage: int, share: float, top: bool) -> str:
    return (
        f'<li class="s{stage}{" top" if top else ""}"><span class="stage">{TITLES[stage]}</span>'
        f'<span class="track" aria-hidden="true"><span class="fill" style="width:{100 * share:.1f}%"></span></span>'
        f'<span class="share">{share:.1%}</span></li>'
    )


def _person_html(reply: Reply) -> str:
    top, count = best(reply.person), len(reply.given)
    left_out = len(reply.answers) - count
    told = f"the mean over {count} slices" if count > 1 else "one slice"
    told += f"; {left_out} that the model does not know as brain slices left out" if left_out else ""
    return (
        f'<p class="eyebrow">The {"phantom" if reply.phantom else "person"}</p><h2>{TITLES[top]}, {shares(reply.person)[top]:.0%}</h2>'
        f'<p class="of">{told}</p>{bars_html(reply.person, "person")}{curve_html(reply)}'
    )


def _slice_html(reply: Reply) -> str:
    """The answer for the slice on show; page.js changes it as the reader moves along the slices."""
    row = reply.first
    answer, name = reply.answers[row], escape(reply.names[row])
    heading = f"{TITLES[best(answer)]}, {shares(answer)[best(answer)]:.0%}"
    eyebrow = (
        f"Slice <span data-show='number'>{row + 1}</span> of {len(reply.answers)}" if reply.several else "The slice"
    )
    level = "h3" if reply.one_person else "h2"
    return (
        f'<div class="this-slice"><p class="eyebrow">{eyebrow}</p>'
        f'<{level} data-show="heading">{heading}</{level}><p class="of" data-show="name">{name}</p>'
        f"{bars_html(answer, 'slice-bars')}</div>"
    )


def trust_html(record: Record, per_person: bool) -> str:
    """How often the model is right about people it has not seen, with its interval, for those who know no statistics."""
    if record["dataset"]["synthetic"]:
        return '<p class="trust">Trained on phantoms: its answers say nothing about real slices.</p>'
    unseen = [found for found in record.get("metrics", {}).values() if found["unseen_people"]]
    if not unseen:
        return (
            '<p class="trust">How often it is right about new people was not measured, so nobody should trust it.</p>'
        )
    found = max(unseen, key=lambda found: found["slice"]["n"])  # a cross-validation has asked about more people
    level = "person" if per_person and "person" in found else "slice"
    figures = found[level]
    accuracy, floor = figures["stages4"]["accuracy"], found["floors"]["majority"]
    return (
        '<div class="trust"><p class="eyebrow">How far to trust it</p>'
        f"<p>{_tested_on(figures, level, found['measured_on'] == 'this model')} right for <strong>{accuracy['value']:.0%}</strong>. "
        f"Chance alone leaves anything from {accuracy['low']:.0%} to {accuracy['high']:.0%} open "
        f"(95% interval). Always saying the commonest stage would be right for {floor:.0%}.</p>"
        f"{_interval_html(accuracy, floor)}{_calibration_html(record, figures['stages4']['ece'])}</div>"
    )


def _tested_on(figures: dict[str, Any], level: str, itself: bool) -> str:
    people = f"{figures['people']} people" if figures["people"] else "people"
    asked = people if level == "person" else f"{figures['n']} slices of {people}"
    if itself:
        return f"Asked about {asked} it had never seen, the model was"
    return f"Asked about {asked}, each by a model made like this one that had never seen them, the models were"


def _interval_html(accuracy: dict[str, float], floor: float) -> str:
    low, high, value = (100 * accuracy[key] for key in ("low", "high", "value"))
    return (
        f'<div class="interval" role="img" aria-label="Right for {value:.0f}%, between {low:.0f}% and {high:.0f}%; '
        f'always saying the commonest stage: {floor:.0%}">'
        f'<span class="band" style="left:{low:.1f}%;width:{high - low:.1f}%"></span>'
        f'<span class="floor" style="left:{100 * floor:.1f}%"></span>'
        f'<span class="dot" style="left:{value:.1f}%"></span></div>'
        '<p class="scale"><span>0%</span><span class="key"><i class="dot"></i>right '
        '<i class="band"></i>95% interval <i class="floor"></i>always the commonest</span><span>100%</span></p>'
    )


def _calibration_html(record: Record, ece: dict[str, float]) -> str:
    start = "It learned from calibrated percentages, and its own" if is_calibrated(record) else "Its percentages"
    return f'<p class="of">{start} were off by {100 * ece["value"]:.0f} points on average on those people.</p>'


def is_calibrated(record: Record) -> bool:
    """Whether the answers that the model was taught with were calibrated, see `alzedge.student.cross_fit`."""
    return bool((record.get("soft_targets") or {}).get("cross_fit"))


def _measured_html(record: Record, reply: Reply) -> str:
    count, milliseconds = len(reply.answers), 1000 * reply.seconds
    each = f", {milliseconds / count:.1f} ms each" if count > 1 else ""
    slices = f"{count} slices" if count > 1 else "1 slice"
    return (
        f'<p class="measured">{slices} in <strong>{milliseconds:.1f} ms</strong>{each}, preprocessing included, by '
        f"<code>{escape(record['kind'])}</code> (sha256 {escape(record['sha256'][:12])}). {DISCLAIMER}</p>"
    )


def _why_refused(reply: Reply) -> str:
    name = reply.names[0]
    if not reply.several:
        return f"{name}: {reply.answers[0].refused}."
    return f"{name} and {len(reply.answers) - 1} more: {reply.person.refused}."
