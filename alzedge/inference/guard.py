"""The guard: tells axial brain MRI slices from other images, on the device and before any answer.

Slices of one frame, registered to one atlas, fill a small part of the space of images. The guard knows that part as
principal-component models of 16 x 16 block means, one for each band of heights in the head. They differ in their mean and
share their components. A slice's distance to a band is its reconstruction error plus the Mahalanobis distance within the
components (Moghaddam and Pentland 1997, "Probabilistic visual learning for object representation", equation 8), both
terms 1 on average on the training slices; its distance is that to the nearest band.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alzedge.errors import UserError
from alzedge.imaging.slices import HEIGHT, WIDTH

NOT_A_SLICE = (
    "this does not look like an axial brain MRI slice as the model knows them: skull-stripped T1, seen from above, "
    "posterior at the top, 1 mm pixels"
)
BLOCK = 16
_FEATURES = (HEIGHT // BLOCK) * (WIDTH // BLOCK)
# What a white block adds up to.
_WHITE = 255 * BLOCK**2
# Slices that are measured at once: they lie in the cache, and their matrix product is too small for BLAS to start
# threads, which would cost more than they gain.
_AT_ONCE = 16
# Means are kept in 256ths, components in 127 steps either way.
_MEAN_STEPS, _COMPONENT_STEPS = 256, 127
_Floats = NDArray[np.float32]
_Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Guard:
    """Principal-component models of block means, by band of heights.

    Attributes:
        mean: float32 (b, 143), of the training slices' block means in each band, 0 to 1.
        components: float32 (k, 143), orthonormal rows but for rounding, of the offsets from the band's mean.
        variance: float64 (k,), of the training slices along each component.
        residual: float64 (b,), mean squared reconstruction error of the training slices in each band.
        threshold: a distance above it is refused.
        measured: how the threshold was set and how often the guard is right; for readers.
        heights: z in mm of the middle of each band; empty where heights were unknown, and all slices are one band.
    """

    mean: _Floats
    components: _Floats
    variance: _Doubles
    residual: _Doubles
    threshold: float
    measured: dict[str, Any]
    heights: tuple[float, ...] = ()

    def distance(self, images: NDArray[np.uint8]) -> _Doubles:
        """Distance of each slice (N, 208, 176) from the training slices, float64 (N,); about 2 for one of them.

        A slice's distance has the same bits in every batch and with any number of threads: the matrix product is of
        whole numbers and of fractions with few binary digits, so it is exact in any order; all else is added up by
        NumPy in an order that depends on the number of bands and components alone.
        """
        blocks = [self._distance(images[start : start + _AT_ONCE]) for start in range(0, len(images), _AT_ONCE)]
        return np.concatenate(blocks) if blocks else np.empty(0)

    @cached_property
    def _basis(self) -> tuple[_Doubles, _Doubles, _Doubles, _Doubles]:
        """Columns to multiply sums with; of the means their squared lengths and components; and `corrected` of these."""
        mean, components = self.mean.astype(np.float64), self.components.astype(np.float64)
        within = (mean[:, np.newaxis] * components).sum(axis=2)
        return np.concatenate([mean, components]).T.copy(), (mean**2).sum(axis=1), within, self._corrected(within)

    @cached_property
    def _correction(self) -> _Doubles:
        """Upper triangle (k, k) that makes components' squared lengths those of their share of the reconstruction.

        The components are rounded, so they are not quite orthonormal: an offset with the components w is off its
        reconstruction by |offset|^2 - w (2 - C C^T) w^T.
        """
        components = self.components.astype(np.float64)
        gram = (components[:, np.newaxis] * components).sum(axis=2)
        return np.linalg.cholesky(2 * np.eye(len(gram)) - gram).T.copy()

    def _corrected(self, within: _Doubles) -> _Doubles:
        corrected: _Doubles = (within[:, np.newaxis] * self._correction).sum(axis=2)
        return corrected

    def _distance(self, images: NDArray[np.uint8]) -> _Doubles:
        columns, length, within, within_corrected = self._basis
        bands = len(length)
        sums = _block_sums(images).astype(np.float64)
        products = sums @ columns / _WHITE
        along = products[:, bands:]
        offset = (sums**2).sum(axis=1, keepdims=True) / _WHITE**2 - 2 * products[:, :bands] + length
        # (N, b): squared lengths of the offsets from the bands' means, less what the components explain of them.
        outside = offset - ((self._corrected(along)[:, np.newaxis] - within_corrected) ** 2).sum(axis=2)
        inside = ((along[:, np.newaxis] - within) ** 2 / self.variance).mean(axis=2)
        distance: _Doubles = outside / self.residual + inside
        nearest: _Doubles = distance.min(axis=1)
        return nearest

    def unlikeness(self, images: NDArray[np.uint8]) -> _Floats:
        """Distance as a multiple of the threshold, float32 (N,): above 1 is refused."""
        return (self.distance(images) / self.threshold).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """As written into model files.

        Row by row, as base64: `mean` as bytes, in 256ths; `components` as signed bytes, times `scale`, which is a power
        of two. The other numbers keep four digits. Rounding what was read from such a file changes nothing.
        """
        mean = np.rint(self.mean * _MEAN_STEPS).clip(0, _MEAN_STEPS - 1).astype(np.uint8)
        largest = max(float(np.abs(self.components).max()), 2.0**-16)
        scale = 2.0 ** -np.floor(np.log2(_COMPONENT_STEPS / largest))
        components = np.rint(self.components / scale).astype(np.int8)
        return {
            "block": BLOCK,
            "bands": len(mean),
            "heights": list(self.heights),
            "mean": base64.b64encode(mean.tobytes()).decode(),
            "components": base64.b64encode(components.tobytes()).decode(),
            "scale": float(scale),
            "variance": _rounded(self.variance),
            "residual": _rounded(self.residual),
            "threshold": self.threshold,
            "measured": self.measured,
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Guard":
        """Read a model file's entry, also of version 0.1: one band, arrays as base64 of little-endian float16.

        Raises:
            UserError: an entry this version does not know.
        """
        try:
            if record["block"] != BLOCK:
                raise ValueError(record["block"])
            guard = _read_bands(record) if "bands" in record else _read_half_precision(record)
            positive = np.concatenate([guard.variance, guard.residual, [guard.threshold]])
            if not (np.all(positive > 0) and np.all(np.isfinite(positive)) and np.all(np.isfinite(guard.components))):
                raise ValueError("not positive")
            _ = guard._basis  # raises where the components are far from orthonormal
            return guard
        except (KeyError, ValueError, TypeError, np.linalg.LinAlgError) as error:
            raise UserError("The model carries a guard unknown to this version; update alzedge.") from error


def _read_bands(record: dict[str, Any]) -> Guard:
    mean = _decoded(record["mean"], "u1").reshape(record["bands"], _FEATURES) / np.float32(_MEAN_STEPS)
    variance, residual = (np.array(record[name], np.float64) for name in ("variance", "residual"))
    components = _decoded(record["components"], "i1").reshape(len(variance), _FEATURES) * np.float32(record["scale"])
    heights = tuple(float(height) for height in record["heights"])
    if residual.shape != (len(mean),) or (heights and len(heights) != len(mean)):
        raise ValueError(len(mean))
    return Guard(mean, components, variance, residual, float(record["threshold"]), dict(record["measured"]), heights)


def _read_half_precision(record: dict[str, Any]) -> Guard:
    mean, components, variance = (_decoded(record[name], "<f2") for name in ("mean", "components", "variance"))
    components = components.reshape(len(variance), _FEATURES)
    residual = np.array([float(record["residual"])])
    threshold, measured = float(record["threshold"]), dict(record["measured"])
    return Guard(mean.reshape(1, _FEATURES), components, variance.astype(np.float64), residual, threshold, measured)


def unlikeness_of_misfit(guard: Guard | None, pixels: NDArray[np.uint8], problem: str) -> float:
    """Unlikeness, above 1, of a picture of another size or mode than a slice's, if the guard refuses it.

    The one decision on such pictures, for files, programs and the page: what is not a slice at all is refused, whatever
    its size, and that is an answer; what may be one must first be brought to a slice's size and mode.

    Args:
        guard: of the model; None where it has none or is not to be asked.
        pixels: uint8 (208, 176), the picture fitted into the frame.
        problem: the sentence why it is not a proper slice, both from `alzedge.imaging.slices.fit_slice`.

    Raises:
        UserError: the problem, as there is no guard or it takes the picture for a slice.
    """
    unlikeness = 0.0 if guard is None else float(guard.unlikeness(pixels[np.newaxis])[0])
    if unlikeness <= 1:
        raise UserError(problem)
    return unlikeness


def block_means(images: NDArray[np.uint8]) -> _Floats:
    """Means of 16 x 16 blocks, float32 (N, 143), 0 to 1."""
    means: _Floats = _block_sums(images).astype(np.float32) / np.float32(_WHITE)
    return means


def _block_sums(images: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Sums of 16 x 16 blocks, uint16 (N, 143): whole numbers, 65,280 at most."""
    rows = images.reshape(-1, HEIGHT // BLOCK, BLOCK, WIDTH).sum(axis=2, dtype=np.uint16)
    sums: NDArray[np.uint16] = rows.reshape(-1, _FEATURES, BLOCK).sum(axis=2, dtype=np.uint16)
    return sums


def _rounded(values: Sequence[float] | _Doubles) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def _decoded(text: str, kind: str) -> _Floats:
    return np.frombuffer(base64.b64decode(text, validate=True), kind).astype(np.float32)
