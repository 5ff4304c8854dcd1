"""Small heads that are no images of anybody, and captions drawn into them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[Any]


def head(height: int = 96, width: int = 80, seed: int = 0) -> Pixels:
    """An ellipse of noise on black, uint8 (height, width)."""
    rows, columns = np.mgrid[:height, :width]
    inside = ((rows - height / 2) / height * 2.6) ** 2 + ((columns - width / 2) / width * 2.6) ** 2 < 1
    return (inside * np.random.default_rng(seed).integers(90, 200, (height, width))).astype(np.uint8)


def with_caption(
    image: Pixels, text: str = "DOE JANE", size: int = 11, grey: int = 255, at: tuple[int, int] = (1, 0)
) -> Pixels:
    """The image with a text over it."""
    picture = Image.fromarray(image)
    ImageDraw.Draw(picture).text(at, text, fill=grey, font=ImageFont.load_default(size))
    return np.asarray(picture)
