"""The slices in HTML: one large under its heat map, a strip of small ones that carries what page.js shows of each.

Everything about an upload goes to the browser once. Moving along the slices, and the heat map's opacity, then cost no
round trip, and the server keeps nothing.
"""

import base64
import io
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.demo.answering.reply import Reply, best, shares
from alzedge.imaging.overlay import AGAINST, FOR
from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.stages import TITLES

EMPTY = f"""<div class="viewer empty"><div class="view"><svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">
<path d="M88 36c-36 0-58 34-58 72s24 66 58 66 58-28 58-66-22-72-58-72Zm0 0v138M80 84c-9 10-9 34 1 44M96 84c9 10 9 34-1 44"/>
</svg></div></div>"""
# To the eye a JPEG of this quality is the slice; as PNG a head of 180 slices would weigh twice as much.
_QUALITY = 92
# The browser smooths between the points of a heat map linearly; on a finer grid than the network's, that looks smooth.
_FINER = 3


def viewer_html(slices: NDArray[np.uint8], reply: Reply, heat: NDArray[np.float32] | None) -> str:
    """The pictures of an upload.

    Args:
        slices: uint8 (N, 208, 176).
        reply: the answers for them.
        heat: float32 (answered slices, h, w, 4), or None.
    """
    maps = [""] * len(reply.answers)
    if heat is not None and len(heat):
        scale = float(np.abs(heat).max()) or 1.0  # one for all slices, so that they can be compared
        for row, evidence in zip(reply.given, heat, strict=True):
            maps[row] = " ".join(_png(heat_layer(evidence[..., stage], scale)) for stage in range(len(TITLES)))
    pictures = [_jpeg(pixels) for pixels in slices]
    thumbs = "".join(_thumb(reply, row, pictures[row], maps[row]) for row in range(len(pictures)))
    first = reply.first
    # page.js lays the heat map over, and does so again whenever another slice or stage is chosen.
    return (
        f'<div class="viewer"><div class="view"><img class="slice" src="{pictures[first]}" '
        f'alt="{_alternative(reply, first)}"><img class="heat" alt="" hidden></div>'
        f'<div class="strip" aria-label="All slices"{"" if reply.several else " hidden"}>{thumbs}</div></div>'
    )


def heat_layer(evidence: NDArray[np.float32], scale: float) -> NDArray[np.uint8]:
    """The heat map of one stage as a picture to lay over the slice.

    Args:
        evidence: (h, w), above 0 speaks for the stage.
        scale: evidence of full opacity.

    Returns:
        uint8 (3 h, 3 w, 4), RGBA in the colours of `alzedge.imaging.overlay`.
    """
    size = (evidence.shape[1] * _FINER, evidence.shape[0] * _FINER)
    smooth = np.asarray(Image.fromarray(evidence / np.float32(scale)).resize(size, Image.Resampling.BICUBIC))
    layer = np.empty((*smooth.shape, 4), np.uint8)
    layer[..., :3] = np.where(smooth[..., None] > 0, np.array(FOR, np.uint8), np.array(AGAINST, np.uint8))
    layer[..., 3] = np.rint(255 * np.abs(smooth).clip(0, 1))
    return layer


def _thumb(reply: Reply, row: int, picture: str, maps: str) -> str:
    answer = reply.answers[row]
    refused = answer.probabilities is None
    told = "" if refused else " ".join(f"{share:.6f}" for share in shares(answer))
    colour = "refused" if refused else f"s{best(answer)}"
    current = ' aria-current="true"' if row == reply.first else ""
    # Out of the tab order: by keyboard the slice slider does the same in one stop.
    return (
        f'<button type="button" tabindex="-1" class="thumb {colour}" data-shares="{told}" data-heat="{maps}" '
        f'data-name="{escape(reply.names[row])}" aria-label="{_alternative(reply, row)}"{current}>'
        f'<img src="{picture}" alt="" loading="lazy"></button>'
    )


def _alternative(reply: Reply, row: int) -> str:
    answer = reply.answers[row]
    told = "refused" if answer.probabilities is None else TITLES[best(answer)]
    return f"Slice {row + 1} of {len(reply.answers)}: {told}"


def _jpeg(pixels: NDArray[np.uint8]) -> str:
    return "data:image/jpeg;base64," + _encoded(pixels, "JPEG", quality=_QUALITY)


def _png(pixels: NDArray[np.uint8]) -> str:
    return _encoded(pixels, "PNG")


def _encoded(pixels: NDArray[np.uint8], fmt: str, **options: int) -> str:
    # Encoded from bare pixels, so nothing that the uploaded file said besides (EXIF, DICOM tags) comes along.
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, fmt, **options)
    return base64.b64encode(buffer.getvalue()).decode()
