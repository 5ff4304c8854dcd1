"""Proof by pixels: the archive's slices against OASIS-1's volumes, without the order and without the table.

The mean of the archive's people is registered to the mean of the scans by an affine map (Powell's method
on the correlation). Both kinds of images are then sampled at the same points, freed of what everybody
shares (mean over people) and of what bends slowly (low frequencies), and every subject is compared with every scan,
also shifted by a few millimetres. Whoever stays unclear is registered on his own to the few candidates left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alzedge.data.people.by_pixels.registration import (
    Floats,
    ScanFile,
    Volumes,
    mean_scan,
    points_of,
    read_scan,
    register,
    register_mean,
    sample_scan,
    sample_slices,
    unit,
)
from alzedge.errors import UserError

# A match is clear when it beats the next person by so much.
CLEAR_FROM = 0.15
# In points, up and down, to and fro, and sideways.
_SHIFTS = (1, 2, 2)
# Width of the blur, in points, that takes away what bends slowly.
_SMOOTH = 3
_CANDIDATES = 3
_REGISTERED_FROM = 0.85


@dataclass(frozen=True)
class PixelMatch:
    """One subject and the scan that looks most like it.

    Attributes:
        subject: the archive's name for the subject.
        person, correlation: the most similar person, and how similar.
        runner_up, runner_up_correlation: the next person.
    """

    subject: str
    person: str
    correlation: float
    runner_up: str
    runner_up_correlation: float

    @property
    def clear(self) -> bool:
        """True when the person stands out from all others."""
        return self.correlation - self.runner_up_correlation >= CLEAR_FROM


@dataclass(frozen=True)
class PixelProof:
    """Identities by pixels.

    Attributes:
        matches: one for each subject.
        registered: correlation of the two group means.
        mirrored: whether the archive's left is the scans' right.
    """

    matches: tuple[PixelMatch, ...]
    registered: float
    mirrored: bool


def match_pixels(
    subjects: Sequence[str],
    volumes: NDArray[np.uint8],
    files: Sequence[ScanFile],
    suggested: Mapping[str, Sequence[str]] | None = None,
    report: Callable[[str], None] = lambda _step: None,
) -> PixelProof:
    """Find the scan of each subject by pixels alone.

    Args:
        subjects: P names.
        volumes: uint8 (P, S, 208, 176).
        files: of volumes on one grid; see `list_scans`.
        suggested: people by subject to be tried too where pixels leave doubt; they get no other favour.
        report: is told each step.

    Raises:
        UserError: a volume is damaged or on another grid, or the mean does not look like the archive's.
    """
    archive = np.stack([sample_slices(volume) for volume in volumes])
    points = points_of(volumes.shape[1:])
    report("registering the group means")
    affine, registered = register_mean(archive.mean(axis=0), mean_scan(files), points)
    if registered < _REGISTERED_FROM:
        raise UserError(
            f"the volumes do not fit the archive: the mean images correlate at {registered:.2f} after registration; "
            "use OASIS-1's skull-stripped scans in atlas space."
        )
    # Means are nearly symmetric, so left and right are told by people.
    turned = [affine, affine * np.array([[-1], [1], [1]])]
    report(f"comparing {len(subjects)} subjects with {len(files)} scans")
    sampled = _sampled(files, turned, points_of(volumes.shape[1:], _SHIFTS[0]))
    inside, residuals = _shared_brain(archive), _residuals(archive)
    sides = [_correlations(residuals, _residuals(there), inside) for there in sampled]
    mirrored = bool(np.median(sides[1].max(axis=1)) > np.median(sides[0].max(axis=1)))
    matches = [_best_two(name, sides[mirrored][row], files) for row, name in enumerate(subjects)]
    for row, match in enumerate(matches):
        if not match.clear:
            report(f"registering {match.subject}")
            tried = _candidates(sides[mirrored][row], files, set((suggested or {}).get(match.subject, ())))
            reached = [
                register(archive[row], read_scan(file), points, turned[mirrored], lambda s: _residuals(s)[inside])[1]
                for file in tried
            ]
            matches[row] = _best_two(match.subject, np.array(reached), tried)
    return PixelProof(tuple(matches), registered, mirrored)


def _sampled(files: Sequence[ScanFile], affines: Sequence[Floats], points: Floats) -> Volumes:
    """All scans at the points under each map: float32 (maps, V, Z, Y, X)."""
    sampled = np.empty((len(affines), len(files), *points.shape[:-1]), np.float32)
    for number, file in enumerate(files):
        scan = read_scan(file)
        for k, affine in enumerate(affines):
            sampled[k, number] = sample_scan(scan, affine, points)
    return sampled


def _shared_brain(archive: Volumes) -> NDArray[np.bool_]:
    """Points (Z, Y, X) inside everybody's brain."""
    from scipy.ndimage import binary_erosion

    mean = archive.mean(axis=0)
    inside: NDArray[np.bool_] = binary_erosion(mean > 0.6 * mean.max())
    return inside


def _residuals(sampled: Volumes) -> Volumes:
    """Slices (..., Y, X) divided by their mean, freed of low frequencies."""
    from scipy.ndimage import gaussian_filter

    scaled = sampled / np.maximum(sampled.mean(axis=(-2, -1), keepdims=True), 1e-6)
    high: Volumes = scaled - gaussian_filter(scaled, (0,) * (scaled.ndim - 2) + (_SMOOTH, _SMOOTH))
    return high


def _correlations(archive: Volumes, scans: Volumes, mask: NDArray[np.bool_]) -> Floats:
    """Highest correlation (P, V) of each subject with each scan over all shifts; scans have a margin in z."""
    ours = unit((archive - archive.mean(axis=0))[:, mask])
    theirs = scans - scans.mean(axis=0)
    best = np.full((len(archive), len(scans)), -1.0)
    up, down, across = _SHIFTS
    for z in range(2 * up + 1):
        for y in range(-down, down + 1):
            for x in range(-across, across + 1):
                shifted = np.roll(theirs[:, z : z + archive.shape[1]], (y, x), axis=(2, 3))
                best = np.maximum(best, ours @ unit(shifted[:, mask]).T)
    return best


def _best_two(subject: str, similar: Floats, files: Sequence[ScanFile]) -> PixelMatch:
    """The two most similar people; of a person scanned twice the better scan counts."""
    order = np.argsort(-similar, kind="stable")
    first = order[0]
    second = next((k for k in order if files[k].person != files[first].person), first)
    return PixelMatch(subject, files[first].person, float(similar[first]), files[second].person, float(similar[second]))


def _candidates(similar: Floats, files: Sequence[ScanFile], suggested: set[str]) -> list[ScanFile]:
    likely = set(np.argsort(-similar, kind="stable")[:_CANDIDATES].tolist())
    return [file for k, file in enumerate(files) if k in likely or file.person in suggested]
