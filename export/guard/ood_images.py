"""Pictures that are no axial brain slices, in the frame of a slice, for measuring the guard.

Nothing here is taken from patients other than those of the test side. Photographs are the
two that scikit-learn ships; radiographs and screenshots are drawn, which real ones resemble
only roughly.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from alzedge.data.dataset import DataSet
from alzedge.imaging.slices import HEIGHT, WIDTH, fit_to_frame

_Pixels = NDArray[np.uint8]
_COUNT = 40
_HEAD = 130  # pixels, of a head in a coronal picture


def strangers(test: DataSet, seed: int) -> dict[str, _Pixels]:
    """Pictures to refuse, by kind.

    Args:
        test: slices to turn over, cut anew or spoil; at most 40 are used, evenly spread.
        seed: of everything drawn.

    Returns:
        uint8 (N, 208, 176) by kind. `coronal cuts` are there when every person's slices are
        numbered: a person's slices stacked, cut from ear to ear and stretched to a head's height.
    """
    rng = np.random.default_rng(seed)
    slices = test.images[np.linspace(0, len(test) - 1, min(_COUNT, len(test)), dtype=np.intp)]
    found = {
        "noise": _many(_noise, rng),
        "photographs": _photographs(rng),
        "drawn radiographs": _many(_radiograph, rng),
        "drawn screenshots": _many(_screenshot, rng),
        "one grey": np.stack([np.full((HEIGHT, WIDTH), grey, np.uint8) for grey in range(0, 256, 15)]),
        "upside down": slices[:, ::-1],
        "turned a quarter": np.stack([fit_to_frame(Image.fromarray(np.rot90(pixels))) for pixels in slices]),
        "black and white swapped": 255 - slices,
        "half size": np.stack([_shrunk(pixels) for pixels in slices]),
    }
    coronal = _coronal_cuts(test)
    return found if coronal is None else found | {"coronal cuts": coronal}


def _many(draw: Callable[[np.random.Generator], Image.Image], rng: np.random.Generator) -> _Pixels:
    return np.stack([np.asarray(draw(rng)) for _ in range(_COUNT)])


def _noise(rng: np.random.Generator) -> Image.Image:
    """Noise of a random grain, from single pixels to blobs of a quarter of the frame."""
    grain = int(rng.choice([1, 4, 16, 44]))
    small = rng.integers(0, 256, (-(-HEIGHT // grain), -(-WIDTH // grain)), dtype=np.uint8)
    return Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def _photographs(rng: np.random.Generator) -> _Pixels:
    from sklearn.datasets import load_sample_images

    found = []
    for photo in load_sample_images().images:
        grey = Image.fromarray(photo).convert("L")
        for _ in range(_COUNT // 2):
            height = int(rng.integers(HEIGHT, grey.height))
            width = min(grey.width, height * WIDTH // HEIGHT)
            left, top = int(rng.integers(grey.width - width + 1)), int(rng.integers(grey.height - height + 1))
            found.append(np.asarray(grey.crop((left, top, left + width, top + height)).resize((WIDTH, HEIGHT))))
    return np.stack(found)


def _radiograph(rng: np.random.Generator) -> Image.Image:
    """Bright trunk, two dark lungs, ribs, heart and spine."""
    image = Image.new("L", (WIDTH, HEIGHT), int(rng.integers(0, 30)))
    draw = ImageDraw.Draw(image)
    wide = int(rng.integers(70, 86))
    draw.rounded_rectangle((88 - wide, 14, 88 + wide, HEIGHT), 40, fill=int(rng.integers(130, 190)))
    dark = int(rng.integers(30, 70))
    for side in (-1, 1):
        x = 88 + side * int(rng.integers(34, 42))
        draw.ellipse((x - 28, 34, x + 28, 172), fill=dark)
        for y in range(46, 165, int(rng.integers(14, 20))):
            draw.arc((x - 34, y, x + 34, y + 34), 190, 350, fill=dark + 50, width=4)
    draw.ellipse((74, 96, 130, 172), fill=int(rng.integers(170, 220)))
    draw.rectangle((81, 14, 95, HEIGHT), fill=int(rng.integers(190, 240)))
    return image.filter(ImageFilter.GaussianBlur(2))


def _screenshot(rng: np.random.Generator) -> Image.Image:
    """A window with a title bar, lines of text and a picture, light or dark."""
    ground, ink = (245, 30) if rng.random() < 0.5 else (25, 220)
    image = Image.new("L", (WIDTH, HEIGHT), ground)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, WIDTH, 14), fill=int(rng.integers(60, 200)))
    for y in range(22, HEIGHT - 8, 9):
        start = 8
        while start < WIDTH - 20 and rng.random() < 0.93:
            length = int(rng.integers(6, 34))
            draw.rectangle((start, y, min(start + length, WIDTH - 8), y + 4), fill=ink)
            start += length + 5
    left, top = int(rng.integers(8, 90)), int(rng.integers(22, 120))
    draw.rectangle((left, top, left + int(rng.integers(30, 80)), top + int(rng.integers(30, 80))), fill=120)
    return image


def _shrunk(pixels: _Pixels) -> _Pixels:
    frame = Image.new("L", (WIDTH, HEIGHT))
    frame.paste(Image.fromarray(pixels).resize((WIDTH // 2, HEIGHT // 2)), (WIDTH // 4, HEIGHT // 4))
    return np.asarray(frame)


def _coronal_cuts(test: DataSet) -> _Pixels | None:
    if not test.subjects_known or np.any(test.slice < 1):
        return None
    found = []
    for person in np.unique(test.subject)[:_COUNT]:
        rows = np.flatnonzero(test.subject == person)
        volume = test.images[rows[np.argsort(test.slice[rows])]]
        cut = Image.fromarray(volume[::-1, HEIGHT // 2])  # (slices, columns), the top of the head up
        frame = Image.new("L", (WIDTH, HEIGHT))
        # The slices span a part of the head of unknown height: stretched to what a head would fill.
        frame.paste(cut.resize((WIDTH, _HEAD), Image.Resampling.BILINEAR), (0, (HEIGHT - _HEAD) // 2))
        found.append(np.asarray(frame))
    return np.stack(found)
