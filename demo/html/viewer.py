"""The slices in HTML: one large under its heat map, a strip of small ones that carries what page.js shows of each.

Everything about an upload goes to the browser once. Moving along the slices, and the heat map's opacity, then cost no
round trip, and the server keeps nothing.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from alzedge.demo.answering.reply import Reply, shares
from alzedge.demo.html.measures import measured_words
from alzedge.demo.html.rendering import render
from alzedge.demo.html.verdict import HEADINGS, side_of
from alzedge.imaging.overlay import AGAINST, FOR, brain_mask

# To the eye a JPEG of this quality is the slice; as PNG a head of 180 slices would weigh twice as much.
_QUALITY = 92
# The browser smooths between the points of a heat map linearly; on a finer grid than the network's, that looks smooth.
_FINER = 3


@dataclass(frozen=True)
class _Slice:
    """One slice as the template and page.js take it; pictures as data addresses or base64."""

    name: str
    picture: str
    alternative: str
    side: str
    heading: str
    shares: str
    heat: str
    mask: str
    measured: str


def empty_viewer_html(example: NDArray[np.uint8], source: str) -> Markup:
    """The viewer before the first question: the example slice, uint8 (208, 176), as a button that asks about it."""
    return render("viewer_empty", picture=_jpeg(example), source=source)


def viewer_html(
    slices: NDArray[np.uint8], reply: Reply, heat: NDArray[np.float32] | None, threshold: float | None
) -> Markup:
    """Draw the pictures of an upload.

    Args:
        slices: uint8 (N, 208, 176).
        reply: the answers for them.
        heat: float32 (answered slices, h, w, 4), or None.
        threshold: on the score for any dementia; None for none.
    """
    maps, masks = [""] * len(slices), [""] * len(slices)
    if heat is not None and len(heat):
        scale = float(np.abs(heat).max()) or 1.0  # one for all slices, so that they can be compared
        for row, evidence in zip(reply.given, heat, strict=True):
            # Any dementia is what speaks against none: first, as page.js has it.
            layers = [-evidence[..., 0], *np.moveaxis(evidence, -1, 0)]
            maps[row] = " ".join(_png(heat_layer(layer, scale)) for layer in layers)
            masks[row] = _mask_png(brain_mask(slices[row]))
    shown = [
        _Slice(
            reply.names[row],
            _jpeg(slices[row]),
            f"Slice {row + 1} of {len(slices)}",
            side_of(answer, threshold),
            HEADINGS[side_of(answer, threshold)],
            "" if answer.probabilities is None else " ".join(f"{share:.6f}" for share in shares(answer)),
            maps[row],
            masks[row],
            measured_words(answer),
        )
        for row, answer in enumerate(reply.answers)
    ]
    return render("viewer", slices=shown, first=reply.first)


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


def _mask_png(mask: NDArray[np.bool_]) -> str:
    """A mask as a small PNG whose second colour alone is opaque, for CSS."""
    image = Image.fromarray(mask.astype(np.uint8))
    image.putpalette([0, 0, 0, 255, 255, 255])
    return _encoded(image, "PNG", transparency=0, bits=1)


def _jpeg(pixels: NDArray[np.uint8]) -> str:
    return "data:image/jpeg;base64," + _encoded(Image.fromarray(pixels), "JPEG", quality=_QUALITY)


def _png(pixels: NDArray[np.uint8]) -> str:
    return _encoded(Image.fromarray(pixels), "PNG")


def _encoded(image: Image.Image, fmt: str, **options: int) -> str:
    # Encoded from bare pixels, so nothing that the uploaded file said besides (EXIF, DICOM tags) comes along.
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return base64.b64encode(buffer.getvalue()).decode()
