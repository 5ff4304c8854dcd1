"""Proof by pixels: the archive's slices against OASIS-1's volumes, without the order and without the table.

The mean of the archive's people is registered to the mean of the scans by an affine map (Powell's method
on the correlation). Both kinds of images are then sampled at the same points, freed of what everybody
shares (mean over people) and of what bends slowly (low frequencies), and every subject is compared with every scan,
also shifted by a few millimetres. Whoever stays unclear is registered on his own to the few candidates left.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.data.people.recovery import Recovery
from alzedge.errors import UserError
from alzedge.extras import require

Floats = NDArray[np.float64]
Volumes = NDArray[np.float32]

# A match is clear when it beats the next person by so much.
CLEAR_FROM = 0.15
_NAME = re.compile(r"(OAS1_\d{4})_MR\d.*\.nii(\.gz)?")
# Points lie so many pixels and slices apart; the archive's are 1 mm.
_EVERY = 3
_SHIFTS = (1, 2, 2)
_CANDIDATES = 3
_REGISTERED_FROM = 0.85


@dataclass(frozen=True, eq=False)
class Scan:
    """One volume of OASIS-1: the person, voxels (I, J, K), and the affine (4, 4) from voxels to mm."""

    person: str
    voxels: Volumes
    affine: Floats


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
        """Whether the person stands out from all others."""
        return self.correlation - self.runner_up_correlation >= CLEAR_FROM


@dataclass(frozen=True)
class Difference:
    """A subject whom pixels clearly give to another person than the recovery."""

    subject: str
    recovered: str
    posterior: float
    by_pixels: str
    correlation: float


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


def read_scans(folder: Path, progress: Callable[[Sequence[Path]], Iterable[Path]] = iter) -> list[Scan]:
    """Read the volumes `OAS1_xxxx_MRy*.nii[.gz]` of a folder.

    Raises:
        UserError: no such folder, no volumes in it, not all on one grid, or a damaged file.
    """
    require("medical")
    from alzedge.nifti import read_nifti

    files = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name)) if folder.is_dir() else []
    if len(files) < 2:
        raise UserError(f"{folder}: no volumes named like OAS1_0001_MR1.nii.gz; name the folder of OASIS-1's scans.")
    scans: list[Scan] = []
    for path in progress(files):
        with path.open("rb") as stream:
            grid = read_nifti(stream, str(path))
        match = _NAME.fullmatch(path.name)
        scans.append(Scan(match[1] if match else "", grid.voxels.astype(np.float32), grid.affine))
        if scans[-1].voxels.shape != scans[0].voxels.shape or not np.allclose(grid.affine, scans[0].affine):
            raise UserError(f"{path}: not on the grid of {files[0].name}; register all scans to one atlas.")
    return scans


def match_pixels(
    subjects: Sequence[str],
    volumes: NDArray[np.uint8],
    scans: Sequence[Scan],
    suggested: Mapping[str, Sequence[str]] | None = None,
    report: Callable[[str], None] = lambda _step: None,
) -> PixelProof:
    """Find the scan of each subject by pixels alone.

    Args:
        subjects: P names.
        volumes: uint8 (P, S, 208, 176).
        scans: on one grid; see `read_scans`.
        suggested: people by subject to be tried too where pixels leave doubt; they get no other favour.
        report: is told each step.

    Raises:
        UserError: the scans' mean does not look like the archive's.
    """
    mask, archive = _sampled_archive(volumes)
    points = _points(volumes.shape[1:], _SHIFTS[0])
    report("registering the group means")
    mean = Scan("", np.mean([scan.voxels for scan in scans], axis=0, dtype=np.float64).astype(np.float32), scans[0].affine)
    affine, registered = _register_means(archive.mean(axis=0), mean, _points(volumes.shape[1:], 0))
    if registered < _REGISTERED_FROM:
        raise UserError(
            f"the volumes do not fit the archive: the mean images correlate at {registered:.2f} after registration; "
            "use OASIS-1's skull-stripped scans in atlas space."
        )
    residuals = _residuals(archive)
    best: Floats | None = None
    for mirrored in (False, True):
        report(f"comparing {len(subjects)} subjects with {len(scans)} scans" + (", mirrored" if mirrored else ""))
        turned = affine * np.array([[-1.0 if mirrored else 1.0], [1], [1]])
        similar = _correlations(residuals, _sampled_scans(scans, turned, points), mask)
        if best is None or np.median(similar.max(axis=1)) > np.median(best.max(axis=1)):
            best, chosen, is_mirrored = similar, turned, mirrored
    assert best is not None
    matches = _people_matches(subjects, best, scans)
    for row, match in enumerate(matches):
        if not match.clear:
            report(f"registering {match.subject}")
            wanted = set((suggested or {}).get(match.subject, ()))
            matches[row] = _registered_match(match.subject, residuals[row], best[row], scans, wanted, chosen, mask)
    return PixelProof(tuple(matches), registered, is_mirrored)


def differences(recovery: Recovery, proof: PixelProof) -> list[Difference]:
    """Where pixels clearly contradict the recovery."""
    return [
        Difference(ours.subject, ours.person.oasis_id, ours.posterior, theirs.person, theirs.correlation)
        for ours, theirs in zip(recovery.matches, proof.matches, strict=True)
        if theirs.clear and theirs.person != ours.person.oasis_id
    ]


def _points(shape: tuple[int, ...], margin: int) -> Floats:
    """Slice, row and column (Z, Y, X, 3) of the points that are compared, `margin` more in both directions of z."""
    axes = [np.arange(_EVERY // 2, size, _EVERY, dtype=np.float64) for size in shape]
    below = axes[0][0] - _EVERY * np.arange(margin, 0, -1)
    axes[0] = np.concatenate([below, axes[0], axes[0][-1] + _EVERY * np.arange(1, margin + 1)])
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def _sampled_archive(volumes: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], Volumes]:
    """Where all brains are, (Z, Y, X), and the smoothed slices at the points, (P, Z, Y, X)."""
    from scipy.ndimage import binary_erosion, gaussian_filter

    start = _EVERY // 2
    sampled = np.stack(
        [gaussian_filter(volume.astype(np.float32), 1)[start::_EVERY, start::_EVERY, start::_EVERY] for volume in volumes]
    )
    mean = sampled.mean(axis=0)
    return binary_erosion(mean > 0.6 * mean.max()), sampled


def _sample(scan: Scan, affine: Floats, points: Floats) -> Volumes:
    """Voxels at archive points (..., 3), which `affine` (3, 4) maps to mm."""
    from scipy.ndimage import map_coordinates

    to_voxels = np.linalg.inv(scan.affine)
    there = (points @ affine[:, :3].T + affine[:, 3]) @ to_voxels[:3, :3].T + to_voxels[:3, 3]
    sampled: Volumes = map_coordinates(scan.voxels, np.moveaxis(there, -1, 0), order=1)
    return sampled


def _sampled_scans(scans: Sequence[Scan], affine: Floats, points: Floats) -> Volumes:
    return _residuals(np.stack([_sample(scan, affine, points) for scan in scans]))


def _residuals(sampled: Volumes) -> Volumes:
    """Slices divided by their mean, freed of low frequencies."""
    from scipy.ndimage import gaussian_filter

    level = np.maximum(sampled.mean(axis=(-2, -1), keepdims=True), 1e-6)
    scaled = sampled / level
    sigma = (0,) * (scaled.ndim - 2) + (3, 3)
    high: Volumes = scaled - gaussian_filter(scaled, sigma)
    return high


def _register_means(target: Volumes, mean: Scan, points: Floats) -> tuple[Floats, float]:
    """The affine map (3, 4) from archive to mm, and the correlation of the means, of the better of two starts."""
    starts = [_register(target, mean, points, _start(points, front)) for front in (1, -1)]
    return max(starts, key=lambda found: found[1])


def _start(points: Floats, front: int) -> Floats:
    """1 mm pixels around the atlas' origin, with the slices from -2 mm upwards as in FACTS of the set.

    Args:
        front: 1 when rows run from back to front, -1 for the other way.
    """
    middle = points.reshape(-1, 3).mean(axis=0)
    return np.array([[0, 0, 1, -middle[2]], [0, front, 0, -front * middle[1] - 18], [1, 0, 0, -2.0]])


def _register(target: Volumes, scan: Scan, points: Floats, start: Floats, prepare: Any = None) -> tuple[Floats, float]:
    """Powell's method over the 12 numbers of an affine map; returns it and the correlation reached."""
    from scipy.optimize import minimize

    scale = np.array([[0.02, 0.01, 0.01, 2.0]] * 3)
    mask = np.ones(target.shape, bool) if prepare is None else prepare[1]
    ready = (lambda sampled: sampled) if prepare is None else prepare[0]
    wanted = _unit(target[mask][None])[0]

    def loss(step: Floats) -> float:
        sampled = ready(_sample(scan, start + step.reshape(3, 4) * scale, points))
        return -float(wanted @ _unit(sampled[mask][None])[0])

    found = minimize(loss, np.zeros(12), method="Powell", options={"maxiter": 4, "xtol": 0.02, "ftol": 1e-4})
    return start + found.x.reshape(3, 4) * scale, -float(found.fun)


def _unit(rows: NDArray[Any]) -> Floats:
    centred = rows.astype(np.float64) - rows.mean(axis=1, keepdims=True)
    unit: Floats = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return unit


def _correlations(archive: Volumes, scans: Volumes, mask: NDArray[np.bool_]) -> Floats:
    """Highest correlation (P, V) of each subject with each scan over all shifts; scans have a margin in z."""
    ours = _unit((archive - archive.mean(axis=0))[:, mask])
    theirs = scans - scans.mean(axis=0)
    best = np.full((len(archive), len(scans)), -1.0)
    up, down, across = _SHIFTS
    for z in range(2 * up + 1):
        for y in range(-down, down + 1):
            for x in range(-across, across + 1):
                shifted = np.roll(theirs[:, z : z + archive.shape[1]], (y, x), axis=(2, 3))
                best = np.maximum(best, ours @ _unit(shifted[:, mask]).T)
    return best


def _people_matches(subjects: Sequence[str], similar: Floats, scans: Sequence[Scan]) -> list[PixelMatch]:
    """The two most similar people of each subject; of a person scanned twice the better scan counts."""
    return [_best_two(name, similar[row], [scan.person for scan in scans]) for row, name in enumerate(subjects)]


def _best_two(subject: str, similar: Floats, people: Sequence[str]) -> PixelMatch:
    order = np.argsort(-similar, kind="stable")
    first = order[0]
    second = next((k for k in order if people[k] != people[first]), first)
    return PixelMatch(subject, people[first], float(similar[first]), people[second], float(similar[second]))


def _registered_match(
    subject: str,
    residual: Volumes,
    similar: Floats,
    scans: Sequence[Scan],
    suggested: set[str],
    affine: Floats,
    mask: NDArray[np.bool_],
) -> PixelMatch:
    """The best two of the candidates, each registered to this subject on its own."""
    likely = set(np.argsort(-similar, kind="stable")[:_CANDIDATES].tolist())
    tried = sorted(likely | {k for k, scan in enumerate(scans) if scan.person in suggested})
    points = _points((residual.shape[0] * _EVERY, residual.shape[1] * _EVERY, residual.shape[2] * _EVERY), 0)
    reached = np.array([_register(residual, scans[k], points, affine, (_residuals, mask))[1] for k in tried])
    return _best_two(subject, reached, [scans[k].person for k in tried])
