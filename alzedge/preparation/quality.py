"""Did the registration succeed, and is the scan good enough to be read? Figures, reasons and a verdict."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from alzedge.imaging.grid import Grid
from alzedge.preparation import frame
from alzedge.preparation.brightness import white_of
from alzedge.preparation.registration import Registration
from alzedge.preparation.resample import Floats, Matrix, averaged

GOOD, DOUBTFUL, FAILED = "good", "doubtful", "failed"
HEAD, STRIPPED = "head", "skull-stripped"
FRAME, MNI, SCANNER = "the frame", "MNI space", "the scanner's space"

# Correlation with the average brain: 0.43 (very wide ventricles) to 0.80 in people and atlases, -0.7 in a T2, at
# most 0.2 in anything else tried.
LEAST_SIMILARITY, _GOOD_SIMILARITY = 0.30, 0.50
# From the frame to the scan, along the three principal directions: the atlas' heads, a fifth smaller to a third larger.
_SCALES = (0.75, 1.35)
_GOOD_SCALES = (0.82, 1.25)
_LEAST_FILLED, _GOOD_FILLED = 0.85, 0.90
_LEAST_COVERED, _LEAST_LEVELS_COVERED = 0.90, 0.97
_LEAST_SNR = 8.0
_THICK_MM, _TOO_THICK_MM = 2.5, 9.0
# Mean distance in mm within which a place counts as the same.
_SAME_PLACE_MM = 5.0
# Of white matter's brightness: skin and fat around a brain that is not skull-stripped are brighter.
_SKIN = 0.15
_SHELL_MM = (4, 12)
_INNER_MM = 5
_LEVELS = slice(frame.FIRST_LEVEL, frame.FIRST_LEVEL + frame.LEVELS)


@dataclass(frozen=True)
class Quality:
    """Figures on a registration, and the verdict.

    Attributes:
        verdict: `good`, `doubtful` (answered with a warning) or `failed` (refused).
        reasons: sentences without a full stop, why it is not good.
        notes: what was chosen or unusual about the file, likewise.
        similarity: correlation with the average brain, -1 to 1.
        information: mutual information with it, in nats.
        scale: of the scan against the frame along three principal directions, 1 for the atlas' size.
        rotation: of the head against the frame in degrees.
        shift: of the frame's origin in mm.
        filled: share of the intracranial mask in which the scan shows anything.
        levels_filled: the same of the 32 levels alone.
        covered: share of the intracranial mask inside the scan's field of view.
        levels_covered: the same of the 32 levels alone.
        snr: white matter's brightness over the noise in it.
        spacing: sides of the scan's voxels in mm, smallest first.
        kind: `head` or `skull-stripped`.
        place: where the scan lay: `the frame`, `MNI space` or `the scanner's space`.
        orientation: whether the header's directions were used (`header`) or found by trial (`found`).
    """

    verdict: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    similarity: float
    information: float
    scale: tuple[float, float, float]
    rotation: float
    shift: tuple[float, float, float]
    filled: float
    levels_filled: float
    covered: float
    levels_covered: float
    snr: float
    spacing: tuple[float, float, float]
    kind: str
    place: str
    orientation: str


def measure(grid: Grid, found: Registration, head: Floats, shown: Floats) -> Quality:
    """Judge a registration.

    Args:
        grid: the scan.
        found: its registration.
        head: float32 (176, 208, 176), the scan in the frame, not masked, in any unit.
        shown: float32, the share of each voxel where the scan shows anything, 0 to 1.
    """
    mask = frame.load_template().mask
    sides = np.linalg.norm(grid.affine[:3, :3], axis=0)
    _, scales, _ = np.linalg.svd(found.matrix[:3, :3])
    inside = _covered(grid, found.matrix)
    figures = Quality(
        verdict=GOOD,
        reasons=(),
        notes=grid.notes,
        similarity=similarity(head, inside),
        information=found.information,
        scale=_three(np.sort(scales)),
        rotation=_degrees(found.matrix),
        shift=_three(found.matrix[:3, 3]),
        filled=float(shown[mask].mean()),
        levels_filled=float(shown[:, :, _LEVELS][mask[:, :, _LEVELS]].mean()),
        covered=float(inside[mask].mean()),
        levels_covered=float(inside[:, :, _LEVELS][mask[:, :, _LEVELS]].mean()),
        snr=_snr(head),
        spacing=_three(np.sort(sides)),
        kind=HEAD if _shell_brightness(head) > _SKIN * white_of(head, mask) else STRIPPED,
        place=_place(found.matrix),
        orientation="header" if grid.oriented else "found",
    )
    failures, doubts = _failures(figures), _doubts(figures)
    verdict = FAILED if failures else DOUBTFUL if doubts else GOOD
    return replace(figures, verdict=verdict, reasons=tuple(failures or doubts))


def _failures(figures: Quality) -> list[str]:
    low, high = _SCALES
    if figures.similarity < -LEAST_SIMILARITY:
        return [f"fluid is bright in it and white matter dark (correlation {figures.similarity:.2f}): a T2, not a T1"]
    found = {
        f"it resembles an average T1 brain too little (correlation {figures.similarity:.2f}, at least "
        f"{LEAST_SIMILARITY} is asked)": figures.similarity < LEAST_SIMILARITY,
        f"it would have to be scaled by {figures.scale[0]:.2f} to {figures.scale[2]:.2f}, which no adult's head needs; "
        "check the voxel size in its header": figures.scale[0] < low or figures.scale[2] > high,
        f"only {figures.levels_covered:.0%} of the part that the model reads lies in its field of view; name the whole "
        "head": figures.levels_covered < _LEAST_LEVELS_COVERED,
        f"it shows only {figures.levels_filled:.0%} of the part of the brain that the model reads": figures.levels_filled
        < _LEAST_FILLED,
        f"its voxels are {figures.spacing[2]:.1f} mm thick": figures.spacing[2] > _TOO_THICK_MM,
    }
    return [reason for reason, failed in found.items() if failed]


def _doubts(figures: Quality) -> list[str]:
    low, high = _GOOD_SCALES
    found = {
        f"it resembles an average T1 brain little (correlation {figures.similarity:.2f})": figures.similarity
        < _GOOD_SIMILARITY,
        f"it was scaled by {figures.scale[0]:.2f} to {figures.scale[2]:.2f}, more than most heads": figures.scale[0]
        < low
        or figures.scale[2] > high,
        f"{1 - figures.covered:.0%} of the inside of the skull lies outside its field of view": figures.covered
        < _LEAST_COVERED,
        f"it shows only {figures.filled:.0%} of the inside of the skull, as if its skull stripping had cut brain away": (
            figures.filled < _GOOD_FILLED * figures.covered
        ),
        f"its voxels are {figures.spacing[2]:.1f} mm thick, so that fluid and tissue mix": figures.spacing[2]
        > _THICK_MM,
        f"it is noisy (signal to noise {figures.snr:.0f})": figures.snr < _LEAST_SNR,
        "its header does not say how it lies; that was found by trial, and left and right may be exchanged": (
            figures.orientation == "found"
        ),
    }
    return [reason for reason, doubtful in found.items() if doubtful]


def _three(values: NDArray[np.float64]) -> tuple[float, float, float]:
    a, b, c = (float(value) for value in values)
    return a, b, c


def _degrees(matrix: Matrix) -> float:
    """Angle of the rotation that is nearest to a matrix."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    return float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))


def _covered(grid: Grid, matrix: Matrix) -> NDArray[np.bool_]:
    """Voxels of the frame that lie in the scan's field of view, bool (176, 208, 176)."""
    to_scan = np.linalg.inv(grid.affine) @ matrix @ frame.affine()
    inside = np.ones(frame.SHAPE, bool)
    axes = np.ogrid[: frame.SHAPE[0], : frame.SHAPE[1], : frame.SHAPE[2]]
    for row, size in zip(to_scan[:3], grid.voxels.shape, strict=True):
        index = sum((axes[i] * row[i] for i in range(3)), row[3])
        inside &= (index > -0.5) & (index < size - 0.5)
    return inside


def similarity(head: Floats, covered: NDArray[np.bool_]) -> float:
    """Correlation with the average brain, well inside the skull, where the outline does not help; -1 to 1.

    Args:
        head: float32 (176, 208, 176), the scan in the frame.
        covered: bool, voxels that lie in its field of view.
    """
    seen, _ = averaged(covered.astype(np.float32), np.eye(4), 2)
    coarse, _ = averaged(head, np.eye(4), 2)
    where = (_distances() < -_INNER_MM) & (seen == 1)
    if not where.any() or not np.ptp(coarse[where]):
        return 0.0
    return float(np.corrcoef(coarse[where], frame.load_template().brain[where])[0, 1])


@cache
def _distances() -> Floats:
    """Distance in mm from the edge of the intracranial mask, negative inside, float32 (88, 104, 88)."""
    import SimpleITK as sitk

    mask, _ = averaged(frame.load_template().mask.astype(np.float32), np.eye(4), 2)
    image = sitk.GetImageFromArray((mask > 0.5).astype(np.uint8))
    distances: Floats = 2 * sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, False, False, False))
    return distances


def _snr(head: Floats) -> float:
    """Mean over noise where the average brain is white matter; noise from the differences of neighbours (MAD)."""
    template = frame.load_template()
    index = np.argwhere(template.brain > 0.95 * np.percentile(template.brain, 99.5)) * 2
    here, there = head[tuple(index.T)], head[tuple((index + [1, 0, 0]).T)]
    noise = 1.4826 * float(np.median(np.abs(here - there))) / np.sqrt(2)
    return float(here.mean() / max(noise, 1e-6 * float(np.abs(here).mean()), 1e-12))


def _shell_brightness(head: Floats) -> float:
    """90th percentile 4 to 12 mm outside the intracranial mask, above the base of the brain: skin, fat and skull."""
    coarse, _ = averaged(head, np.eye(4), 2)
    near, far = _SHELL_MM
    shell = (_distances() > near) & (_distances() < far)
    shell[:, :, : frame.FIRST_LEVEL // 2] = False
    return float(np.percentile(coarse[shell], 90))


def _place(matrix: Matrix) -> str:
    """Name the space in which a scan lay before it was brought into the frame."""
    points = np.argwhere(frame.load_template().mask[::8, ::8, ::8]) * 8
    places = np.c_[points, np.ones(len(points))] @ frame.affine().T
    distances = {
        name: float(np.linalg.norm((places @ (matrix - expected).T)[:, :3], axis=1).mean())
        for name, expected in ((FRAME, np.eye(4)), (MNI, frame.to_mni()))
    }
    nearest = min(distances, key=distances.__getitem__)
    return nearest if distances[nearest] < _SAME_PLACE_MM else SCANNER
