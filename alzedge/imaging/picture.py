"""Pictures by which a person checks a registration: three planes of the head with the mask's outline."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from alzedge.imaging import frame
from alzedge.imaging.brightness import WHITE
from alzedge.imaging.prepare import Prepared
from alzedge.imaging.resample import Floats

_OUTLINE = (255, 140, 0)
_GAP, _CAPTION = 6, 16
# Of the frame: through the ventricles, the basal ganglia and beside the midline.
_AXIAL, _CORONAL, _SAGITTAL = 91, 118, 82


def draw_quality(prepared: Prepared) -> Image.Image:
    """Three planes of the registered head, the intracranial mask outlined, and the verdict below.

    Axial as the slices are, posterior at the top; coronal and sagittal with the vertex at the top. The outline should
    run in the dark rim between brain and skull all around.
    """
    mask = frame.load_template().mask
    planes = [
        _plane(prepared.head[:, :, _AXIAL].T, mask[:, :, _AXIAL].T),
        _plane(prepared.head[:, _CORONAL].T[::-1], mask[:, _CORONAL].T[::-1]),
        _plane(prepared.head[_SAGITTAL].T[::-1], mask[_SAGITTAL].T[::-1]),
    ]
    names = ("axial, posterior up", "coronal", "sagittal, posterior left")
    width = sum(plane.width for plane in planes) + _GAP * (len(planes) + 1)
    height = max(plane.height for plane in planes) + 2 * _GAP + 3 * _CAPTION
    picture = Image.new("RGB", (width, height))
    pen = ImageDraw.Draw(picture)
    left = _GAP
    for plane, name in zip(planes, names, strict=True):
        pen.text((left, _GAP), name, fill="white")
        picture.paste(plane, (left, _GAP + _CAPTION))
        left += plane.width + _GAP
    quality = prepared.quality
    low, middle, high = quality.scale
    pen.text(
        (_GAP, height - 2 * _CAPTION),
        f"{quality.verdict}: correlation {quality.similarity:.2f}, scale {low:.2f} {middle:.2f} {high:.2f}, "
        f"rotation {quality.rotation:.0f} degrees, mask filled {quality.filled:.0%}, SNR {quality.snr:.0f}",
        fill="white",
    )
    return picture


def _plane(head: Floats, mask: NDArray[np.bool_]) -> Image.Image:
    """A plane in grey with the outline of the mask."""
    grey = np.clip(head * WHITE, 0, 255).astype(np.uint8)
    colour = np.repeat(grey[..., None], 3, axis=2)
    colour[_outline(mask)] = _OUTLINE
    return Image.fromarray(colour)


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of a mask that touch what is outside."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge: NDArray[np.bool_] = mask & ~inner
    return edge
