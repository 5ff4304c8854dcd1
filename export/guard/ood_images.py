"""Out-of-distribution images: pictures that are not axial brain slices, in the frame of a slice, for measuring the guard.

Nothing here is taken from patients other than those of the test side, but for the average head that ships with the
package. Photographs are the two that scikit-learn ships; radiographs and screenshots are drawn, which real ones resemble
only roughly, and T2 contrast is a T1 slice with its tissues' brightness exchanged.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from alzedge.data.dataset import DataSet
from alzedge.export.guard.head_cuts import head_cuts
from alzedge.imaging.slices import HEIGHT, WIDTH, fit_to_frame

_Pixels = NDArray[np.uint8]
_COUNT = 40
_SLICES = 120
# Pixels darker than this are background.
_DARK = 6
# Share of white matter's brightness: where fluid, grey and white matter of a T1 slice lie.
_TISSUES = (0.1, 0.3, 0.7, 1.0)
_HEAD = 130  # pixels, of a head in a coronal picture


def ood_images(test: DataSet, seed: int) -> dict[str, _Pixels]:
    """Make pictures to refuse, by kind.

    Args:
        test: slices to turn over, cut anew or spoil; at most 120 are used, evenly spread.
        seed: of everything drawn.

    Returns:
        uint8 (N, 208, 176) by kind. `coronal cuts` and `sagittal cuts` are there when every person's slices are
        numbered: the slices of a scan stacked, cut from ear to ear or from front to back, and stretched to a head's height.
    """
    rng = np.random.default_rng(seed)
    slices = test.images[np.linspace(0, len(test) - 1, min(_SLICES, len(test)), dtype=np.intp)]
    images = {
        "noise": _many(_noise, rng),
        "photographs": _photographs(rng),
        "drawn radiographs": _many(_radiograph, rng),
        "drawn screenshots": _many(_screenshot, rng),
        "one grey": np.stack([np.full((HEIGHT, WIDTH), grey, np.uint8) for grey in range(0, 256, 15)]),
        "upside down": slices[:, ::-1],
        "turned a quarter": np.stack([fit_to_frame(Image.fromarray(np.rot90(pixels))) for pixels in slices]),
        "black and white swapped": 255 - slices,
        "contrast inverted in the brain": np.where(slices < _DARK, 0, 255 - slices).astype(np.uint8),
        "T2-like contrast": np.stack([_as_t2(pixels, rng) for pixels in slices]),
        "half size": np.stack([_shrunk(pixels) for pixels in slices]),
    }
    lowest, highest = (test.height.min(), test.height.max()) if len(test) else (np.nan, np.nan)
    return images | _person_cuts(test) | head_cuts(lowest, highest)


def _many(draw: Callable[[np.random.Generator], Image.Image], rng: np.random.Generator) -> _Pixels:
    return np.stack([np.asarray(draw(rng)) for _ in range(_COUNT)])


def _noise(rng: np.random.Generator) -> Image.Image:
    """Noise of a random grain, from single pixels to blobs of a quarter of the frame."""
    grain = int(rng.choice([1, 4, 16, 44]))
    small = rng.integers(0, 256, (-(-HEIGHT // grain), -(-WIDTH // grain)), dtype=np.uint8)
    return Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def _photographs(rng: np.random.Generator) -> _Pixels:
    from sklearn.datasets import load_sample_images

    crops = []
    for photo in load_sample_images().images:
        grey = Image.fromarray(photo).convert("L")
        for _ in range(_COUNT // 2):
            height = int(rng.integers(HEIGHT, grey.height))
            width = min(grey.width, height * WIDTH // HEIGHT)
            left, top = int(rng.integers(grey.width - width + 1)), int(rng.integers(grey.height - height + 1))
            crops.append(np.asarray(grey.crop((left, top, left + width, top + height)).resize((WIDTH, HEIGHT))))
    return np.stack(crops)


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


def _as_t2(pixels: _Pixels, rng: np.random.Generator) -> _Pixels:
    """Fluid bright, grey matter in between, white matter dark; background stays black."""
    brain = pixels[pixels >= _DARK]
    white = max(float(np.percentile(brain, 85)), 1.0) if len(brain) else 1.0
    fluid, grey_matter, white_matter = rng.integers((220, 140, 80), (256, 171, 131))
    levels = (fluid, fluid, grey_matter, white_matter)
    swapped = np.interp(pixels / white, _TISSUES, levels)
    return np.where(pixels < _DARK, 0, swapped).astype(np.uint8)


def _person_cuts(test: DataSet) -> dict[str, _Pixels]:
    if not test.subjects_known or np.any(test.slice < 1):
        return {}
    keys = np.array([test.subject, test.source, test.scan])
    _, scan = np.unique(keys, axis=1, return_inverse=True)
    scan = scan.reshape(-1)
    coronal, sagittal = [], []
    for one in np.unique(np.linspace(0, scan.max(), min(_COUNT, int(scan.max()) + 1), dtype=np.intp)):
        rows = np.flatnonzero(scan == one)
        volume = test.images[rows[np.argsort(test.slice[rows])]][::-1]  # the top of the head up
        coronal.append(_stretched_cut(volume[:, HEIGHT // 2]))
        sagittal.append(_stretched_cut(volume[:, :, WIDTH // 2 - 8]))
    return {"coronal cuts": np.stack(coronal), "sagittal cuts": np.stack(sagittal)}


def _stretched_cut(cut: _Pixels) -> _Pixels:
    """A cut (slices, pixels) in the frame: slices span a part of the head of unknown height, made to fill a head's."""
    frame = Image.new("L", (WIDTH, HEIGHT))
    whole = Image.fromarray(np.ascontiguousarray(cut)).resize((WIDTH, _HEAD), Image.Resampling.BILINEAR)
    frame.paste(whole, (0, (HEIGHT - _HEAD) // 2))
    return np.asarray(frame)
