"""Phantoms: synthetic axial head slices, drawn from formulas. They are not medical data.

Each phantom person has a skull-stripped outline, a folded ribbon of grey matter, white
matter, deep grey nuclei, and cerebrospinal fluid (CSF) in the ventricles and sulci. CSF grows with the
stage; anatomy varies smoothly from person to person and from slice to slice, and the
spread of CSF between people overlaps between stages, so that the task can be learned
but not read off one number. Size, bit depth and per-slice contrast stretching are those
of the Kaggle set.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.imaging.slices import HEIGHT, WIDTH

_Field = NDArray[np.floating[Any]]
# Grey values before noise, in the order the Kaggle slices show them on T1.
_CSF, _GREY, _WHITE = 0.13, 0.55, 0.86
# Where `brain_share` looks: heights, and every so many pixels.
_HEIGHTS, _EVERY = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), 4


@dataclass(frozen=True)
class Anatomy:
    """Anatomy of one phantom person; lengths in units of the brain's half axes.

    Attributes:
        csf: how far ventricles and sulci are widened; about 0 (young) to 1 (severe).
        axes: half axes of the brain on its largest slice, in pixels (columns, rows).
        outline: amplitude and phase of each harmonic of the outline.
        folds: number around the brain, phase and depth of each set of cortical folds.
        ventricles: tilt, elongation and left-right asymmetry.
        grey: thickness of the cortical ribbon.
        bias: strength of the slow brightness drift along columns and rows.
    """

    csf: float
    axes: tuple[float, float]
    outline: tuple[tuple[float, ...], ...]
    folds: tuple[tuple[float, ...], ...]
    ventricles: tuple[float, float, float]
    grey: float
    bias: tuple[float, float]


def draw_anatomy(label: int, rng: np.random.Generator) -> Anatomy:
    """Draw a person of stage `STAGES[label]`."""
    csf = float(np.clip(0.10 + 0.24 * label + rng.normal(0, 0.07), 0.0, 1.1))
    size = rng.normal(1.0, 0.035)
    return Anatomy(
        csf=csf,
        axes=(63 * size * rng.normal(1, 0.03), 82 * size * rng.normal(1, 0.03)),
        outline=_harmonics(rng.normal(0, [0.012, 0.018, 0.010, 0.008]), rng.uniform(0, 2 * np.pi, 4)),
        folds=_harmonics(rng.integers(9, 24, 5), rng.uniform(0, 2 * np.pi, 5), rng.uniform(0.6, 1.2, 5)),
        ventricles=(rng.normal(0, 0.06), rng.normal(1, 0.10), rng.normal(0, 0.06)),
        grey=rng.normal(0.135, 0.008),
        bias=(rng.normal(0, 0.05), rng.normal(0, 0.05)),
    )


def _harmonics(*columns: NDArray[Any]) -> tuple[tuple[float, ...], ...]:
    # Python floats: a NumPy float64 would turn every float32 image into float64.
    return tuple(zip(*(column.astype(float).tolist() for column in columns), strict=True))


def draw_slice(anatomy: Anatomy, height: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one slice of a person.

    Args:
        anatomy: the person.
        height: position in the volume, 0 (below the ventricles) to 1 (above them).
        rng: for the scanner's noise only.

    Returns:
        uint8 (208, 176), posterior at the top.
    """
    x, y, radius, angle = _coordinates(anatomy, height)
    csf, white = _cortex(anatomy, height, radius, angle)
    image = _GREY + (_WHITE - _GREY) * white
    for nucleus in _nuclei(anatomy, height, x, y):
        image += (_GREY + 0.06 - image) * nucleus
    for cavity in (csf, _ventricles(anatomy, height, x, y), _fissure(anatomy, height, x, y)):
        image += (_CSF - image) * cavity
    image *= 1 + anatomy.bias[0] * x + anatomy.bias[1] * y
    image += _blurred(rng.normal(0, 0.05, image.shape).astype(np.float32))
    inside = _soft(1 - radius, 0.012)
    image = _blurred(image * inside)
    image[radius > 1.02] = 0
    low, high = np.percentile(image[inside > 0.5], [0.5, 99.5])
    stretched = np.clip((image - low * 0.6) / (high - low * 0.6), 0, 1) * (image > 0)
    # Drawn with the front of the head above; the frame has it below.
    return np.ascontiguousarray(np.rint(255 * stretched).astype(np.uint8)[::-1])


def brain_share(anatomy: Anatomy) -> float:
    """Share of a person's brain outline that is no CSF, over the whole height: what nWBV is of a head."""
    brain = outline = 0.0
    for height in _HEIGHTS:
        x, y, radius, angle = _coordinates(anatomy, height, _EVERY)
        tissue = _soft(1 - radius, 0.012)
        outline += float(tissue.sum())
        csf, _ = _cortex(anatomy, height, radius, angle)
        for cavity in (csf, _ventricles(anatomy, height, x, y), _fissure(anatomy, height, x, y)):
            tissue = tissue * (1 - cavity)
        brain += float(tissue.sum())
    return brain / outline


def _coordinates(anatomy: Anatomy, height: float, every: int = 1) -> tuple[_Field, _Field, _Field, _Field]:
    """Columns and rows in half axes, and radius (1 on the outline) and angle."""
    shrink = 1 - 0.28 * (2 * abs(height - 0.42)) ** 2.2
    columns = (np.arange(0, WIDTH, every, dtype=np.float32) - WIDTH / 2 + 0.5) / (anatomy.axes[0] * shrink)
    rows = (np.arange(0, HEIGHT, every, dtype=np.float32) - HEIGHT / 2 + 0.5) / (anatomy.axes[1] * shrink)
    x, y = np.meshgrid(columns, rows)
    angle = np.arctan2(y, x)
    outline = np.ones_like(x)
    for k, (amplitude, phase) in enumerate(anatomy.outline):
        outline += amplitude * np.cos((k + 2) * angle + phase + 0.8 * height)
    outline -= 0.03 * np.exp(-(((np.abs(angle) - np.pi / 2) / 0.16) ** 2))  # dents where the hemispheres meet
    return x, y, np.hypot(x, y) / outline, angle


def _cortex(anatomy: Anatomy, height: float, radius: _Field, angle: _Field) -> tuple[_Field, _Field]:
    """CSF in the sulci and share of white matter."""
    folding = np.zeros_like(radius)
    for number, phase, weight in anatomy.folds:
        wander = 1.3 * np.sin(3 * angle + phase) + 5.5 * (radius - 1) * np.cos(2 * angle + 2 * phase)
        folding += weight * np.sin(number * angle + phase + 4 * height + wander)
    folding /= sum(weight for _, _, weight in anatomy.folds) * 0.55
    # A sulcus is a narrow cut from outside, lined with grey; white matter fills the gyri between.
    depth = 0.13 + 0.20 * anatomy.csf + 0.12 * np.maximum(folding, 0)
    threshold = 0.70 - 0.42 * anatomy.csf
    sulci = 0.85 * _soft(folding - threshold, 0.16) * _soft(radius - (1 - depth), 0.03)
    lining = _soft(folding - (threshold - 0.42), 0.16) * _soft(radius - (0.93 - depth), 0.03)
    rim = _soft(radius - (0.992 - 0.028 * anatomy.csf), 0.008)
    ribbon = anatomy.grey * (1 - 0.25 * anatomy.csf)
    white = _soft((1 - ribbon - 0.09 * np.maximum(folding, -0.4) - 0.05 * anatomy.csf) - radius, 0.022)
    return np.maximum(sulci, rim), white * (1 - lining)


def _ventricles(anatomy: Anatomy, height: float, x: _Field, y: _Field) -> _Field:
    """The two lateral ventricles, bent like bananas, and the third between them."""
    tilt, elongation, asymmetry = anatomy.ventricles
    presence = np.exp(-(((height - 0.55) / 0.30) ** 4))
    half_width = (0.040 + 0.115 * anatomy.csf) * presence
    half_length = (0.30 + 0.16 * anatomy.csf) * elongation * presence
    total = np.zeros_like(x)
    for side in (-1, 1):
        bend = 0.095 + 0.05 * anatomy.csf + 0.30 * (y + 0.02) ** 2 + 0.10 * np.maximum(y, 0)
        offset = (side * x - bend - tilt * y * side) / (half_width * (1 + side * asymmetry) + 1e-3)
        along = (y + 0.02) / (half_length + 1e-3)
        total = np.maximum(total, _soft(1 - np.hypot(offset, along), 0.10))
    below = np.exp(-(((height - 0.30) / 0.16) ** 2))
    third = np.hypot(x / (0.012 + 0.05 * anatomy.csf * below + 1e-3), (y - 0.08) / 0.14)
    result: _Field = np.maximum(total, below * _soft(1 - third, 0.15)).astype(np.float32)
    return result


def _fissure(anatomy: Anatomy, height: float, x: _Field, y: _Field) -> _Field:
    """The gap between the hemispheres, whole above the ventricles and split by them below."""
    half_width = 0.006 + 0.020 * anatomy.csf
    wave = 0.010 * np.sin(9 * y + anatomy.folds[0][1])
    gap = np.exp(-(((x - wave) / half_width) ** 2))
    from_centre = 0.52 - 0.42 * float(_soft(np.float32(height - 0.80), 0.05))
    result: _Field = (0.85 * gap * _soft(np.abs(y) - from_centre, 0.04)).astype(np.float32)
    return result


def _nuclei(anatomy: Anatomy, height: float, x: _Field, y: _Field) -> list[_Field]:
    """Deep grey matter beside the third ventricle, on the lower slices."""
    presence = np.exp(-(((height - 0.28) / 0.20) ** 2))
    push = 0.05 * anatomy.csf
    shapes = [(0.15 + push, 0.12, 0.085, 0.13), (0.30 + push, -0.10, 0.075, 0.17)]
    return [
        presence * _soft(1 - np.hypot((side * x - cx) / rx, (y - cy) / ry), 0.12)
        for side in (-1, 1)
        for cx, cy, rx, ry in shapes
    ]


def _soft(value: _Field | np.floating[Any], width: float) -> _Field:
    """A smooth step: 0 below, 1 above, `width` wide."""
    result: _Field = 1 / (1 + np.exp(-np.clip(value / width * 2, -30, 30)))
    return result


def _blurred(image: _Field) -> _Field:
    """Binomial 1-2-1 blur on both axes: the scanner's point spread."""
    padded = np.pad(image, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    result: _Field = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    return result
