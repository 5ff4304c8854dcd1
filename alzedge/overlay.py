"""A heat map laid over its slice, as a picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alzedge.images import HEIGHT, WIDTH

# Okabe and Ito's vermilion speaks for the stage, their blue against it; both are told apart by colour-blind readers.
_FOR, _AGAINST = (213, 94, 0), (0, 114, 178)


def heat_overlay(
    pixels: NDArray[np.uint8], heat: NDArray[np.floating], opacity: float = 0.6, scale: float | None = None
) -> NDArray[np.uint8]:
    """Lay the evidence for one stage over the slice.

    Args:
        pixels: uint8 (208, 176).
        heat: (h, w), of one stage; from `Classifier.heat_maps`.
        opacity: of the colour where the evidence is strongest, 0 to 1.
        scale: evidence of full opacity; the strongest of this map when None.

    Returns:
        uint8 (208, 176, 3): orange where a place speaks for the stage, blue where against.
    """
    strongest = scale or float(np.abs(heat).max()) or 1.0
    smooth = Image.fromarray(heat.astype(np.float32) / strongest).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    evidence = np.clip(np.asarray(smooth), -1, 1)[..., None]
    colour = np.where(evidence > 0, np.float32(_FOR), np.float32(_AGAINST))
    share = np.abs(evidence) * opacity
    grey = pixels[..., None].astype(np.float32)
    return np.rint(grey * (1 - share) + colour * share).astype(np.uint8)
