"""A heat map laid over its slice, as a picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from alzedge.imaging.slices import HEIGHT, WIDTH
from alzedge.stages import DISCLAIMER

# Okabe and Ito's vermilion speaks for the stage, their blue against it; both are told apart by colour-blind readers.
FOR, AGAINST = (213, 94, 0), (0, 114, 178)
_ZOOM = 2
# Background of a stripped slice, with a JPEG's noise.
_BACKGROUND = 8


def heat_overlay(
    pixels: NDArray[np.uint8], heat: NDArray[np.float32], opacity: float = 0.6, scale: float | None = None
) -> NDArray[np.uint8]:
    """Lay the evidence for one stage over the slice.

    Args:
        pixels: uint8 (208, 176).
        heat: (h, w), of one stage; from `Classifier.heat_maps`.
        opacity: of the colour where the evidence is strongest, 0 to 1.
        scale: evidence of full opacity; the strongest of this map when None.

    Returns:
        uint8 (208, 176, 3): orange where a place speaks for the stage, blue where against; grey outside the brain.
    """
    strongest = scale or float(np.abs(heat).max()) or 1.0
    smooth = Image.fromarray(heat.astype(np.float32) / strongest).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    evidence = np.clip(np.asarray(smooth), -1, 1)[..., None]
    colour = np.where(evidence > 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    share = np.abs(evidence) * opacity
    grey = pixels[..., None].astype(np.float32)
    mixed = np.rint(grey * (1 - share) + colour * share).astype(np.uint8)
    laid: NDArray[np.uint8] = np.where(brain_mask(pixels)[..., None], mixed, pixels[..., None])
    return laid


def brain_mask(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The brain on a stripped slice, bool (208, 176), dark ventricles included.

    A pixel belongs to it when there are bright ones to its left and right, and above and below it.
    """
    bright = pixels > _BACKGROUND
    inside = np.ones_like(bright)
    for axis in (0, 1):
        inside &= np.maximum.accumulate(bright, axis) & np.flip(
            np.maximum.accumulate(np.flip(bright, axis), axis), axis
        )
    return inside


def explanation_picture(pixels: NDArray[np.uint8], heat: NDArray[np.float32], caption: str) -> Image.Image:
    """The slice, the slice under its heat map, and what the colours mean; RGB.

    Args:
        pixels: uint8 (208, 176).
        heat: (h, w), of one stage.
        caption: what the heat map explains.
    """
    size = (WIDTH * _ZOOM, HEIGHT * _ZOOM)
    picture = Image.new("RGB", (2 * size[0], size[1] + 70))
    for column, shown in enumerate((pixels, heat_overlay(pixels, heat))):
        picture.paste(
            Image.fromarray(shown).convert("RGB").resize(size, Image.Resampling.BICUBIC), (column * size[0], 0)
        )
    draw = ImageDraw.Draw(picture)
    draw.text((size[0] + 8, size[1] + 4), caption, fill="white", font_size=18)
    draw.text((size[0] + 8, size[1] + 28), "orange speaks for it, blue against it", fill="white", font_size=13)
    draw.text((8, size[1] + 50), DISCLAIMER, fill="white", font_size=13)
    return picture
