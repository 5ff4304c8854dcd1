"""The probabilities along the slices of a head, as an inline picture that scales with the page."""

from alzedge.demo.answering.reply import Reply, shares
from alzedge.stages import TITLES

_WIDTH, _HEIGHT = 1000, 200


def curve_html(reply: Reply) -> str:
    """A line per stage over the slices, foot to head, gaps where slices were refused, a cursor at the slice on show.

    The SVG is stretched to its place, so all text stands beside it in HTML.
    """
    if not reply.several:
        return ""
    count = len(reply.answers)
    lines = "".join(_line(reply, stage) for stage in range(len(TITLES)))
    cursor = _across(reply.first, count)
    keys = "".join(f'<span class="s{stage}"><i></i>{title}</span>' for stage, title in enumerate(TITLES))
    ends = ("foot", "head") if reply.volume else ("first slice", "last slice")
    return (
        '<figure class="curve"><p class="eyebrow">Along the slices</p>'
        f'<div class="plot"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="Probability of each stage along {count} slices" data-count="{count}">'
        f'<g class="grid"><path d="M0 0H{_WIDTH}M0 {_HEIGHT / 2}H{_WIDTH}M0 {_HEIGHT}H{_WIDTH}"/></g>{lines}'
        f'<path class="cursor" d="M0 0V{_HEIGHT}" transform="translate({cursor:.1f})"/></svg>'
        '<span class="y top">100%</span><span class="y middle">50%</span></div>'
        f'<p class="scale"><span>{ends[0]}</span><span>{ends[1]}</span></p><figcaption>{keys}</figcaption></figure>'
    )


def _line(reply: Reply, stage: int) -> str:
    points, count = [], len(reply.answers)
    joined = False
    for row, answer in enumerate(reply.answers):
        if answer.probabilities is None:
            joined = False
            continue
        height = _HEIGHT * (1 - shares(answer)[stage])
        points.append(f"{'L' if joined else 'M'}{_across(row, count):.1f} {height:.1f}")
        # A slice between two refused ones would be a point, which has no length to be seen.
        points.append("h0" if not joined else "")
        joined = True
    return f'<path class="line s{stage}" d="{"".join(points)}"/>'


def _across(row: int, count: int) -> float:
    return _WIDTH * (row + 0.5) / count
