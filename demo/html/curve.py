"""The score along the slices of a head, as an inline picture that scales with the page."""

from markupsafe import Markup

from alzedge.demo.answering.reply import Reply
from alzedge.demo.html.rendering import render
from alzedge.metrics.record_facts import any_dementia

_WIDTH, _HEIGHT = 1000, 200


def curve_html(reply: Reply, threshold: float | None) -> Markup:
    """Draw the score for any dementia over the slices, foot to head, with gaps at refused slices.

    Args:
        reply: of at least one slice.
        threshold: drawn as a line across; None for none.

    Returns:
        A figure, with a cursor at the slice on show; nothing for a single slice.
    """
    if not reply.several:
        return Markup("")
    count = len(reply.answers)
    return render(
        "curve",
        width=_WIDTH,
        height=_HEIGHT,
        count=count,
        threshold=None if threshold is None else _HEIGHT * (1 - threshold),
        line=_line(reply),
        cursor=_across(reply.first, count),
        ends=("foot", "head") if reply.volume else ("first slice", "last slice"),
    )


def _line(reply: Reply) -> str:
    points, count = [], len(reply.answers)
    joined = False
    for row, answer in enumerate(reply.answers):
        if answer.probabilities is None:
            joined = False
            continue
        height = _HEIGHT * (1 - any_dementia(answer))
        points.append(f"{'L' if joined else 'M'}{_across(row, count):.1f} {height:.1f}")
        # A slice between two refused ones would be a point, which has no length to be seen.
        points.append("h0" if not joined else "")
        joined = True
    return "".join(points)


def _across(row: int, count: int) -> float:
    return _WIDTH * (row + 0.5) / count
